package resolve

import (
	"net/netip"
	"testing"
	"time"

	"ringpace/sip/resolve/resolvetest"
)

func TestFailedServers(t *testing.T) {
	t.Parallel()
	r, clock := newResolver(t, Config{}, resolvetest.Serve(t, `
_sip._udp.example.com. 9000 IN SRV 0 0 5060 a.example.com.
_sip._udp.example.com. 9000 IN SRV 1 0 5060 b.example.com.
_sip._udp.example.com. 9000 IN SRV 2 0 5060 c.example.com.
a.example.com. 9000 IN A 192.0.2.1
b.example.com. 9000 IN A 192.0.2.2
c.example.com. 9000 IN A 192.0.2.3
`))
	order := func() (names string) {
		servers, err := resolve(t, r, Query{Host: "example.com", Transport: "udp", IPv4: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range servers {
			names += s.Name[:1]
		}
		return names
	}
	server := func(n byte) Server {
		return Server{Transport: "udp", Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, n}), 5060)}
	}
	step := func(want string) {
		t.Helper()
		if got := order(); got != want {
			t.Errorf("order %s, want %s", got, want)
		}
	}
	step("abc")
	r.Failed(server(1), 0)
	step("bca")
	if until := r.FailedUntil(server(1)); until != clock.Now().Add(failedFirst) {
		t.Errorf("until %s", until)
	}
	clock.pass(failedFirst + time.Second)
	step("abc")
	r.Failed(server(1), 0) // again: for twice as long
	clock.pass(failedFirst + time.Second)
	step("bca")
	clock.pass(failedFirst)
	step("abc")
	r.Failed(server(1), 100*time.Second) // Retry-After
	clock.pass(99 * time.Second)
	step("bca")
	clock.pass(2 * time.Second)
	step("abc")
	r.Failed(server(2), 50*time.Second)
	r.Failed(server(1), 20*time.Second)
	r.Failed(server(3), 30*time.Second) // all: the one that is back first
	step("cba")
	r.Worked(server(2))
	step("bca")
	r.Failed(server(2), 1000*time.Hour) // nobody is believed for ever
	if until := r.FailedUntil(server(2)); until != clock.Now().Add(retryMost) {
		t.Errorf("until %s", until)
	}
}
