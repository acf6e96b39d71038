package header

import (
	"net/url"
	"strings"
)

// Users returns the users of the name-addr or addr-spec in header values (RFC 3261
// section 25.1), sip, sips and tel, in order; what is none of these is passed over.
func Users(fields []string) []string {
	var users []string
	for _, field := range fields {
		for _, v := range Split(field, ',') {
			if u := uriUser(v); u != "" {
				users = append(users, u)
			}
		}
	}
	return users
}

// uriUser is the user part of one address, without parameters and escapes; "" where it
// has none.
func uriUser(s string) string {
	if i := strings.LastIndexByte(s, '<'); i >= 0 {
		s = s[i+1:]
		s, _, _ = strings.Cut(s, ">")
	}
	scheme, rest, ok := strings.Cut(strings.TrimSpace(s), ":")
	switch {
	case !ok:
		return ""
	case strings.EqualFold(scheme, "tel"):
		rest, _, _ = strings.Cut(rest, ";")
	case strings.EqualFold(scheme, "sip"), strings.EqualFold(scheme, "sips"):
		user, _, at := strings.Cut(rest, "@")
		if !at {
			return ""
		}
		rest, _, _ = strings.Cut(user, ":") // a password
		rest, _, _ = strings.Cut(rest, ";") // parameters of a telephone-subscriber (RFC 3966)
	default:
		return ""
	}
	user, err := url.PathUnescape(rest)
	if err != nil || strings.ContainsFunc(user, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return ""
	}
	return user
}
