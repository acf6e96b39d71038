package defence

import "bytes"

// IsKeepAlive reports a datagram of CRLFs (RFC 5626 section 3.5.1).
func IsKeepAlive(data []byte) bool {
	return len(data) <= 4 && len(bytes.Trim(data, "\r\n")) == 0
}

// BeginsLikeSIP reports whether the first line could be that of a SIP message
// (RFC 3261 section 7.1).
func BeginsLikeSIP(data []byte) bool {
	line, _, ok := bytes.Cut(data, []byte("\r\n"))
	if !ok || bytes.HasPrefix(line, []byte("SIP/2.0 ")) {
		return ok
	}
	// Of any version, and perhaps with white space behind it: such get an answer.
	version := line[bytes.LastIndex(bytes.TrimRight(line, " \t"), []byte(" "))+1:]
	return len(version) < len(line) && len(version) < 32 && bytes.HasPrefix(version, []byte("SIP/"))
}

// message is what can be seen of a message without parsing it: slices of it.
type message struct {
	method []byte // nil: a response
	uri    []byte
	agent  []byte // User-Agent or Server
	from   []byte // the whole values
	to     []byte
	callID []byte
	via    []byte // the topmost
	toTag  bool
}

// maxSniffed bounds how far into a message the header is looked for, in bytes.
const maxSniffed = 8192

// sniff looks at the lines of a header. It is not a parser: a message that is broken
// is merely not recognised.
func sniff(data []byte) (m message) {
	data = data[:min(len(data), maxSniffed)]
	line, rest, _ := bytes.Cut(data, []byte("\r\n"))
	if !bytes.HasPrefix(line, []byte("SIP/2.0 ")) {
		method, after, _ := bytes.Cut(line, []byte(" "))
		m.method = method
		m.uri, _, _ = bytes.Cut(after, []byte(" "))
	}
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 {
			break
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		name = bytes.TrimRight(name, " \t")
		switch {
		case is(name, "from", "f"):
			m.from = bytes.TrimSpace(value)
		case is(name, "to", "t"):
			m.to = bytes.TrimSpace(value)
			m.toTag = hasTag(m.to)
		case is(name, "call-id", "i"):
			m.callID = bytes.TrimSpace(value)
		case m.via == nil && is(name, "via", "v"):
			m.via = bytes.TrimSpace(value)
		case is(name, "user-agent", ""), m.agent == nil && is(name, "server", ""):
			m.agent = bytes.TrimSpace(value)
		}
	}
	return m
}

// is reports whether name is long, or its compact form, in any case.
func is(name []byte, long, compact string) bool {
	return equalFold(name, long) || compact != "" && equalFold(name, compact)
}

// equalFold compares ASCII without regard to case; word is in lower case.
func equalFold(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if lower(c) != word[i] {
			return false
		}
	}
	return true
}

// hasTag reports whether a From or To has a tag parameter: behind the address, not
// in it.
func hasTag(value []byte) bool {
	if i := bytes.LastIndexByte(value, '>'); i >= 0 {
		value = value[i+1:]
	}
	for {
		i := bytes.IndexByte(value, ';')
		if i < 0 {
			return false
		}
		value = bytes.TrimLeft(value[i+1:], " \t")
		if len(value) >= 4 && equalFold(value[:3], "tag") && (value[3] == '=' || value[3] == ' ') {
			return true
		}
	}
}

// addressParts returns user and host of the URI in a From or To.
func addressParts(value []byte) (user, host []byte) {
	i := indexFold(value, "sip:")
	if i < 0 {
		return nil, nil
	}
	uri := value[i+4:]
	if end := bytes.IndexAny(uri, ">;? \t"); end >= 0 {
		uri = uri[:end]
	}
	if at := bytes.LastIndexByte(uri, '@'); at >= 0 {
		user, uri = uri[:at], uri[at+1:]
	}
	host, _, _ = bytes.Cut(uri, []byte(":"))
	return user, host
}

// indexFold finds word, in lower case, in b in any case.
func indexFold(b []byte, word string) int {
	for i := 0; i+len(word) <= len(b); i++ {
		if equalFold(b[i:i+len(word)], word) {
			return i
		}
	}
	return -1
}
