package identity

import (
	"fmt"
	"strings"

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

// Number writes a number the trunk's way. What is no E.164 number (an
// extension) stays as it is.
func (id *Presentation) Number(s string) (string, error) {
	if !header.IsUser(s) {
		return "", fmt.Errorf("%w: %q", ErrTarget, header.Clip(s, header.MaxUser))
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
