package resolve

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"ringpace/sip/resolve/resolvetest"
)

func TestTTL(t *testing.T) {
	t.Parallel()
	server := resolvetest.Serve(t, "a.example.com. 60 IN A 192.0.2.1\nzero.example.com. 0 IN A 192.0.2.1\nlong.example.com. 999999 IN A 192.0.2.1")
	r, clock := newResolver(t, Config{}, server)
	for _, c := range []struct {
		host string
		wait time.Duration
		want int
	}{
		{"a", 0, 1},
		{"a", 59 * time.Second, 1},
		{"a", 2 * time.Second, 2},
		{"zero", 0, 1},
		{"zero", 4 * time.Second, 1}, // MinTTL
		{"zero", 2 * time.Second, 2},
		{"long", 0, 1},
		{"long", 59 * time.Minute, 1},
		{"long", 2 * time.Minute, 2}, // MaxTTL
	} {
		clock.pass(c.wait)
		found(t, r, Query{Host: c.host + ".example.com", Port: 5060, IPv4: true})
		if got := server.Asked("A " + c.host + ".example.com"); got != c.want {
			t.Errorf("%s after %s: asked %d times, want %d", c.host, c.wait, got, c.want)
		}
	}
}

// The answer that there is nothing is kept too, as long as the SOA says.
func TestNegativeTTL(t *testing.T) {
	t.Parallel()
	const soa = "example.com. 300 IN SOA ns. admin. 1 7200 900 1209600 20\n"
	server := resolvetest.Serve(t, soa)
	r, clock := newResolver(t, Config{}, server)
	q := Query{Host: "new.example.com", Port: 5060, IPv4: true}
	for range 3 {
		if _, err := resolve(t, r, q); !errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
	}
	if got := server.Asked("A new.example.com"); got != 1 {
		t.Errorf("asked %d times", got)
	}
	server.Set(soa + "new.example.com. 60 IN A 192.0.2.1")
	clock.pass(21 * time.Second)
	if got := found(t, r, q); got != "udp 192.0.2.1:5060" {
		t.Error(got)
	}
}

func TestNameServiceAway(t *testing.T) {
	t.Parallel()
	server := resolvetest.Serve(t, zone)
	r, clock := newResolver(t, Config{Timeout: 200 * time.Millisecond}, server)
	q := Query{Host: "example.com", Transport: "udp", IPv4: true}
	want := found(t, r, q)
	for _, away := range []func(){
		func() { server.Break(dns.RcodeServerFailure) },
		func() { server.Break(0); server.Silence("SRV", "A") },
	} {
		away()
		clock.pass(time.Hour) // all has run out
		if got := found(t, r, q); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	before := server.Asked("SRV _sip._udp.example.com")
	found(t, r, q)
	if got := server.Asked("SRV _sip._udp.example.com"); got != before {
		t.Error("a name service that is away is asked at every call")
	}
	clock.pass(48 * time.Hour)
	_, err := resolve(t, r, q)
	if !errors.Is(err, ErrNoAnswer) || !strings.Contains(err.Error(), server.Addr().String()+" (no answer in time)") || !strings.Contains(err.Error(), "_sip._udp.example.com") {
		t.Errorf("%v", err)
	}
	server.Silence()
	clock.pass(time.Minute)
	if got := found(t, r, q); got != want {
		t.Error(got)
	}
}

// A slow name service does not hold up a call whose server was known yesterday.
func TestStaleWait(t *testing.T) {
	t.Parallel()
	server := resolvetest.Serve(t, "a.example.com. 60 IN A 192.0.2.1")
	r, clock := newResolver(t, Config{Timeout: 5 * time.Second}, server)
	q := Query{Host: "a.example.com", Port: 5060, IPv4: true}
	want := found(t, r, q)
	server.Silence("A")
	clock.pass(time.Hour)
	begun := time.Now()
	if got := found(t, r, q); got != want {
		t.Error(got)
	}
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("waited %s", took)
	}
}

func TestBoundedMemory(t *testing.T) {
	t.Parallel()
	r, _ := newResolver(t, Config{}, resolvetest.Serve(t, ""))
	for i := range 2 * maxFailed {
		r.Failed(Server{Transport: "udp", Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 5060)}, 0)
	}
	if n := len(r.failed); n > maxFailed {
		t.Errorf("%d failed servers", n)
	}
	now := r.now()
	for i := range 2 * maxEntries {
		k := key{name: strings.Repeat("x", i%60) + string(rune(i)), kind: dns.TypeA}
		r.entries[k] = entry{fresh: now.Add(time.Hour)}
		if len(r.entries) >= maxEntries {
			r.forget(now)
		}
	}
	if n := len(r.entries); n > maxEntries || n < maxEntries/2 {
		t.Errorf("%d entries", n)
	}
}
