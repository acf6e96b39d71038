package registrar

import (
	"maps"
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
	var changed []string
	for _, user := range slices.Sorted(maps.Keys(r.flows[f])) {
		contacts := r.users[user].contacts
		left := slices.DeleteFunc(slices.Clone(contacts), func(c Contact) bool { return c.flow() == f && !c.lasts() })
		if len(left) < len(contacts) {
			r.set(user, left)
			changed = append(changed, user)
		}
	}
	r.mu.Unlock()
	r.tell(changed...)
}

// Knows reports whether anybody registered from there.
func (r *Registrar) Knows(transport string, source netip.AddrPort) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.flows[flow{transport, source}]) > 0
}

// link notes who came from where. r.mu is held.
func (r *Registrar) link(user string, contacts []Contact) {
	for i := range contacts {
		f := contacts[i].flow()
		if r.flows[f] == nil {
			r.flows[f] = map[string]struct{}{}
		}
		r.flows[f][user] = struct{}{}
	}
}

// unlink undoes link. r.mu is held.
func (r *Registrar) unlink(user string, contacts []Contact) {
	for i := range contacts {
		f := contacts[i].flow()
		delete(r.flows[f], user)
		if len(r.flows[f]) == 0 {
			delete(r.flows, f)
		}
	}
}
