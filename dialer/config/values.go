package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Size is a number of bytes, written "2GiB", "512MiB", "100KiB" or "10MB".
type Size int64

// sizeUnits is from the largest to the smallest, so that String finds the
// roundest; the decimal ones are only read.
func sizeUnits() []sizeUnit {
	return []sizeUnit{
		{"TiB", 1 << 40},
		{"GiB", 1 << 30},
		{"MiB", 1 << 20},
		{"KiB", 1 << 10},
		{"TB", 1e12},
		{"GB", 1e9},
		{"MB", 1e6},
		{"kB", 1e3},
		{"KB", 1e3},
		{"B", 1},
	}
}

type sizeUnit struct {
	name  string
	bytes int64
}

func parseSize(s string) (Size, error) {
	for _, u := range sizeUnits() {
		digits, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		if err != nil || !(n >= 0 && n*float64(u.bytes) < 1<<62) {
			break
		}
		return Size(n * float64(u.bytes)), nil
	}
	return 0, fmt.Errorf("%q is not a size; write a number with a unit, such as 512MiB or 2GiB", s)
}

// String writes the size in the largest binary unit that divides it.
func (s Size) String() string {
	for _, u := range sizeUnits()[:4] {
		if s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// PortRange is an inclusive range of UDP ports, written "20000-29999".
type PortRange struct{ Min, Max uint16 }

func parsePortRange(s string) (PortRange, error) {
	lo, hi, ok := strings.Cut(s, "-")
	a, errA := strconv.ParseUint(strings.TrimSpace(lo), 10, 16)
	b, errB := strconv.ParseUint(strings.TrimSpace(hi), 10, 16)
	switch {
	case !ok || errA != nil || errB != nil:
		return PortRange{}, fmt.Errorf("%q is not a range of ports; write the first and the last, such as 20000-29999", s)
	case a > b:
		return PortRange{}, fmt.Errorf("%q ends before it begins; write the smaller port first", s)
	case a < 1024:
		return PortRange{}, fmt.Errorf("%q reaches below 1024, where only root may bind; write for example 20000-29999", s)
	}
	return PortRange{Min: uint16(a), Max: uint16(b)}, nil
}

// Pairs is how many sessions fit: each has an even port for RTP and the next one
// for RTCP (RFC 3550, section 11).
func (r PortRange) Pairs() int {
	first := (int(r.Min) + 1) / 2
	return max(0, (int(r.Max)+1)/2-first)
}

// String writes the range as it is read.
func (r PortRange) String() string { return fmt.Sprintf("%d-%d", r.Min, r.Max) }

// Listen is a socket for SIP, written "udp://192.0.2.10:5060".
type Listen struct {
	Transport string // UDP, TCP, TLS, WS or WSS
	Addr      netip.AddrPort
}

func parseListen(s string) (Listen, error) {
	transport, addr, ok := strings.Cut(s, "://")
	if !ok || !slices.Contains([]string{UDP, TCP, TLS, WS, WSS}, transport) {
		return Listen{}, fmt.Errorf("%q does not begin with udp://, tcp://, tls://, ws:// or wss://; write for example udp://192.0.2.10:5060", s)
	}
	a, err := netip.ParseAddrPort(addr)
	if err != nil {
		if ip, err := netip.ParseAddr(strings.Trim(addr, "[]")); err == nil {
			port := map[string]uint16{UDP: 5060, TCP: 5060, TLS: 5061, WS: 80, WSS: 443}[transport] // RFC 3261, section 19.1.2; RFC 7118, section 5.2.2
			a = netip.AddrPortFrom(ip, port)
		} else {
			return Listen{}, fmt.Errorf("%q is not an address and port of this machine; write for example udp://192.0.2.10:5060", s)
		}
	}
	if wildcard(a.Addr()) {
		return Listen{}, fmt.Errorf("%q is a wildcard: the address stands in Via, Contact and SDP, where the far side "+
			"answers to it; write the machine's own address, one line for each", s)
	}
	return Listen{Transport: transport, Addr: a}, nil
}

// parseNameServer reads an address, with a port unless it is 53.
func parseNameServer(s string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil && !wildcard(a) {
		return netip.AddrPortFrom(a, 53), nil
	}
	a, err := netip.ParseAddrPort(s)
	if err != nil || a.Port() == 0 || wildcard(a.Addr()) {
		return netip.AddrPort{}, fmt.Errorf("%q is not the address of a name server; write for example 192.0.2.53", s)
	}
	return a, nil
}

// String writes the socket as it is read.
func (l Listen) String() string { return l.Transport + "://" + l.Addr.String() }

// parsePrefix reads a network, or a single address.
func parsePrefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no address or network; write for example 192.0.2.10 or 192.0.2.0/24", s)
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("%q has bits behind its length; write %s", s, p.Masked())
	}
	return p, nil
}
