package sip

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"ringpace/sip/header"
)

// NumberFormat is how a trunk wants numbers written in URIs.
type NumberFormat string

// The formats. The zero value is FormatE164.
const (
	FormatE164     NumberFormat = "e164"     // +4930123456
	FormatPlain    NumberFormat = "plain"    // 4930123456
	FormatNational NumberFormat = "national" // 030123456; foreign numbers cannot be dialed
)

const maxUser = 64 // longest user part we send

// isNumber reports whether s is an E.164 number with its plus.
func isNumber(s string) bool {
	if len(s) < 3 || len(s) > 16 || s[0] != '+' {
		return false
	}
	for _, c := range s[1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// isUser reports whether s can be a user part that we send: what numbers,
// extensions and account names are made of. Nothing in it can end a URI or a
// header field.
func isUser(s string) bool {
	if s == "" || len(s) > maxUser {
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

// escapeUser writes s as the user part of a SIP URI (RFC 3261 section 25.1):
// all but unreserved characters and a leading or inner plus is escaped.
func escapeUser(s string) string {
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

// format writes a number the trunk's way. What is no E.164 number (an
// extension) stays as it is.
func (id *Identity) format(s string) (string, error) {
	if !isUser(s) {
		return "", fmt.Errorf("%w: %q", ErrTarget, header.Clip(s, maxUser))
	}
	if !isNumber(s) {
		return s, nil
	}
	switch id.Format {
	case FormatPlain:
		return s[1:], nil
	case FormatNational:
		rest, ok := strings.CutPrefix(s[1:], id.CountryCode)
		if !ok {
			return "", fmt.Errorf("%w: %s is not a number of country code %s, and the trunk takes national numbers only",
				ErrTarget, s, id.CountryCode)
		}
		return id.NationalPrefix + rest, nil
	}
	return s, nil
}

// quoteDisplay escapes a display name for use between quotes, or reports that
// it cannot be sent.
func quoteDisplay(s string) (string, bool) {
	if len(s) > 128 || !utf8.ValidString(s) {
		return "", false
	}
	for _, r := range s {
		if r < 0x20 || r == 0x7f {
			return "", false
		}
	}
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s), true
}
