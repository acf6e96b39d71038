package sip

import (
	"slices"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
	"ringpace/sip/wire"
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
		if users := header.Users(values(in.req, name, "")); len(users) > 0 {
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
	users = append(users, header.Users(values(in.req, "P-Called-Party-ID", ""))...)
	users = append(users, in.req.To().Address.User)
	users = slices.DeleteFunc(users, func(u string) bool { return u == "" })
	return slices.Compact(users)
}

// Account is the user of our Contact at the trunk: whom a registrar calls that leaves
// out the number that was dialed.
func (t *Trunk) Account() string { return t.contactUser() }

// isAnonymous reports whether a request hides who calls (RFC 3323 section 4.1), and
// nobody asserts it (RFC 3325).
func isAnonymous(req *sipgo.Request) bool {
	if value(req, "P-Asserted-Identity") != "" {
		return false
	}
	from := req.From()
	return from == nil || strings.EqualFold(from.Address.Host, "anonymous.invalid") ||
		strings.EqualFold(userOf(&from.Address), "anonymous") || userOf(&from.Address) == ""
}

// unwanted reports whether an INVITE is anonymous and its trunk wants none such.
func (e *Endpoint) unwanted(req *sipgo.Request) bool {
	source, err := wire.Source(req)
	if err != nil || !isAnonymous(req) {
		return false
	}
	at := e.TrunksAt(source)
	return len(at) > 0 && !slices.ContainsFunc(at, func(t *Trunk) bool { return !t.cfg.RejectAnonymous })
}

// userOf is the user part of a SIP URI, or the number of a tel: URI without its
// visual separators (RFC 3966 section 5.1.1).
func userOf(uri *sipgo.Uri) string {
	if !strings.EqualFold(uri.Scheme, "tel") {
		return uri.User
	}
	number, _, _ := strings.Cut(uri.Raw(), ";")
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("-.() ", r) {
			return -1
		}
		return r
	}, number)
}
