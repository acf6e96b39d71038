package trace

import "bytes"

// inspect walks once over a message: it returns where its Call-ID stands (RFC 3261
// section 20.8), and masks its secrets in place, each letter by an asterisk, so that
// every length stays true.
func inspect(data []byte) (from, to int) {
	i := bytes.IndexByte(data, '\n') + 1 // the start line
	secret := false                      // in a field of credentials, which may be folded
	typed, digits := false, false        // in Content-Type; the body is a DTMF digit
	for i > 0 && i < len(data) {
		end := bytes.IndexByte(data[i:], '\n')
		if end < 0 {
			end = len(data) - i
		}
		line := data[i : i+end]
		next := i + end + 1
		if len(bytes.TrimRight(line, "\r")) == 0 {
			body := data[min(next, len(data)):]
			if digits {
				maskDigits(body)
			} else {
				maskKeys(body)
			}
			return from, to
		}
		typed = typed && (line[0] == ' ' || line[0] == '\t')
		switch line[0] {
		case ' ', '\t':
			if secret {
				maskCredentials(line)
			}
			digits = digits || typed && isDTMF(line)
			i = next
			continue
		case 'c', 'C', 'i', 'I':
			if at := value(line, "call-id", "i"); at > 0 && to == 0 {
				from, to = i+at, i+len(bytes.TrimRight(line, " \t\r"))
				from = min(from, to)
			}
			if at := value(line, "content-type", "c"); at > 0 {
				typed, digits = true, digits || isDTMF(line[at:])
			}
			secret = false
		case 'a', 'A', 'p', 'P':
			at := value(line, "authorization", "")
			if at < 0 {
				at = value(line, "proxy-authorization", "")
			}
			if secret = at > 0; secret {
				maskCredentials(line[at:])
			}
		default:
			secret = false
		}
		i = next
	}
	return from, to
}

// value returns where the value of a header line begins, or -1 when its name is
// another. long and compact are in lower case.
func value(line []byte, long, compact string) int {
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		return -1
	}
	name := bytes.TrimRight(line[:colon], " \t")
	if !equalFold(name, long) && (compact == "" || !equalFold(name, compact)) {
		return -1
	}
	colon++
	for colon < len(line) && (line[colon] == ' ' || line[colon] == '\t') {
		colon++
	}
	return colon
}

func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// maskCredentials masks what proves the password in digest credentials (RFC 7616
// section 3.4). Credentials of another kind are masked whole.
func maskCredentials(b []byte) {
	scheme, rest, found := bytes.Cut(b, []byte(" "))
	if found && len(scheme) > 0 && !equalFold(scheme, "digest") && !bytes.ContainsAny(scheme, "=,") {
		mask(rest)
		return
	}
	for i := 0; i < len(b); i++ {
		if i > 0 && b[i-1] != ' ' && b[i-1] != ',' && b[i-1] != '\t' {
			continue
		}
		for _, name := range [...]string{"response", "cnonce"} {
			end := i + len(name)
			if end >= len(b) || !equalFold(b[i:end], name) {
				continue
			}
			v := bytes.TrimLeft(b[end:], " \t")
			if len(v) == 0 || v[0] != '=' {
				continue
			}
			v = bytes.TrimLeft(v[1:], " \t")
			if len(v) > 0 && v[0] == '"' {
				v = v[1:]
				if close := bytes.IndexByte(v, '"'); close >= 0 {
					v = v[:close]
				}
			} else if close := bytes.IndexAny(v, ", \t\r\""); close >= 0 {
				v = v[:close]
			}
			mask(v)
		}
	}
}

var (
	cryptoLine = []byte("a=crypto:")
	inlineKey  = []byte("inline:")
)

// maskKeys masks the keys in a session description (RFC 4568 section 9.1).
func maskKeys(body []byte) {
	for {
		i := bytes.Index(body, cryptoLine)
		if i < 0 {
			return
		}
		body = body[i+len(cryptoLine):]
		line := body
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line = line[:end]
		}
		for {
			k := bytes.Index(line, inlineKey)
			if k < 0 {
				break
			}
			line = line[k+len(inlineKey):]
			key := line
			if end := bytes.IndexAny(key, "|; \r"); end >= 0 {
				key = key[:end]
			}
			mask(key)
		}
	}
}

const dtmfType = "application/dtmf"

// isDTMF reports whether a Content-Type is one of those by which INFO brings digits:
// application/dtmf-relay, application/dtmf.
func isDTMF(kind []byte) bool {
	kind = bytes.TrimLeft(kind, " \t")
	return len(kind) >= len(dtmfType) && equalFold(kind[:len(dtmfType)], dtmfType)
}

// maskDigits masks what a customer has keyed in: it may be a card number. How long the
// key was down stays.
func maskDigits(body []byte) {
	for len(body) > 0 {
		line := body
		if end := bytes.IndexByte(body, '\n'); end >= 0 {
			line, body = body[:end], body[end+1:]
		} else {
			body = nil
		}
		equals := bytes.IndexByte(line, '=')
		if equals < 0 || !equalFold(bytes.TrimSpace(line[:equals]), "duration") {
			mask(line[equals+1:])
		}
	}
}

func mask(b []byte) {
	for i, c := range b {
		if c != '\r' && c != '\n' {
			b[i] = '*'
		}
	}
}
