package resolve

import (
	"testing"

	"ringpace/sip/resolve/resolvetest"
)

// RFC 2782: within a priority each server comes first as often as its weight says.
func TestWeights(t *testing.T) {
	t.Parallel()
	server := resolvetest.Serve(t, `
_sip._udp.example.com. 300 IN SRV 5 60 5060 a.example.com.
_sip._udp.example.com. 300 IN SRV 5 30 5060 b.example.com.
_sip._udp.example.com. 300 IN SRV 5 10 5060 c.example.com.
_sip._udp.example.com. 300 IN SRV 5 0  5060 z.example.com.
_sip._udp.example.com. 300 IN SRV 9 100 5060 last.example.com.
a.example.com. 300 IN A 192.0.2.1
b.example.com. 300 IN A 192.0.2.2
c.example.com. 300 IN A 192.0.2.3
z.example.com. 300 IN A 192.0.2.4
last.example.com. 300 IN A 192.0.2.5
`)
	r, _ := newResolver(t, Config{}, server)
	const n = 4000
	first := map[string]int{}
	for range n {
		servers, err := resolve(t, r, Query{Host: "example.com", Transport: "udp", IPv4: true})
		if err != nil || len(servers) != 5 || servers[4].Name != "last.example.com" {
			t.Fatalf("%v %v", servers, err)
		}
		first[servers[0].Name]++
	}
	for name, want := range map[string]int{"a.example.com": 60, "b.example.com": 30, "c.example.com": 10, "z.example.com": 1} {
		if got := first[name] * 100 / n; got < want-4 || got > want+4 {
			t.Errorf("%s comes first in %d %%, want %d", name, got, want)
		}
	}
	if asked := server.Asked("SRV _sip._udp.example.com"); asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}
