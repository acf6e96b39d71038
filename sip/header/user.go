package header

import (
	"strings"
	"unicode/utf8"
)

// MaxUser is the longest user part that we send, in bytes.
const MaxUser = 64

// IsUser reports whether s can be a user part that we send: what numbers,
// extensions and account names are made of. Nothing in it can end a URI or a
// header field.
func IsUser(s string) bool {
	if s == "" || len(s) > MaxUser {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case strings.IndexByte("+*#-_.", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// EscapeUser writes s as the user part of a SIP URI (RFC 3261 section 25.1):
// all but unreserved characters and a leading or inner plus is escaped.
func EscapeUser(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', strings.IndexByte("-_.!~*'()&=+$,", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

// QuoteDisplay escapes a display name for use between quotes, or reports that
// it cannot be sent.
func QuoteDisplay(s string) (string, bool) {
	if len(s) > 128 || !utf8.ValidString(s) {
		return "", false
	}
	for _, r := range s {
		if r < 0x20 || r == 0x7f {
			return "", false
		}
	}
	if !strings.ContainsAny(s, `\"`) {
		return s, true
	}
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s), true
}
