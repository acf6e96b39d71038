package sip

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ringpace/sip/resolve"
	"ringpace/sip/resolve/resolvetest"
	"ringpace/sip/wire/wiretest"
)

// carrierTLS is the zone of a carrier whose only server speaks TLS at that address.
func carrierTLS(addr string) string {
	host, _, _ := net.SplitHostPort(addr)
	kind := "A"
	if strings.Contains(host, ":") {
		kind = "AAAA"
	}
	return "_sips._tcp.carrier.test. 300 IN SRV 0 0 " + port(addr) + " node.carrier.test.\nnode.carrier.test. 300 IN " + kind + " " + host + "\n"
}

// A trunk over TLS without a listener of ours: located by _sips._tcp, verified against
// its own authority under the name of the domain, calls in both directions over the one
// connection. IPv4 and IPv6.
func TestTLS(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		ca, in := wiretest.NewAuthority(t, t.TempDir()), make(chan *Incoming, 1)
		certFile, keyFile := ca.Certify(t.TempDir(), time.Hour, "carrier.test")
		carrier, err := NewEndpoint(Config{
			Listen: []Listen{{Transport: "tls", Addr: mustAddr(address)}}, CertFile: certFile, KeyFile: keyFile,
			Invite: func(i *Incoming) { in <- i }, Logger: testLog(t),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = carrier.Close(t.Context()) })
		e, err := NewEndpoint(Config{
			Listen: []Listen{{Transport: "udp", Addr: mustAddr(address)}}, Logger: testLog(t),
			Resolver: resolve.Config{Servers: []netip.AddrPort{resolvetest.Serve(t, carrierTLS(addrOf(t, carrier, "tls"))).Addr()}},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = e.Close(t.Context()) })
		trunk := newTrunk(t, e, TrunkConfig{Server: "carrier.test", Transport: "tls", TLS: TrunkTLS{CAFile: ca.File}})
		sources := map[string]bool{}
		for range 2 {
			call := place(t, trunk, Invite{})
			far := receive(t, in, "INVITE")
			up := accept(t, far, testAnswer)
			skipTo[Answered](t, call)
			up.Hangup(CauseNormal) // their BYE comes over our connection
			next[Ended](t, call)
			next[Ended](t, up)
			over(t, up)
			contact := far.req.Contact().Address
			from := far.req.Source()
			if port(from) != strconv.Itoa(contact.Port) || contact.UriParams.GetOr("transport", "") != "tls" || far.req.Via().Port != contact.Port {
				t.Errorf("contact %s, via %s, from %s", contact.String(), far.req.Via().Value(), from)
			}
			if sources[from] = true; len(sources) != 1 {
				t.Fatalf("a second connection: %v", sources)
			}
		}
	}
}

// tlsServer accepts TLS connections and hands out what clients showed.
func tlsServer(t *testing.T, cfg *tls.Config) (addr string, clients <-chan *tls.Conn) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	out := make(chan *tls.Conn, 8)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				if c.(*tls.Conn).Handshake() == nil {
					out <- c.(*tls.Conn)
				}
			}()
		}
	}()
	return l.Addr().String(), out
}

// Two trunks at one server under two names and certificates: each keeps to its own
// connection. sipgo has one configuration for all, and finds connections by address.
func TestClientCertificates(t *testing.T) {
	t.Parallel()
	ca := wiretest.NewAuthority(t, t.TempDir())
	certFile, keyFile := ca.Certify(t.TempDir(), time.Hour, "carrier.test", "other.test")
	own, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca.Cert)
	addr, clients := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool})
	e := named(t, "carrier.test. 300 IN A 127.0.0.1\nother.test. 300 IN A 127.0.0.1\n", Config{})
	for _, name := range []string{"carrier.test", "other.test"} {
		mine, key := ca.Certify(t.TempDir(), time.Hour, "us-at-"+name)
		trunk := newTrunk(t, e, TrunkConfig{Name: name, Server: name + ":" + port(addr), Transport: "tls", TLS: TrunkTLS{CAFile: ca.File, CertFile: mine, KeyFile: key}})
		call := place(t, trunk, Invite{})
		c := receive(t, clients, "connection")
		state := c.ConnectionState()
		if state.ServerName != name || state.PeerCertificates[0].Subject.CommonName != "us-at-"+name {
			t.Errorf("%s: SNI %s, client %s", name, state.ServerName, state.PeerCertificates[0].Subject)
		}
		m, err := read(bufio.NewReader(c))
		if err != nil || !strings.HasSuffix(m.uri(), "@"+name+":"+port(addr)) {
			t.Errorf("%s: %v %v", name, m, err)
		}
		p := &peer{t: t, addr: addr}
		_, _ = io.WriteString(c, p.response(m, "486 Busy Here", "x", ""))
		next[Failed](t, call)
	}
}

// refusing returns a TCP address at which connections are refused: that of the calling
// end of one, so that nobody else can listen there meanwhile.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.LocalAddr().String()
}

// Each fault says which, what was tried, and what to do.
func TestReasons(t *testing.T) {
	t.Parallel()
	ca, stranger := wiretest.NewAuthority(t, t.TempDir()), wiretest.NewAuthority(t, t.TempDir())
	serve := func(cfg *tls.Config, certFile, keyFile string) string {
		t.Helper()
		own, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Certificates = []tls.Certificate{own}
		addr, _ := tlsServer(t, cfg)
		return addr
	}
	cert := func(ca *wiretest.Authority, left time.Duration, name string) (string, string) {
		return ca.Certify(t.TempDir(), left, name)
	}
	goodCert, goodKey := cert(ca, time.Hour, "carrier.test")
	oldCert, oldKey := cert(ca, -time.Hour, "carrier.test")
	strangeCert, strangeKey := cert(stranger, time.Hour, "carrier.test")
	otherCert, otherKey := cert(ca, time.Hour, "www.shop.test")
	pool := x509.NewCertPool()
	pool.AddCert(ca.Cert)
	refused := refusing(t)
	dns := resolvetest.Serve(t, "carrier.test. 300 IN A 127.0.0.1\n_sip._tcp.refused.test. 300 IN SRV 0 0 0 .\n")
	dns.Silence("SRV")
	var logged logbook
	e := newEndpoint(t, Config{
		Logger:   slog.New(slog.NewTextHandler(&logged, nil)),
		Resolver: resolve.Config{Servers: []netip.AddrPort{dns.Addr()}, Timeout: 100 * time.Millisecond},
	})
	for _, c := range []struct {
		name, server, transport string
		want                    []string
	}{
		{"expired", "carrier.test:" + port(serve(&tls.Config{}, oldCert, oldKey)), "tls", []string{"has expired: it held from", "the carrier has to renew it", "clock"}},
		{"unknown CA", "carrier.test:" + port(serve(&tls.Config{}, strangeCert, strangeKey)), "tls", []string{"signed by an authority", "not trusted", "tls.ca_file"}},
		{"wrong name", "carrier.test:" + port(serve(&tls.Config{}, otherCert, otherKey)), "tls", []string{"www.shop.test", "not for carrier.test", "tls.server_name"}},
		{"client certificate", "carrier.test:" + port(serve(&tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MaxVersion: tls.VersionTLS12}, goodCert, goodKey)), "tls", []string{"tls.cert_file"}},
		{"too old", "carrier.test:" + port(serve(&tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}, goodCert, goodKey)), "tls", []string{"versions"}},
		{"refused", "carrier.test:" + port(refused), "tcp", []string{"refused", "nothing listens there"}},
		{"no such name", "nowhere.test:5060", "udp", []string{"not found: A of nowhere.test", dns.Addr().String(), "typing"}},
		{"no name service", "carrier.test", "udp", []string{"no answer for SRV of _sip._udp.carrier.test", dns.Addr().String() + " (no answer in time)", "sip.dns_servers"}},
		{"silent", newPeer(t, addrOf(t, e, "udp")).addr, "udp", []string{"no response to REGISTER", "firewall"}},
	} {
		trunk := newTrunk(t, e, TrunkConfig{
			Name: c.name, Server: c.server, Transport: c.transport, Username: "u", Password: "p", Register: true, TLS: TrunkTLS{CAFile: ca.File},
		})
		run(t, trunk)
		eventually(t, c.name, state(trunk, StateUnreachable))
		s := trunk.Status()
		for _, want := range append(c.want, c.server, c.transport) {
			if !strings.Contains(s.Reason, want) {
				t.Errorf("%s: %q lacks %q", c.name, s.Reason, want)
			}
		}
		plain(t, s.Reason)
		call := place(t, trunk, Invite{})
		f := next[Failed](t, call)
		if f.Class != TrunkFailure || !f.Elsewhere {
			t.Errorf("%s: %v", c.name, f)
		}
		plain(t, f.explain())
	}
	logged.mu.Lock()
	defer logged.mu.Unlock()
	if n := strings.Count(logged.text.String(), `level=WARN msg="sip: trunk is unreachable" trunk=`); n != 9 {
		t.Errorf("%d warnings in\n%s", n, logged.text.String())
	}
}

// logbook is a log that a test reads.
type logbook struct {
	mu   sync.Mutex // protects text
	text strings.Builder
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// plain checks that a message for operators is one line, without Go's texts.
func plain(t *testing.T, message string) {
	t.Helper()
	for _, raw := range []string{"x509", ": tls: ", "dial ", "read udp", "read tcp", "->", "context ", "i/o timeout", "EOF", "\n", "sip: "} {
		if strings.Contains(message, raw) {
			t.Errorf("%q holds %q", message, raw)
		}
	}
}

// Keep-alives hold connections; one whose far side falls silent is closed, and the
// trunk registers anew over another.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, Config{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	trunk := newTrunk(t, e, TrunkConfig{
		Server: l.Addr().String(), Transport: "tcp", Username: "user", Password: "pw", Register: true, KeepAlive: time.Second,
	})
	trunk.cfg.KeepAlive, trunk.pongTimeout = 20*time.Millisecond, 200*time.Millisecond
	stop := run(t, trunk)
	p := &peer{t: t, addr: l.Addr().String()}
	register := func() (net.Conn, *bufio.Reader, *message) {
		t.Helper()
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(patience))
		r := bufio.NewReader(c)
		m, err := read(r)
		if err != nil || m.kind() != "REGISTER" {
			t.Fatalf("%v %v", m, err)
		}
		_, _ = io.WriteString(c, p.response(m, "200 OK", "x", "", "Contact: "+m.get("Contact")+";expires=600"))
		return c, r, m
	}
	ping := func(r *bufio.Reader) {
		t.Helper()
		b := make([]byte, 4)
		if _, err := io.ReadFull(r, b); err != nil || string(b) != "\r\n\r\n" {
			t.Fatalf("%q %v", b, err)
		}
	}
	c, r, first := register()
	eventually(t, "registered", state(trunk, StateRegistered))
	ping(r) // never answered: a server that knows no keep-alive loses nothing
	ping(r)
	if _, err := io.WriteString(c, "\r\n"); err != nil {
		t.Fatal(err)
	}
	// No more answers: it closes the connection, and comes anew over another.
	c2, _, again := register()
	if again.get("Call-ID") != first.get("Call-ID") || again.seq() <= first.seq() {
		t.Errorf("%s after %s", again, first)
	}
	_ = c2.Close() // the server restarts
	_, r3, third := register()
	if third.seq() <= again.seq() {
		t.Errorf("%s", third)
	}
	go stop()
	for {
		if m, err := read(r3); err != nil {
			t.Fatal(err)
		} else if m.get("Expires") == "0" {
			break
		}
	}
}

// Over UDP the server's port gets them from the socket that we listen on.
func TestKeepAliveUDP(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, Config{})
	server, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(mustAddr("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	trunk := newTrunk(t, e, TrunkConfig{Server: server.LocalAddr().String(), KeepAlive: time.Second})
	run(t, trunk)
	_ = server.SetDeadline(time.Now().Add(patience))
	b := make([]byte, 100)
	n, from, err := server.ReadFromUDPAddrPort(b)
	if err != nil || string(b[:n]) != "\r\n\r\n" || from.String() != addrOf(t, e, "udp") {
		t.Errorf("%q from %s: %v", b[:n], from, err)
	}
}
