package sip

import (
	"errors"
	"net/netip"
	"slices"

	"ringpace/sip/digest"
)

// judged tells the guard what came of checking the credentials of a request. That
// there were none, or old ones, is no fault.
func (e *Endpoint) judged(source netip.Addr, err error) {
	switch {
	case e.guard == nil:
	case err == nil:
		e.guard.Proved(source)
	case errors.Is(err, digest.ErrWrong):
		e.guard.Failed(source)
	}
}

// refused tells the guard of a request that is refused for who sent it, or for what it
// asks.
func (e *Endpoint) refused(source netip.Addr) {
	if e.guard != nil {
		e.guard.Refused(source)
	}
}

// trust tells the guard where a trunk's messages come from.
func (t *Trunk) trust() {
	if t.e.guard == nil {
		return
	}
	list := slices.Clone(t.cfg.Sources)
	t.mu.Lock()
	for _, s := range t.servers {
		list = append(list, netip.PrefixFrom(s.Addr(), s.Addr().BitLen()))
	}
	t.mu.Unlock()
	t.e.guard.Trust("trunk "+t.cfg.Name, list)
}
