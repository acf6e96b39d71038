package header

import (
	"net/url"
	"strings"
)

// ReferTo is where a REFER sends us (RFC 3515 section 2.1).
type ReferTo struct {
	URI      string // without headers and method: "sip:1002@example.net;user=phone"
	Method   string // of the request to be sent, "INVITE" when none is named
	Replaces *Replaces
}

// ParseReferTo reads the value of a Refer-To header: a name-addr or addr-spec with a
// sip, sips or tel URI, whose headers may name a dialog to replace. It is false for
// anything else, also for a Replaces that does not parse: to call without it would
// ring a second phone.
func ParseReferTo(value string) (ReferTo, bool) {
	value = strings.TrimSpace(value)
	if len(Split(value, ',')) != 1 {
		return ReferTo{}, false // RFC 3515 section 2.4.1: exactly one
	}
	uri := value
	if opened := Split(value, '<'); len(opened) > 1 {
		var closed bool
		if uri, _, closed = strings.Cut(value[len(opened[0])+1:], ">"); !closed {
			return ReferTo{}, false
		}
	} else {
		uri = strings.TrimSpace(Split(value, ';')[0]) // parameters belong to the header
	}
	uri, headers, _ := strings.Cut(uri, "?")
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok || rest == "" || strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '<' || r == '>' || r == '"' }) {
		return ReferTo{}, false
	}
	switch strings.ToLower(scheme) {
	case "sip", "sips", "tel":
	default:
		return ReferTo{}, false
	}
	to := ReferTo{Method: "INVITE"}
	parts := strings.Split(uri, ";")
	kept := parts[:1]
	for _, p := range parts[1:] {
		if name, v, _ := strings.Cut(p, "="); strings.EqualFold(name, "method") {
			to.Method = strings.ToUpper(v)
			continue
		}
		kept = append(kept, p)
	}
	to.URI = strings.Join(kept, ";")
	for h := range strings.SplitSeq(headers, "&") {
		name, v, _ := strings.Cut(h, "=")
		if !strings.EqualFold(name, "Replaces") {
			continue // RFC 3261 section 19.1.5: the others could forge what we say
		}
		text, err := url.PathUnescape(v)
		if err != nil || to.Replaces != nil {
			return ReferTo{}, false
		}
		r, ok := ParseReplaces(text)
		if !ok {
			return ReferTo{}, false
		}
		to.Replaces = &r
	}
	return to, true
}

// User returns the user part of the URI, unescaped, without parameters and password:
// the number of a tel URI, "" where there is none.
func (r ReferTo) User() string {
	scheme, rest, _ := strings.Cut(r.URI, ":")
	rest, _, _ = strings.Cut(rest, ";")
	if !strings.EqualFold(scheme, "tel") {
		at := strings.LastIndexByte(rest, '@')
		if at < 0 {
			// user;param@host (RFC 3261 section 19.1.1) was cut at the semicolon.
			if !strings.Contains(r.URI, "@") {
				return ""
			}
			at = len(rest)
		}
		rest, _, _ = strings.Cut(rest[:at], ":")
	}
	user, err := url.PathUnescape(rest)
	if err != nil {
		return ""
	}
	return user
}
