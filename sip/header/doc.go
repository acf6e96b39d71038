// Package header reads and writes the header fields that sipgo leaves as text:
// reliable provisional responses (RFC 3262), session timers (RFC 4028), transfer
// (RFC 3515), replacement (RFC 3891), reasons (RFC 3326) and lists of addresses. It is
// pure: values in, values out.
//
// A field that a request is judged by, and that is not well-formed, is told apart from
// one that is, and is never repaired: whoever sent it gets 400. Of what only informs us
// (Reason, Retry-After, the identities of a caller), what does not parse is left out.
package header

import "strings"

// Split splits at separators that stand outside quoted strings and angle brackets.
// There is always at least one part.
func Split(s string, sep byte) []string {
	var out []string
	quoted, angled, start := false, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && !angled:
			quoted = !quoted
		case c == sep && !quoted && !angled:
			out = append(out, s[start:i])
			start = i + 1
		case c == '<' && !quoted:
			angled = true
		case c == '>' && !quoted:
			angled = false
		}
	}
	return append(out, s[start:])
}

// parameters reads ;name=value pairs; names are in lower case.
func parameters(fields []string) map[string]string {
	out := make(map[string]string, len(fields))
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			out[name] = strings.TrimSpace(value)
		}
	}
	return out
}

// IsToken reports whether s is a token (RFC 3261 section 25.1).
func IsToken(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', strings.IndexByte("-.!%*_+`'~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// isCallID reports whether s can be a Call-ID: word ["@" word] (RFC 3261 section 25.1).
func isCallID(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', strings.IndexByte("-.!%*_+`'~()<>:\\\"/[]?{}@", c) >= 0:
		default:
			return false
		}
	}
	return s != "" && len(s) <= 512
}
