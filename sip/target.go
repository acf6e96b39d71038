package sip

import (
	"context"
	"net/netip"

	sipgo "github.com/emiago/sipgo/sip"
)

// target is one place that an INVITE is sent to (RFC 3261 section 16.5).
type target struct {
	uri    sipgo.Uri      // Request-URI
	routes []sipgo.Uri    // Route, in the order of use
	path   path           // transport and our address
	addr   netip.AddrPort // where the request goes: the address of the first route, else of uri
	own    bool           // a server of the trunk's, which credentials may be given to
}

// outlet is what an outgoing call has to know of the place that it is sent to: a
// trunk, or the contacts of a registered user.
type outlet struct {
	name     string
	domain   string // host in From and To
	callHost string // host of the Call-ID
	account  string // user part of From where the identity wants the account
	identity *Identity
	policy   Policy

	// targets finds where uri is served: groups that are tried one after the other,
	// the members of one group all at once.
	targets func(ctx context.Context, uri sipgo.Uri) ([][]target, error)
	near    bool                        // targets asks nobody, and does not wait
	uri     func(user string) sipgo.Uri // Request-URI of a user, as targets takes it
	contact func(path) sipgo.Uri        // our Contact
	trial   *trial                      // told how the call goes; may be nil
	auth    func() *authenticator
}

// outlet describes the trunk to its calls.
func (t *Trunk) outlet() outlet {
	return outlet{
		name: t.cfg.Name, domain: t.cfg.Domain, callHost: t.e.host(), account: t.contactUser(),
		identity: &t.cfg.Identity, policy: t.cfg.Policy,
		targets: t.targets, near: isAddress(t.host) && len(t.serviceRoutes()) == 0, uri: t.uri, contact: t.contact, auth: t.authenticator, trial: &trial{t: t},
	}
}
