package sip

import (
	"net/url"
	"slices"
	"strings"
)

// Caller is the number or user that calls, as a trunk vouches for it: of
// P-Asserted-Identity (RFC 3325), else of P-Preferred-Identity, else of From. It is ""
// where the caller hides it (RFC 3323, RFC 3325 section 9.3). It is for calls of a
// trunk; anybody else may write what they like.
func (in *Incoming) Caller() string {
	if in.anonymous() {
		return ""
	}
	for _, name := range []string{"P-Asserted-Identity", "P-Preferred-Identity"} {
		if users := uriUsers(values(in.req, name, "")); len(users) > 0 {
			return users[0]
		}
	}
	return in.req.From().Address.User
}

// anonymous reports whether the caller wants their number hidden.
func (in *Incoming) anonymous() bool {
	from := in.req.From()
	if strings.EqualFold(from.Address.User, "anonymous") || strings.HasSuffix(strings.ToLower(from.Address.Host), "anonymous.invalid") {
		return true
	}
	for _, v := range strings.FieldsFunc(strings.ToLower(value(in.req, "Privacy")), func(r rune) bool { return r == ';' || r == ' ' || r == ',' }) {
		if v == "id" || v == "user" || v == "header" {
			return true
		}
	}
	return false
}

// Called is whom the call is for, likeliest first: the user of the Request-URI, which a
// registrar replaces by our Contact's, of P-Called-Party-ID (RFC 7315), and of To.
func (in *Incoming) Called() []string {
	users := []string{in.req.Recipient.User}
	users = append(users, uriUsers(values(in.req, "P-Called-Party-ID", ""))...)
	users = append(users, in.req.To().Address.User)
	users = slices.DeleteFunc(users, func(u string) bool { return u == "" })
	return slices.Compact(users)
}

// uriUsers returns the users of the name-addr or addr-spec in header values (RFC 3261
// section 25.1), sip, sips and tel, in order; what is none of these is passed over.
func uriUsers(fields []string) []string {
	var users []string
	for _, field := range fields {
		for _, v := range splitAddresses(field) {
			if u := uriUser(v); u != "" {
				users = append(users, u)
			}
		}
	}
	return users
}

// splitAddresses splits a list of addresses at the commas that are in no quotes and no
// brackets.
func splitAddresses(s string) []string {
	var parts []string
	quoted, bracketed, from := false, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && !bracketed:
			quoted = !quoted
		case quoted:
		case c == '<':
			bracketed = true
		case c == '>':
			bracketed = false
		case c == ',' && !bracketed:
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	return append(parts, s[from:])
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

// Account is the user of our Contact at the trunk: whom a registrar calls that leaves
// out the number that was dialed.
func (t *Trunk) Account() string { return t.contactUser() }
