package resolve

import (
	"context"
	"errors"
	"path/filepath"
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
