package sip

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"ringpace/sip/defence"
	"ringpace/sip/digest"
)

// judged tells the guard what came of checking the credentials of a request, which
// claim to be user's. That there were none, old ones, or such as we do not take, is no fault.
func (e *Endpoint) judged(source netip.Addr, user string, err error) {
	switch {
	case e.guard == nil:
	case err == nil:
		e.guard.Proved(source)
	case errors.Is(err, digest.ErrWrong):
		e.suspected(source, e.registrar != nil && e.registrar.Guessed(user))
	}
}

// suspected tells the guard of a wrong password; hunted says that it was for a user at
// whose password many guess.
func (e *Endpoint) suspected(source netip.Addr, hunted bool) {
	if e.guard != nil {
		e.guard.Failed(source, hunted)
	}
}

// watch has the guard know our own messages, and the telephones that were
// registered before.
func (e *Endpoint) watch() {
	if e.guard == nil {
		return
	}
	e.guard.Recognise(e.made)
	if e.registrar == nil {
		return
	}
	for _, user := range e.registrar.Entries() {
		for _, c := range user.Contacts {
			e.registered(c.Source.Addr(), c.Expires)
		}
	}
}

// made reports whether a message answers a request of ours, or is for a call of ours.
func (e *Endpoint) made(m defence.Mark) bool {
	if m.Response {
		return e.signer.ownBranch(m.Branch, m.CallID, m.FromTag)
	}
	return e.call(m.CallID, m.ToTag) != nil
}

// registered tells the guard until when somebody is registered from there.
func (e *Endpoint) registered(source netip.Addr, until time.Time) {
	if e.guard != nil {
		e.guard.Registered(source, until)
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
