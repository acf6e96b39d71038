package sip

import (
	"fmt"
	"net/netip"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"
)

// NAT says when requests inside a dialog go where the far side's messages come from, in
// place of its Contact or first Route: the far side is behind a NAT and names an address
// that leads nowhere from here.
type NAT string

// When they do.
const (
	NATAuto   NAT = "auto"   // the address is private, and the messages come from a public one
	NATAlways NAT = "always" // in any case
	NATNever  NAT = "never"  // only where the address cannot be sent to at all
)

func (n NAT) check() error {
	switch n {
	case NATAuto, NATAlways, NATNever:
		return nil
	}
	return fmt.Errorf("NAT %q: use %s, %s or %s", n, NATAuto, NATAlways, NATNever)
}

// sharedSpace is that of carriers' own NATs (RFC 6598).
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

// insideOnly reports whether an address has a meaning only in somebody's own network: those
// of RFC 1918, RFC 4193, RFC 6598, and of one link or machine.
func insideOnly(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || sharedSpace.Contains(a)
}

// turns reports whether a request to the host of a URI goes to source instead, where the
// far side's messages come from.
func (n NAT) turns(host string, source netip.Addr) bool {
	switch n {
	case NATAlways:
		return true
	case NATAuto:
		a, err := netip.ParseAddr(strings.Trim(host, "[]"))
		return err == nil && insideOnly(a) && !insideOnly(source)
	}
	return false
}

// returns reports whether requests of the dialog go where the far side's messages come
// from, and not to the next hop.
func (d *dialog) returns() bool {
	if d.path.flow && len(d.routes) == 0 {
		return true
	}
	next := d.nextHop()
	return d.path.fallback.IsValid() && (d.unreached || d.path.nat.turns(hostOf(next), d.path.fallback.Addr()))
}

// hostOf is the host that a URI is reached at.
func hostOf(uri *sipgo.Uri) string {
	if maddr := uri.UriParams.GetOr("maddr", ""); maddr != "" {
		return maddr
	}
	return uri.Host
}
