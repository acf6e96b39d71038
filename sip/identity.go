package sip

import (
	"fmt"
	"slices"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
	"ringpace/sip/wire"
)

// From is who the From header names. The number that is called from stands in the
// identity headers in any case.
type From string

// Whom From names.
const (
	FromNumber    From = "number"    // the caller ID; the default
	FromAccount   From = "account"   // the trunk's username, as some carriers demand
	FromAnonymous From = "anonymous" // nobody (RFC 3323 section 4.1.1.3): only where the law allows it
)

// Identity is who a trunk says is calling, and how.
type Identity struct {
	// CallerIDs are the numbers that may be presented, E.164 with the plus.
	// Empty for a PBX peer: any From user that the caller names.
	CallerIDs   []string
	DisplayName string
	From        From   // default FromNumber
	Assert      bool   // send P-Asserted-Identity (RFC 3325 section 9.1)
	Prefer      bool   // send P-Preferred-Identity (RFC 3325 section 9.2)
	Privacy     string // "", "none", or of "id", "header", "session", "user", "critical", joined by ";" (RFC 3323, RFC 3325 section 9.3)
	Diversion   string // one of CallerIDs: the number that the call is diverted from (RFC 5806); some carriers let others' numbers through that way only

	Format         NumberFormat // of From, To, Request-URI and the identities
	CountryCode    string       // digits, for FormatNational: "49"
	NationalPrefix string       // digits, for FormatNational: "0"
	UserPhone      bool         // add ;user=phone (RFC 3261 section 19.1.1)
	TelURI         bool         // write numbers as tel: URIs (RFC 3966)
}

func (id *Identity) check() error {
	for _, n := range id.CallerIDs {
		if !isNumber(n) {
			return fmt.Errorf("caller ID %q is not an E.164 number with +", n)
		}
	}
	switch id.Format {
	case "", FormatE164:
	case FormatPlain:
		if id.TelURI {
			return fmt.Errorf("tel URIs need the number format e164 or national: a number without + means nothing in them (RFC 3966)")
		}
	case FormatNational:
		if !isDigits(id.CountryCode) {
			return fmt.Errorf("number format national needs a country code")
		}
		if id.NationalPrefix != "" && !isDigits(id.NationalPrefix) {
			return fmt.Errorf("national prefix %q is not made of digits", id.NationalPrefix)
		}
	default:
		return fmt.Errorf("number format %q: use e164, plain or national", id.Format)
	}
	switch id.From {
	case "":
		id.From = FromNumber
	case FromNumber, FromAccount, FromAnonymous:
	default:
		return fmt.Errorf("from %q: use number, account or anonymous", id.From)
	}
	if err := checkPrivacy(id.Privacy); err != nil {
		return err
	}
	if id.Diversion != "" && !slices.Contains(id.CallerIDs, id.Diversion) {
		return fmt.Errorf("diversion %q is not one of the trunk's caller IDs", id.Diversion)
	}
	if _, ok := quoteDisplay(id.DisplayName); !ok {
		return fmt.Errorf("display name %q cannot be sent", id.DisplayName)
	}
	for _, n := range id.CallerIDs {
		if _, err := id.format(n); err != nil {
			return fmt.Errorf("caller ID %s: %w", n, err)
		}
	}
	return nil
}

// checkPrivacy checks the value of a Privacy header.
func checkPrivacy(privacy string) error {
	if privacy == "" || privacy == "none" {
		return nil
	}
	for p := range strings.SplitSeq(privacy, ";") {
		switch p {
		case "id", "header", "session", "user", "critical":
		default:
			return fmt.Errorf("privacy %q: use none, or id, header, session, user, critical joined by ;", privacy)
		}
	}
	return nil
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// presented is the caller of one INVITE, checked and formatted.
type presented struct {
	user    string // user part, formatted
	display string // escaped for quotes
}

// present checks a caller ID against the trunk's list and formats it.
func (id *Identity) present(callerID, display string) (presented, error) {
	if len(id.CallerIDs) > 0 && !slices.Contains(id.CallerIDs, callerID) {
		return presented{}, fmt.Errorf("%w: %q", ErrCallerID, header.Clip(callerID, maxUser))
	}
	user, err := id.format(callerID)
	if err != nil {
		return presented{}, fmt.Errorf("%w: %q", ErrCallerID, header.Clip(callerID, maxUser))
	}
	if display == "" {
		display = id.DisplayName
	}
	quoted, ok := quoteDisplay(display)
	if !ok {
		return presented{}, fmt.Errorf("%w: display name %q", ErrHeader, header.Clip(display, maxUser))
	}
	return presented{user: user, display: quoted}, nil
}

// uri is the URI of a user at a domain. user=phone and tel: are for telephone
// numbers only; a tel: URI of a national number says of which country (RFC 3966
// section 5.1.5).
func (id *Identity) uri(user, domain string) sipgo.Uri {
	number := user != "" && strings.Trim(user, "+0123456789") == ""
	if number && id.TelURI {
		text := "tel:" + user
		if id.Format == FormatNational {
			text += ";phone-context=+" + id.CountryCode
		}
		var u sipgo.Uri
		if err := sipgo.ParseUri(text, &u); err == nil { // always, of digits
			return u
		}
	}
	u := sipgo.Uri{Scheme: "sip", User: escapeUser(user), Host: domain}
	if number && id.UserPhone {
		u.UriParams = sipgo.HeaderParams{{K: "user", V: "phone"}}
	}
	return u
}

// from is display name and URI of the From header.
func (id *Identity) from(p presented, account, domain string) (display string, uri sipgo.Uri) {
	switch id.From {
	case FromAnonymous:
		return "Anonymous", sipgo.Uri{Scheme: "sip", User: "anonymous", Host: "anonymous.invalid"}
	case FromAccount:
		return p.display, sipgo.Uri{Scheme: "sip", User: escapeUser(account), Host: domain}
	}
	return p.display, id.uri(p.user, domain)
}

// headers are the identity headers of an INVITE.
func (id *Identity) headers(p presented, domain string) []Header {
	uri := id.uri(p.user, domain)
	value := "<" + uri.String() + ">"
	if p.display != "" {
		value = `"` + p.display + `" ` + value
	}
	var out []Header
	if id.Assert {
		out = append(out, Header{"P-Asserted-Identity", value})
	}
	if id.Prefer {
		out = append(out, Header{"P-Preferred-Identity", value})
	}
	if id.Privacy != "" {
		out = append(out, Header{"Privacy", id.Privacy})
	}
	if user, err := id.format(id.Diversion); err == nil && id.Diversion != "" {
		uri := id.uri(user, domain)
		out = append(out, Header{"Diversion", "<" + uri.String() + ">;reason=unconditional;counter=1"})
	}
	return out
}

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
