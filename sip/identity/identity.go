// Package identity is who Ringpace says is calling: which number is presented to a
// carrier, in which headers, written how (RFC 3261, RFC 3323, RFC 3325, RFC 5806). It
// reads configuration and makes values; it sends nothing.
package identity

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
)

// Of what Present and Number return, beside header.ErrForbidden.
var (
	ErrCallerID = errors.New("sip: caller ID is not one of the trunk's")
	ErrTarget   = errors.New("sip: target is not a number or extension that can be dialed")
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

// Presentation is who a trunk says is calling, and how.
type Presentation struct {
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

// Check reports what cannot be sent, and fills in defaults.
func (id *Presentation) Check() error {
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
	if _, ok := header.QuoteDisplay(id.DisplayName); !ok {
		return fmt.Errorf("display name %q cannot be sent", id.DisplayName)
	}
	for _, n := range id.CallerIDs {
		if _, err := id.Number(n); err != nil {
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

// Caller is the caller of one INVITE, checked and formatted: what Present returns.
type Caller struct {
	User    string // user part, formatted
	Display string // escaped for quotes
}

// Present checks a caller ID against the trunk's list and formats it.
func (id *Presentation) Present(callerID, display string) (Caller, error) {
	if len(id.CallerIDs) > 0 && !slices.Contains(id.CallerIDs, callerID) {
		return Caller{}, fmt.Errorf("%w: %q", ErrCallerID, header.Clip(callerID, header.MaxUser))
	}
	user, err := id.Number(callerID)
	if err != nil {
		return Caller{}, fmt.Errorf("%w: %q", ErrCallerID, header.Clip(callerID, header.MaxUser))
	}
	if display == "" {
		display = id.DisplayName
	}
	quoted, ok := header.QuoteDisplay(display)
	if !ok {
		return Caller{}, fmt.Errorf("%w: display name %q", header.ErrForbidden, header.Clip(display, header.MaxUser))
	}
	return Caller{User: user, Display: quoted}, nil
}

// URI is the URI of a user at a domain. user=phone and tel: are for telephone
// numbers only; a tel: URI of a national number says of which country (RFC 3966
// section 5.1.5).
func (id *Presentation) URI(user, domain string) sipgo.Uri {
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
	u := sipgo.Uri{Scheme: "sip", User: header.EscapeUser(user), Host: domain}
	if number && id.UserPhone {
		u.UriParams = sipgo.HeaderParams{{K: "user", V: "phone"}}
	}
	return u
}

// FromHeader is display name and URI of the From header. account is the trunk's
// username.
func (id *Presentation) FromHeader(p Caller, account, domain string) (display string, uri sipgo.Uri) {
	switch id.From {
	case FromAnonymous:
		return "Anonymous", sipgo.Uri{Scheme: "sip", User: "anonymous", Host: "anonymous.invalid"}
	case FromAccount:
		return p.Display, sipgo.Uri{Scheme: "sip", User: header.EscapeUser(account), Host: domain}
	}
	return p.Display, id.URI(p.User, domain)
}

// Headers are the identity headers of an INVITE.
func (id *Presentation) Headers(p Caller, domain string) []header.Field {
	uri := id.URI(p.User, domain)
	value := "<" + uri.String() + ">"
	if p.Display != "" {
		value = `"` + p.Display + `" ` + value
	}
	var out []header.Field
	if id.Assert {
		out = append(out, header.Field{Name: "P-Asserted-Identity", Value: value})
	}
	if id.Prefer {
		out = append(out, header.Field{Name: "P-Preferred-Identity", Value: value})
	}
	if id.Privacy != "" {
		out = append(out, header.Field{Name: "Privacy", Value: id.Privacy})
	}
	if user, err := id.Number(id.Diversion); err == nil && id.Diversion != "" {
		uri := id.URI(user, domain)
		out = append(out, header.Field{Name: "Diversion", Value: "<" + uri.String() + ">;reason=unconditional;counter=1"})
	}
	return out
}
