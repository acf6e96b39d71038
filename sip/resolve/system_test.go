package resolve

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"ringpace/sip/resolve/resolvetest"
)

// The names of /etc/hosts go before those of the name service.
func TestHostsFile(t *testing.T) {
	t.Parallel()
	r := New(Config{Servers: []netip.AddrPort{resolvetest.Serve(t, zone).Addr()}})
	t.Cleanup(r.Close)
	got := found(t, r, Query{Host: "localhost", Port: 5060, Transport: "tcp", IPv4: true})
	if got != "tcp 127.0.0.1:5060" {
		t.Error(got)
	}
}

func TestParseHosts(t *testing.T) {
	t.Parallel()
	got := parseHosts(strings.NewReader("# comment\n127.0.0.1\tlocalhost LocalHost.localdomain. # x\n::1 localhost\n\nbad name\n192.0.2.1\n"))
	if len(got) != 2 || !slices.Equal(got["localhost"], []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}) ||
		len(got["localhost.localdomain"]) != 1 {
		t.Errorf("%v", got)
	}
}

func FuzzParseHosts(f *testing.F) {
	f.Add("127.0.0.1 localhost\n::1 localhost # x")
	f.Fuzz(func(t *testing.T, file string) {
		for name, addrs := range parseHosts(strings.NewReader(file)) {
			for _, a := range addrs {
				if !a.IsValid() || strings.ContainsAny(name, " \t\n#") {
					t.Errorf("%q %v", name, a)
				}
			}
		}
	})
}
