package registrar

import (
	"net/netip"
	"slices"
)

// flow is a connection, or the pair of addresses of a UDP phone (RFC 5626 section
// 3.1).
type flow struct {
	transport string
	source    netip.AddrPort
}

func (c *Contact) flow() flow { return flow{c.Transport, c.Source} }

// keeps reports whether the transport is one of connections.
func (f flow) keeps() bool { return f.transport != "udp" }

// lasts reports whether the contact can be reached without its connection.
func (c *Contact) lasts() bool { return c.Addr.IsValid() }

// Lost removes the contacts that could only be reached by a connection that is
// gone (RFC 5626 section 4.4): the phone will come back by another.
func (r *Registrar) Lost(transport string, source netip.AddrPort) {
	f := flow{transport, source}
	r.mu.Lock()
	users := slices.Clone(r.flows[f])
	for _, user := range users {
		r.set(user, slices.DeleteFunc(slices.Clone(r.users[user].contacts), func(c Contact) bool { return c.flow() == f && !c.lasts() }))
	}
	r.mu.Unlock()
	r.tell(users...)
}

// link notes whose contacts hang on connections. r.mu is held.
func (r *Registrar) link(user string, contacts []Contact) {
	for i := range contacts {
		if f := contacts[i].flow(); !contacts[i].lasts() && !slices.Contains(r.flows[f], user) {
			r.flows[f] = append(r.flows[f], user)
		}
	}
}

// unlink undoes link. r.mu is held.
func (r *Registrar) unlink(user string, contacts []Contact) {
	for i := range contacts {
		f := contacts[i].flow()
		users := slices.DeleteFunc(r.flows[f], func(u string) bool { return u == user })
		if len(users) == 0 {
			delete(r.flows, f)
		} else {
			r.flows[f] = users
		}
	}
}
