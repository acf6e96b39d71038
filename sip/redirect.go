package sip

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
)

// maxRedirects bounds how many contacts of redirections one call tries.
const maxRedirects = 5

// redirection is a contact of a 3xx that may be called.
type redirection struct {
	uri  sipgo.Uri
	path path // that the 3xx came over
}

// redirect takes in a 3xx (RFC 3261 section 8.1.3.4). Followed without question it
// would make us call whatever the far side names: the policy must allow it, and then
// only hosts of the trunk's own and of the policy's list are called, at most
// maxRedirects, none twice.
func (s *setup) redirect(b *branch, res *sipgo.Response) error {
	p := &s.outlet.policy
	if p.Redirect != RedirectFollow {
		return ErrRedirect
	}
	if s.redirected == nil {
		s.redirected = map[string]bool{b.req.Recipient.String(): true}
	}
	refused := ErrRedirect
	for _, uri := range redirectContacts(res) {
		text := uri.String()
		switch {
		case s.redirected[text]:
			refused = fmt.Errorf("%w: it leads in a circle", ErrRedirect)
		case len(s.redirected) > maxRedirects:
			refused = fmt.Errorf("%w: more than %d in one call", ErrRedirect, maxRedirects)
		case !s.outlet.serves(uri):
			refused = fmt.Errorf("%w to %s, which is no host of this trunk", ErrRedirect, header.Clip(uri.Host, 64))
		default:
			s.redirected[text] = true
			s.redirects = append(s.redirects, redirection{uri, b.target.path})
		}
	}
	if len(s.redirects) == 0 {
		return refused
	}
	return nil
}

// serves reports whether a redirection may lead there.
func (o *outlet) serves(uri sipgo.Uri) bool {
	if uri.Scheme != "sip" || uri.Host == "" || uri.UriParams.Has("maddr") {
		return false
	}
	if user, err := url.PathUnescape(uri.User); err != nil || !header.IsUser(user) {
		return false
	}
	return o.owns(uri.Host) || slices.ContainsFunc(o.policy.RedirectHosts, func(h string) bool { return strings.EqualFold(h, uri.Host) })
}

// owns reports whether a host is the outlet's own.
func (o *outlet) owns(host string) bool {
	return strings.EqualFold(host, o.domain) || strings.EqualFold(host, o.uri("").Host)
}

// redirectContacts returns the contacts of a 3xx, the highest q first.
func redirectContacts(res *sipgo.Response) []sipgo.Uri {
	type contact struct {
		uri sipgo.Uri
		q   float64
	}
	var all []contact
	for _, h := range res.GetHeaders("Contact") {
		c, ok := h.(*sipgo.ContactHeader)
		if !ok || c.Address.Wildcard {
			continue
		}
		q, err := strconv.ParseFloat(trimParams(c.Params).GetOr("q", "1"), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			q = 0
		}
		uri := *c.Address.Clone()
		uri.Headers = nil // RFC 3261 section 19.1.5: they could forge what we say
		all = append(all, contact{uri, q})
	}
	slices.SortStableFunc(all, func(a, b contact) int { return cmp.Compare(b.q, a.q) })
	out := make([]sipgo.Uri, len(all))
	for i := range all {
		out[i] = all[i].uri
	}
	return out
}

// targets finds where a redirection leads to: through the trunk's servers if the host
// is the trunk's own, else straight to the host.
func (r redirection) targets(ctx context.Context, e *Endpoint, o *outlet) ([][]target, error) {
	if o.owns(r.uri.Host) {
		return o.targets(ctx, r.uri)
	}
	addr, err := e.locateURI(ctx, &r.uri, r.path)
	if err != nil {
		return nil, err
	}
	return [][]target{{{uri: r.uri, path: r.path, addr: addr}}}, nil
}
