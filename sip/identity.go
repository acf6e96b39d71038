package sip

import (
	"fmt"
	"slices"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"
)

// Identity is who a trunk says is calling, and how.
type Identity struct {
	// CallerIDs are the numbers that may be presented, E.164 with the plus.
	// Empty for a PBX peer: any From user that the caller names.
	CallerIDs   []string
	DisplayName string
	Assert      bool   // send P-Asserted-Identity (RFC 3325 section 9.1)
	Prefer      bool   // send P-Preferred-Identity (RFC 3325 section 9.2)
	Privacy     string // "", "none" or "id" (RFC 3323, RFC 3325 section 9.3)

	Format         NumberFormat // of From, To, Request-URI and the identities
	CountryCode    string       // digits, for FormatNational: "49"
	NationalPrefix string       // digits, for FormatNational: "0"
	UserPhone      bool         // add ;user=phone (RFC 3261 section 19.1.1)
}

func (id *Identity) check() error {
	for _, n := range id.CallerIDs {
		if !isNumber(n) {
			return fmt.Errorf("caller ID %q is not an E.164 number with +", n)
		}
	}
	switch id.Format {
	case "", FormatE164, FormatPlain:
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
	switch id.Privacy {
	case "", "none", "id":
	default:
		return fmt.Errorf("privacy %q: use none or id", id.Privacy)
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
		return presented{}, fmt.Errorf("%w: %q", ErrCallerID, clip(callerID, maxUser))
	}
	user, err := id.format(callerID)
	if err != nil {
		return presented{}, fmt.Errorf("%w: %q", ErrCallerID, clip(callerID, maxUser))
	}
	if display == "" {
		display = id.DisplayName
	}
	quoted, ok := quoteDisplay(display)
	if !ok {
		return presented{}, fmt.Errorf("%w: display name %q", ErrHeader, clip(display, maxUser))
	}
	return presented{user: user, display: quoted}, nil
}

// uri is the SIP URI of a user at a domain. user=phone is for telephone numbers
// only.
func (id *Identity) uri(user, domain string) sipgo.Uri {
	u := sipgo.Uri{Scheme: "sip", User: escapeUser(user), Host: domain}
	if id.UserPhone && user != "" && strings.Trim(user, "+0123456789") == "" {
		u.UriParams = sipgo.HeaderParams{{K: "user", V: "phone"}}
	}
	return u
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
	return out
}
