package sip

import (
	"net/netip"
	"strconv"

	sipgo "github.com/emiago/sipgo/sip"
)

// mapping is our address as the trunk's server sees it: that of a NAT in between.
type mapping struct {
	transport string
	local     netip.AddrPort
	public    netip.AddrPort
}

// Public returns the address under which the trunk's server sees us, if that is
// not our own (RFC 3581).
func (t *Trunk) Public() (netip.Addr, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen.public.Addr(), t.seen.public.IsValid()
}

// contact is our Contact at this trunk: the public address where there is a NAT in
// between. A server that is not told it would call an address that leads nowhere.
func (t *Trunk) contact(p path) sipgo.Uri {
	t.mu.Lock()
	if t.seen.public.IsValid() && t.seen.transport == p.transport && t.seen.local == p.local {
		p.local = t.seen.public
	}
	t.mu.Unlock()
	return contactURI(t.contactUser(), p)
}

// learn takes the address that a response says the request came from, and reports
// whether it is another one than before.
func (t *Trunk) learn(p path, res *sipgo.Response) bool {
	via := res.Via()
	if via == nil {
		return false
	}
	m := mapping{transport: p.transport, local: p.local}
	at := p.local
	if a, err := netip.ParseAddr(via.Params.GetOr("received", "")); err == nil {
		at = netip.AddrPortFrom(a.Unmap(), at.Port())
	}
	moved := at.Addr() != p.local.Addr()
	if port, err := strconv.ParseUint(via.Params.GetOr("rport", ""), 10, 16); err == nil && port != 0 && (moved || p.transport == "udp") {
		// Of a connection it is not the listener's port; without a NAT that one holds.
		at = netip.AddrPortFrom(at.Addr(), uint16(port))
	}
	if at != p.local && at.Addr().IsValid() && !at.Addr().IsUnspecified() {
		m.public = at
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen == m || !m.public.IsValid() && !t.seen.public.IsValid() {
		return false
	}
	t.seen = m
	return true
}
