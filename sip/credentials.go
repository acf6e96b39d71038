package sip

import (
	"fmt"
	"net/netip"
	"slices"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/digest"
)

// authenticator answers the digest challenges to the requests of one call or
// registration. It answers the trunk's own servers alone: whoever else sees a response
// over a nonce of their choice can search for the password. Not for concurrent use.
type authenticator struct {
	*digest.Client
	trunk *Trunk         // whose credentials they are; nil: there are none
	home  netip.AddrPort // the trunk's server that the call or registration is at; none for calls that came in
}

// authenticator returns a fresh one with the trunk's credentials; of a nil trunk,
// one that has none.
func (t *Trunk) authenticator() *authenticator {
	if t == nil {
		return &authenticator{Client: digest.NewAccount("", "").Client()}
	}
	return &authenticator{Client: t.account.Client(), trunk: t}
}

// fresh returns one with the same credentials that has not been challenged.
func (a *authenticator) fresh() *authenticator {
	return &authenticator{Client: a.Fresh(), trunk: a.trunk, home: a.home}
}

// challenged takes in a 401 or 407 to a request.
func (a *authenticator) challenged(req *sipgo.Request, res *sipgo.Response) error {
	ask, proxy := "WWW-Authenticate", res.StatusCode == 407
	if proxy {
		ask = "Proxy-Authenticate"
	}
	challenges := values(res, ask, "")
	if a.trunk != nil {
		var err error
		if challenges, err = a.trusted(req, challenges); err != nil {
			return fmt.Errorf("%w (%d)", err, res.StatusCode)
		}
	}
	if err := a.Challenged(proxy, challenges); err != nil {
		return fmt.Errorf("%w (%d)", err, res.StatusCode)
	}
	return nil
}

// trusted returns the challenges to a request that may be answered: none unless the
// request went to a server of the trunk's; and in a dialog, whose other side names
// where requests go, only those for a realm that the trunk has asked for outside of one,
// unless it is the very server that our call was sent to.
func (a *authenticator) trusted(req *sipgo.Request, challenges []string) ([]string, error) {
	at, err := netip.ParseAddrPort(req.Destination())
	at = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	if err != nil || at.Addr() != a.home.Addr() && !a.trunk.owns(at.Addr()) {
		return nil, fmt.Errorf("%w: %s asks for them and is no server of trunk %q", ErrCredentials, req.Destination(), a.trunk.cfg.Name)
	}
	if toTag(req) == "" {
		a.trunk.learnRealms(challenges)
		return challenges, nil
	}
	if at == a.home {
		return challenges, nil
	}
	known := a.trunk.knownRealms()
	challenges = slices.DeleteFunc(challenges, func(c string) bool { return !slices.Contains(known, digest.Realm(c)) })
	if len(challenges) == 0 {
		return nil, fmt.Errorf("%w: %s asks for a realm that trunk %q has never asked for", ErrCredentials, req.Destination(), a.trunk.cfg.Name)
	}
	return challenges, nil
}

// authorize adds credentials for every realm that has challenged so far.
func (a *authenticator) authorize(req *sipgo.Request) error {
	credentials, err := a.Credentials(string(req.Method), req.Recipient.String(), req.Body())
	if err != nil {
		return err
	}
	for _, c := range credentials {
		name := "Authorization"
		if c.Proxy {
			name = "Proxy-Authorization"
		}
		req.AppendHeader(sipgo.NewHeader(name, c.Value))
	}
	return nil
}

// maxRealms bounds the realms that a trunk is remembered for.
const maxRealms = 16

// learnRealms remembers for what the trunk's own server wants credentials.
func (t *Trunk) learnRealms(challenges []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range challenges {
		if r := digest.Realm(c); r != "" && len(t.realms) < maxRealms && !slices.Contains(t.realms, r) {
			t.realms = append(t.realms, r)
		}
	}
}

func (t *Trunk) knownRealms() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.realms)
}

// owns reports whether one of the trunk's servers has an address.
func (t *Trunk) owns(addr netip.Addr) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.servers, func(s netip.AddrPort) bool { return s.Addr() == addr })
}
