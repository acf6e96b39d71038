package lab

import (
	"strings"
)

// Header fields that tell who calls.
const (
	headerFrom     = "From"
	headerAsserted = "P-Asserted-Identity" // RFC 3325 section 9.1
)

// userOf is the user part of the first address in a From or P-Asserted-Identity
// header (RFC 3261 section 20.20, RFC 3325 section 9.1), without parameters, or ""
// where there is none: `"Bank" <sip:+4930123;x=y@host>;tag=1` has +4930123, and so
// has tel:+4930123.
func userOf(header string) string {
	uri := afterDisplayName(header)
	if i := strings.IndexByte(uri, '<'); i >= 0 {
		uri = uri[i+1:]
		if j := strings.IndexByte(uri, '>'); j >= 0 {
			uri = uri[:j]
		}
	}
	uri = strings.TrimSpace(uri)
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok {
		return ""
	}
	switch strings.ToLower(scheme) {
	case "sip", "sips":
		user, _, ok := strings.Cut(rest, "@")
		if !ok {
			return ""
		}
		return beforeAny(user, ";:")
	case "tel":
		return beforeAny(rest, ";,")
	}
	return ""
}

// afterDisplayName skips a quoted display name, which may hold what looks like an
// address.
func afterDisplayName(header string) string {
	s := strings.TrimSpace(header)
	if !strings.HasPrefix(s, `"`) {
		return s
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[i+1:]
		}
	}
	return ""
}

func beforeAny(s, chars string) string {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i]
	}
	return s
}

// sameNumber reports whether two spellings are the same international number: with
// or without the plus.
func sameNumber(a, b string) bool {
	a, b = strings.TrimPrefix(a, "+"), strings.TrimPrefix(b, "+")
	return a != "" && a == b
}

// official reports whether the caller may show what it shows: From must be one of
// the numbers, or anonymous when an asserted identity stands behind it; an asserted
// identity must be one of the numbers. No numbers: everything is allowed. shown is
// the number that the callee would see.
func official(numbers []string, from, asserted string) (shown string, ok bool) {
	shown = from
	if from == "anonymous" && asserted != "" { // RFC 3323 section 4.1.1.3
		shown = asserted
	}
	if len(numbers) == 0 {
		return shown, true
	}
	for _, claimed := range []string{shown, asserted} {
		if claimed == "" && claimed != shown {
			continue
		}
		match := false
		for _, n := range numbers {
			match = match || sameNumber(claimed, n)
		}
		if !match {
			return claimed, false
		}
	}
	return shown, true
}
