package resolve

import (
	"context"
	"errors"
	"net/netip"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"ringpace/sip/resolve/resolvetest"
)

// patience bounds every wait; it is only reached when a test fails.
const patience = 10 * time.Second

// clock is a time of day that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// newResolver asks only the given name servers and reads no file of the machine.
func newResolver(t *testing.T, cfg Config, servers ...*resolvetest.Server) (*Resolver, *clock) {
	t.Helper()
	for _, s := range servers {
		cfg.Servers = append(cfg.Servers, s.Addr())
	}
	r := New(cfg)
	r.system.hosts.path = filepath.Join(t.TempDir(), "none")
	c := &clock{now: time.Unix(1_800_000_000, 0)}
	r.now = c.Now
	t.Cleanup(r.Close)
	return r, c
}

func resolve(t *testing.T, r *Resolver, q Query) ([]Server, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return r.Resolve(ctx, q)
}

// found resolves and prints the servers as "transport addr".
func found(t *testing.T, r *Resolver, q Query) string {
	t.Helper()
	servers, err := resolve(t, r, q)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	var out []string
	for _, s := range servers {
		out = append(out, s.Transport+" "+s.Addr.String())
	}
	return strings.Join(out, ", ")
}

var all = []string{"udp", "tcp", "tls"}

const zone = `
example.com.            300 IN SOA ns. admin. 1 7200 900 1209600 30
example.com.            300 IN NAPTR 50 50 "s" "SIPS+D2T" "" _sips._tcp.example.com.
example.com.            300 IN NAPTR 90 50 "s" "SIP+D2T"  "" _sip._tcp.example.com.
example.com.            300 IN NAPTR 100 50 "S" "SIP+D2U" "" _sip._udp.elsewhere.example.com.
example.com.            300 IN NAPTR 10 50 "u" "E2U+sip"  "!^.*$!sip:x@y!" .
example.com.            300 IN A 192.0.2.80
_sips._tcp.example.com. 300 IN SRV 0 1 5061 a.example.com.
_sip._tcp.example.com.  300 IN SRV 0 1 5070 a.example.com.
_sip._udp.example.com.  300 IN SRV 1 1 5080 b.example.com.
_sip._udp.example.com.  300 IN SRV 0 0 5060 a.example.com.
_sip._udp.elsewhere.example.com. 300 IN SRV 0 1 5090 b.example.com.
a.example.com.          300 IN A 192.0.2.1
b.example.com.          300 IN A 192.0.2.2
b.example.com.          300 IN AAAA 2001:db8::2
alias.example.com.      300 IN CNAME b.example.com.
plain.example.net.      300 IN A 192.0.2.9
_sip._udp.none.example.net. 300 IN SRV 0 0 0 .
_sip._tcp.only.example.net. 300 IN SRV 0 0 5062 plain.example.net.
_sip._udp.half.example.net. 300 IN SRV 0 0 5062 gone.example.net.
_sip._udp.half.example.net. 300 IN SRV 1 0 5062 plain.example.net.
`

// RFC 3263 section 4, case by case.
func TestResolve(t *testing.T) {
	t.Parallel()
	r, _ := newResolver(t, Config{}, resolvetest.Serve(t, zone))
	for _, c := range []struct {
		name string
		q    Query
		want string
	}{
		{"NAPTR order", Query{Host: "example.com", Transports: all, IPv4: true}, "tls 192.0.2.1:5061, tcp 192.0.2.1:5070, udp 192.0.2.2:5090"},
		{"NAPTR, of what can be used", Query{Host: "example.com", Transports: []string{"udp", "tcp"}, IPv4: true}, "tcp 192.0.2.1:5070, udp 192.0.2.2:5090"},
		{"case and final dot", Query{Host: "EXAMPLE.com.", Transports: []string{"tcp"}}, "tcp 192.0.2.1:5070"},
		{"sips", Query{Host: "example.com", Secure: true, Transports: all}, "tls 192.0.2.1:5061"},
		{"sips with transport=tcp", Query{Host: "example.com", Secure: true, Transport: "tcp"}, "tls 192.0.2.1:5061"},
		{"transport given: its SRV, by priority", Query{Host: "example.com", Transport: "udp", IPv4: true}, "udp 192.0.2.1:5060, udp 192.0.2.2:5080"},
		{"IPv6 first", Query{Host: "example.com", Transport: "udp"}, "udp 192.0.2.1:5060, udp [2001:db8::2]:5080, udp 192.0.2.2:5080"},
		{"IPv6 only", Query{Host: "example.com", Transport: "udp", IPv6: true}, "udp [2001:db8::2]:5080"},
		{"TLS by _sips._tcp", Query{Host: "example.com", Transport: "tls"}, "tls 192.0.2.1:5061"},
		{"port given: no SRV", Query{Host: "example.com", Port: 5066, Transport: "tcp"}, "tcp 192.0.2.80:5066"},
		{"port given, no transport: UDP", Query{Host: "example.com", Port: 5066, Transports: all}, "udp 192.0.2.80:5066"},
		{"address", Query{Host: "192.0.2.7", Transports: all}, "udp 192.0.2.7:5060"},
		{"address and TLS", Query{Host: "[2001:db8::7]", Transport: "tls"}, "tls [2001:db8::7]:5061"},
		{"address, sips", Query{Host: "192.0.2.7", Port: 5067, Secure: true}, "tls 192.0.2.7:5067"},
		{"no NAPTR: SRV of every transport", Query{Host: "only.example.net", Transports: all}, "tcp 192.0.2.9:5062"},
		{"no SRV: the address", Query{Host: "plain.example.net", Transport: "tls"}, "tls 192.0.2.9:5061"},
		{"nothing but an address: UDP", Query{Host: "plain.example.net", Transports: all}, "udp 192.0.2.9:5060"},
		{"nothing but an address, UDP not there", Query{Host: "plain.example.net", Transports: []string{"tls"}}, "tls 192.0.2.9:5061"},
		{"CNAME", Query{Host: "alias.example.com", Port: 5060, IPv4: true}, "udp 192.0.2.2:5060"},
		{"SRV to a host that is gone", Query{Host: "half.example.net", Transport: "udp"}, "udp 192.0.2.9:5062"},
		{"WebSocket has no SRV", Query{Host: "plain.example.net", Transport: "ws"}, "ws 192.0.2.9:80"},
	} {
		if got := found(t, r, c.q); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	for _, c := range []struct {
		name string
		q    Query
		want error
		says string
	}{
		{"no such host", Query{Host: "no.example.org", Port: 5060}, ErrNotFound, "no.example.org"},
		{"no such domain", Query{Host: "no.example.org", Transports: all}, ErrNotFound, "no.example.org"},
		{"reserved", Query{Host: "carrier.invalid", Port: 1}, ErrNotFound, "carrier.invalid"},
		{"service refused", Query{Host: "none.example.net", Transport: "udp"}, ErrRefused, "none.example.net"},
		{"no address of the family", Query{Host: "a.example.com", Port: 5060, IPv6: true}, ErrNotFound, "a.example.com"},
		{"no name", Query{Host: ".."}, ErrQuery, ""},
		{"empty", Query{Host: ""}, ErrQuery, ""},
	} {
		if _, err := resolve(t, r, c.q); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

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
	if !errors.Is(err, ErrNoAnswer) || !strings.Contains(err.Error(), server.Addr().String()) || !strings.Contains(err.Error(), "_sip._udp.example.com") {
		t.Errorf("%v", err)
	}
	server.Silence()
	clock.pass(time.Minute)
	if got := found(t, r, q); got != want {
		t.Error(got)
	}
}

// RFC 3263 section 4.1: where the SRV records of one transport cannot be had, those of
// another serve. Where no transport has any, the addresses of the domain do not stand in
// for records that may well be there.
func TestSRVFails(t *testing.T) {
	t.Parallel()
	const (
		over = "SRV _sip._udp.example.com"
		tcp  = "SRV _sip._tcp.example.com"
		tls  = "SRV _sips._tcp.example.com"
	)
	for _, c := range []struct {
		name   string
		breaks func(*resolvetest.Server)
		want   string // "": ErrNoAnswer
	}{
		{"the best fails", func(s *resolvetest.Server) { s.Break(dns.RcodeServerFailure, tls) }, "tcp 192.0.2.1:5070"},
		{"the worst fails", func(s *resolvetest.Server) { s.Break(dns.RcodeServerFailure, over) }, "tls 192.0.2.1:5061, tcp 192.0.2.1:5070"},
		{"one without an answer", func(s *resolvetest.Server) { s.Silence(tls) }, "tcp 192.0.2.1:5070"},
		{"one fails, one is not there", func(s *resolvetest.Server) {
			s.Set("example.com. 300 IN A 192.0.2.80")
			s.Break(dns.RcodeServerFailure, tcp)
		}, ""},
		{"one fails, one is refused", func(s *resolvetest.Server) {
			s.Set("example.com. 300 IN A 192.0.2.80\n_sip._udp.example.com. 300 IN SRV 0 0 0 .")
			s.Break(dns.RcodeServerFailure, tcp)
		}, ""},
		{"one fails, one has a server without address", func(s *resolvetest.Server) {
			s.Set("example.com. 300 IN A 192.0.2.80\n_sip._udp.example.com. 300 IN SRV 0 0 5060 gone.example.com.")
			s.Break(dns.RcodeServerFailure, tcp)
		}, ""},
		{"all fail", func(s *resolvetest.Server) { s.Break(dns.RcodeServerFailure, over, tcp, tls) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := resolvetest.Serve(t, `
example.com.            300 IN A 192.0.2.80
_sips._tcp.example.com. 300 IN SRV 0 1 5061 a.example.com.
_sip._tcp.example.com.  300 IN SRV 0 1 5070 a.example.com.
a.example.com.          300 IN A 192.0.2.1
`)
			c.breaks(server)
			r, _ := newResolver(t, Config{Timeout: 200 * time.Millisecond}, server)
			q := Query{Host: "example.com", Transports: []string{"tls", "tcp", "udp"}, IPv4: true}
			servers, err := resolve(t, r, q)
			switch {
			case c.want != "":
				if got := found(t, r, q); err != nil || got != c.want {
					t.Errorf("%s, %v; want %s", got, err, c.want)
				}
			case !errors.Is(err, ErrNoAnswer) || !strings.Contains(err.Error(), "._tcp.example.com"):
				t.Errorf("%v %v", servers, err)
			}
		})
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

// Broken middle boxes drop questions for NAPTR; the SRV records serve all the same.
func TestNAPTRDropped(t *testing.T) {
	t.Parallel()
	server := resolvetest.Serve(t, zone)
	server.Silence("NAPTR")
	r, _ := newResolver(t, Config{Timeout: 200 * time.Millisecond}, server)
	if got := found(t, r, Query{Host: "only.example.net", Transports: all}); got != "tcp 192.0.2.9:5062" {
		t.Error(got)
	}
}

func TestTruncation(t *testing.T) {
	t.Parallel()
	server := resolvetest.Serve(t, zone)
	server.Truncate()
	r, _ := newResolver(t, Config{}, server)
	if got := found(t, r, Query{Host: "a.example.com", Port: 5060, IPv4: true}); got != "udp 192.0.2.1:5060" {
		t.Error(got)
	}
	if server.Asked("A a.example.com") != 1 || server.Asked("tcp A a.example.com") != 1 {
		t.Error("not asked by UDP, then by TCP")
	}
}

// The second name server answers when the first does not, and is asked first then.
func TestSecondNameServer(t *testing.T) {
	t.Parallel()
	bad, good := resolvetest.Serve(t, ""), resolvetest.Serve(t, zone)
	bad.Break(dns.RcodeRefused)
	r, _ := newResolver(t, Config{}, bad, good)
	found(t, r, Query{Host: "a.example.com", Port: 5060, IPv4: true})
	found(t, r, Query{Host: "b.example.com", Port: 5060, IPv4: true})
	if bad.Asked("A a.example.com") != 1 || bad.Asked("A b.example.com") != 0 || good.Asked("A b.example.com") != 1 {
		t.Error("wrong server asked")
	}
}

// One question is asked once, however many wait.
func TestOneQuestion(t *testing.T) {
	t.Parallel()
	server := resolvetest.Serve(t, zone)
	r, _ := newResolver(t, Config{}, server)
	ask, gate := r.ask, make(chan struct{})
	r.ask = func(k key, f *flight) { <-gate; ask(k, f) }
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() { found(t, r, Query{Host: "a.example.com", Port: 5060, IPv4: true}) })
	}
	close(gate)
	wait.Wait()
	if got := server.Asked("A a.example.com"); got != 1 {
		t.Errorf("asked %d times", got)
	}
}

func TestCancelAndClose(t *testing.T) {
	t.Parallel()
	server := resolvetest.Serve(t, zone)
	server.Silence("A")
	r, _ := newResolver(t, Config{Timeout: 10 * patience}, server)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for server.Asked("A a.example.com") == 0 && t.Context().Err() == nil {
			runtime.Gosched()
		}
		cancel()
	}()
	q := Query{Host: "a.example.com", Port: 5060, IPv4: true}
	if _, err := r.Resolve(ctx, q); !errors.Is(err, ErrNoAnswer) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	begun := time.Now()
	r.Close()
	if took := time.Since(begun); took > patience/2 {
		t.Errorf("closing took %s", took)
	}
	q.Host = "b.example.com"
	if _, err := resolve(t, r, q); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("%v", err)
	}
}

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

// Whatever a name server sends: records of the type asked for, or an error.
func FuzzRecords(f *testing.F) {
	for _, rr := range []string{"a. 5 IN A 192.0.2.1", "a. 5 IN CNAME a.", "a. 5 IN SRV 0 0 1 b.", `a. 5 IN NAPTR 1 1 "s" "SIP+D2U" "" b.`} {
		m := new(dns.Msg).SetQuestion("a.", dns.TypeA)
		record, err := dns.NewRR(rr)
		if err != nil {
			f.Fatal(err)
		}
		m.Answer = append(m.Answer, record)
		packed, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed)
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		m := new(dns.Msg)
		if m.Unpack(packed) != nil {
			return
		}
		for _, kind := range []uint16{dns.TypeA, dns.TypeSRV, dns.TypeNAPTR} {
			rrs, _, err := records(m, key{"a", kind})
			if (len(rrs) == 0) != (err != nil) {
				t.Errorf("%v %v", rrs, err)
			}
			for _, rr := range rrs {
				if rr.Header().Rrtype != kind {
					t.Errorf("%v", rr)
				}
			}
		}
	})
}
