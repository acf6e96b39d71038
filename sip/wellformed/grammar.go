package wellformed

import (
	"bytes"
	"net/textproto"
	"strings"
)

var crlf = []byte("\r\n")

// canonical is a field's name as it is written usually, for a reason phrase.
func canonical(name []byte) string {
	if len(name) == 1 {
		for _, long := range []string{"Via", "From", "To", "Contact", "Refer-To", "Referred-By"} {
			if is(name, long, short(long)) {
				return long
			}
		}
	}
	for _, usual := range []string{"Call-ID", "CSeq"} {
		if strings.EqualFold(usual, string(name)) || len(name) == 1 && is(name, "Call-ID", 'i') {
			return usual
		}
	}
	if is(name, "Content-Length", 'l') {
		return "Content-Length"
	}
	return textproto.CanonicalMIMEHeaderKey(string(name))
}

// short is the compact form of a field's name (RFC 3261 section 7.3.3).
func short(long string) byte {
	return map[string]byte{"Via": 'v', "From": 'f', "To": 't', "Contact": 'm', "Refer-To": 'r', "Referred-By": 'b'}[long]
}

// is tells whether a field has that name, in its long or compact form.
func is(name []byte, long string, compact byte) bool {
	if len(name) == 1 {
		return compact != 0 && name[0]|0x20 == compact
	}
	return len(name) == len(long) && strings.EqualFold(string(name), long)
}

// logicalLine returns a line with those that continue it (RFC 3261 section 7.3.1),
// without its end, and the bytes that it takes. 0: it does not end.
func logicalLine(data []byte) (line []byte, n int) {
	for {
		i := bytes.Index(data[n:], crlf)
		if i < 0 {
			return nil, 0
		}
		n += i + len(crlf)
		if i == 0 && n == len(crlf) || n == len(data) || !space(data[n]) {
			return data[:n-len(crlf)], n
		}
	}
}

func space(c byte) bool { return c == ' ' || c == '\t' }

// trim removes linear white space, folds included, at both ends.
func trim(value []byte) []byte {
	for len(value) > 0 && lws(value[0]) {
		value = value[1:]
	}
	for len(value) > 0 && lws(value[len(value)-1]) {
		value = value[:len(value)-1]
	}
	return value
}

func lws(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// blank tells whether there is white space in a value.
func blank(value []byte) bool { return firstBlank(value) >= 0 }

// firstBlank is where the first white space is, or -1.
func firstBlank(value []byte) int {
	for i, c := range value {
		if lws(c) {
			return i
		}
	}
	return -1
}

// tokens are the characters of a token (RFC 3261 section 25.1), one bit each.
var tokens = func() (set [4]uint64) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~") {
		set[c/64] |= 1 << (c % 64)
	}
	return set
}()

// token tells whether a word is a token.
func token(word []byte) bool {
	for _, c := range word {
		if tokens[c/64]&(1<<(c%64)) == 0 {
			return false
		}
	}
	return len(word) > 0
}

func digits(word []byte) bool {
	for _, c := range word {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(word) > 0
}

// number reads digits, or returns -1 when it is none, or above most.
func number(word []byte, most int) int {
	if !digits(word) {
		return -1
	}
	n := 0
	for _, c := range word {
		if n = n*10 + int(c-'0'); n > most {
			return -1
		}
	}
	return n
}

// sequence takes a CSeq apart.
func sequence(value []byte) (seq, method []byte, ok bool) {
	i := firstBlank(value)
	if i < 0 {
		return nil, nil, false
	}
	seq, method = value[:i], trim(value[i:])
	return seq, method, digits(seq) && token(method)
}

// quoted returns the length of the quoted string that value begins with, 0 if it
// does not end.
func quoted(value []byte) int {
	for i := 1; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// until returns what stands before the first of some bytes, outside of quotes and
// angle brackets, and what begins with that. ok is false when a quote or bracket
// does not end.
func until(value []byte, stops string) (before, rest []byte, ok bool) {
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '"':
			n := quoted(value[i:])
			if n == 0 {
				return value, nil, false
			}
			i += n - 1
		case c == '<':
			n := bytes.IndexByte(value[i:], '>')
			if n < 0 {
				return value, nil, false
			}
			i += n
		case strings.IndexByte(stops, c) >= 0:
			return value[:i], value[i:], true
		}
	}
	return value, nil, true
}

// firstElement is the first of a list of elements.
func firstElement(value []byte) []byte {
	element, _, _ := until(value, ",")
	return trim(element)
}

// address tells whether a value is a name-addr or addr-spec with parameters, or
// with list several of them (RFC 3261 section 20.10).
func address(value []byte, list bool) bool {
	for {
		element, rest, ok := until(value, ",")
		if !ok || !nameAddr(trim(element)) {
			return false
		}
		if len(rest) == 0 {
			return true
		}
		if !list {
			return false
		}
		value = rest[1:]
	}
}

func nameAddr(element []byte) bool {
	spec, parameters, ok := until(element, ";")
	spec = trim(spec)
	if !ok || !params(parameters) {
		return false
	}
	open := 0
	if len(spec) > 0 && spec[0] == '"' {
		open = quoted(spec) // it ends: until has seen to that
		if rest := trim(spec[open:]); len(rest) == 0 || rest[0] != '<' {
			return false
		}
	}
	i := bytes.IndexByte(spec[open:], '<')
	if i < 0 {
		// RFC 3261 section 20: in brackets, if it has a comma, question mark or semicolon.
		return uri(spec) && !headers(spec)
	}
	name, bracket := trim(spec[open:open+i]), spec[open+i:]
	for _, word := range bytes.Fields(name) {
		if !token(word) {
			return false
		}
	}
	return bracket[len(bracket)-1] == '>' && uri(bracket[1:len(bracket)-1])
}

// uri tells whether this could be one: a scheme, something, no white space.
func uri(spec []byte) bool {
	scheme, rest, ok := bytes.Cut(spec, []byte(":"))
	return ok && token(scheme) && len(rest) > 0 && !blank(spec)
}

// schemeOf is the scheme of an address.
func schemeOf(value []byte) []byte {
	if i := bytes.LastIndexByte(value, '<'); i >= 0 {
		value = value[i+1:]
	}
	scheme, _, _ := bytes.Cut(value, []byte(":"))
	return scheme
}

// params tells whether parameters, from their first semicolon on, are in order.
func params(value []byte) bool {
	for len(value) > 0 {
		one, rest, ok := until(value[1:], ";")
		if !ok {
			return false
		}
		name, v, has := bytes.Cut(one, []byte("="))
		name, v = trim(name), trim(v)
		if len(name) == 0 || blank(name) {
			return false
		}
		if has && (len(v) == 0 || v[0] == '"' && quoted(v) != len(v) || v[0] != '"' && blank(v)) {
			return false
		}
		value = rest
	}
	return true
}

// via tells whether an element of Via is in order (RFC 3261 section 20.42).
func via(element []byte) bool {
	protocol, parameters, ok := until(element, ";")
	if !ok || !params(parameters) {
		return false
	}
	name, rest, ok1 := bytes.Cut(protocol, []byte("/"))
	version, rest, ok2 := bytes.Cut(rest, []byte("/"))
	if !ok1 || !ok2 || !bytes.EqualFold(trim(name), []byte("SIP")) || string(trim(version)) != "2.0" {
		return false
	}
	rest = trim(rest)
	i := firstBlank(rest)
	return i > 0 && token(rest[:i]) && len(trim(rest[i:])) > 0
}
