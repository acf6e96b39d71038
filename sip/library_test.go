package sip

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo"
	siplib "github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"ringpace/sip/resolve"
	"ringpace/sip/resolve/resolvetest"
)

// The tests of this file show what sipgo does where we do it ourselves, beside what we
// do. When one fails in its first half, sipgo has been mended, and our part may go.

// libraryRequest is a request as sipgo's client wants it, from a socket of its own.
func libraryRequest(uri string) *siplib.Request {
	var to siplib.Uri
	_ = siplib.ParseUri(uri, &to)
	req := siplib.NewRequest(siplib.OPTIONS, to)
	from := siplib.Uri{Scheme: "sip", User: "x", Host: "127.0.0.1"}
	req.AppendHeader(&siplib.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "UDP", Host: "127.0.0.1", Port: 9, Params: siplib.HeaderParams{{K: "branch", V: branchCookie + random(8)}}})
	req.AppendHeader(&siplib.FromHeader{Address: from, Params: siplib.HeaderParams{{K: "tag", V: "x"}}})
	req.AppendHeader(&siplib.ToHeader{Address: to})
	callID := siplib.CallIDHeader(random(8))
	req.AppendHeader(&callID)
	req.AppendHeader(&siplib.CSeqHeader{SeqNo: 1, MethodName: siplib.OPTIONS})
	req.SetTransport("UDP")
	req.Laddr = siplib.Addr{IP: net.IPv4(127, 0, 0, 1)}
	return req
}

// DNS: sipgo asks for the address of the domain (where its web server may live) at each
// request, and never for NAPTR; ours asks once, and sends to the server of the SRV record.
func TestTrapDNS(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, Config{})
	p := newPeer(t, addrOf(t, e, "udp"))
	zone := srv(p.addr) + "carrier.test. 300 IN A 192.0.2.80\n"

	theirs := resolvetest.Serve(t, zone)
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, theirs.Addr().String())
	}}
	library := siplib.NewTransportLayer(resolver, siplib.NewParser(), nil)
	t.Cleanup(func() { _ = library.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for range 2 {
		conn, err := library.ClientRequestConnection(ctx, libraryRequest("sip:1@carrier.test"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.TryClose()
	}
	if a, s := theirs.Asked("A carrier.test"), theirs.Asked("SRV _sip._udp.carrier.test"); a != 2 || s != 0 {
		t.Errorf("sipgo asked %d times for A, %d times for SRV: it has changed", a, s)
	}

	ours := resolvetest.Serve(t, zone)
	e.resolver.Close()
	e.resolver = resolve.New(resolve.Config{Servers: []netip.AddrPort{ours.Addr()}})
	trunk := newTrunk(t, e, TrunkConfig{Server: "carrier.test"})
	for range 2 {
		call := place(t, trunk, Invite{})
		p.respond(p.expect("INVITE"), "486 Busy Here", "x", "")
		p.expect("ACK")
		next[Failed](t, call)
	}
	if a, s := ours.Asked("A carrier.test"), ours.Asked("SRV _sip._udp.carrier.test"); a != 0 || s != 1 {
		t.Errorf("we asked %d times for A, %d times for SRV", a, s)
	}
}

// Digest: sipgo reads the first challenge only, and digests the URI without its
// parameters; ours takes the strongest that it knows, and all of the URI.
func TestTrapDigest(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, Config{})
	p := newPeer(t, addrOf(t, e, "udp"))
	ua, err := sipgo.NewUA()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ua.Close() })
	client, err := sipgo.NewClient(ua, sipgo.WithClientHostname("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	challenge := func(values ...string) (*siplib.Request, *siplib.Response) {
		req := libraryRequest("sip:1@" + p.addr + ";user=phone")
		res := siplib.NewResponseFromRequest(req, 401, "Unauthorized", nil)
		for _, v := range values {
			res.AppendHeader(siplib.NewHeader("WWW-Authenticate", v))
		}
		return req, res
	}
	md5 := `Digest realm="r", nonce="n", algorithm=MD5, qop="auth"`
	unknown := `Digest realm="r", nonce="u", algorithm=SHA3-999, qop="auth"`
	req, res := challenge(unknown, md5)
	if _, err := client.TransactionDigestAuth(ctx, req, res, sipgo.DigestAuth{Username: "user", Password: "pw"}); err == nil {
		t.Error("sipgo looks past the first challenge: it has changed")
	}
	req, res = challenge(md5)
	tx, err := client.TransactionDigestAuth(ctx, req, res, sipgo.DigestAuth{Username: "user", Password: "pw"})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Terminate()
	m := p.takeKind("OPTIONS")
	if m.uri() != "sip:1@"+p.addr+";user=phone" || strings.Contains(m.get("Authorization"), ";user=phone") {
		t.Errorf("sipgo digests all of the URI: it has changed: %s", m)
	}

	trunk := newTrunk(t, e, TrunkConfig{Server: p.addr, Username: "user", Password: "pw", Identity: Identity{UserPhone: true}})
	call := place(t, trunk, Invite{})
	p.respond(p.takeKind("INVITE"), "401 Unauthorized", "x", "", "WWW-Authenticate: "+unknown, "WWW-Authenticate: "+md5)
	p.takeKind("ACK")
	invite := p.takeKind("INVITE")
	credentials(t, invite, "Authorization", digest.Challenge{Realm: "r", Nonce: "n", Algorithm: "MD5", QOP: []string{"auth"}}, "pw")
	if !strings.Contains(invite.get("Authorization"), ";user=phone") {
		t.Errorf("%s", invite)
	}
	p.respond(invite, "486 Busy Here", "x", "")
	next[Failed](t, call)
}

// RFC 7616 section 3.4.3: where only auth-int is offered, the body is digested too.
func TestAuthInt(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{Username: "user", Password: "pw", Register: true, Expires: time.Minute})
	stop := run(t, trunk)
	challenge := `WWW-Authenticate: Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth-int"`
	want := digest.Challenge{Realm: "r", Nonce: "n", Algorithm: "SHA-256", QOP: []string{"auth-int"}}
	p.respond(p.expect("REGISTER"), "401 Unauthorized", "x", "", challenge)
	reg := p.expect("REGISTER")
	credentials(t, reg, "Authorization", want, "pw")
	p.respond(reg, "200 OK", "x", "", "Contact: "+reg.get("Contact"))
	eventually(t, "registered", state(trunk, StateRegistered))
	call := place(t, trunk, Invite{})
	p.respond(p.expect("INVITE"), "401 Unauthorized", "x", "", challenge)
	invite := p.expect2("ACK", "INVITE")
	if cred := credentials(t, invite, "Authorization", want, "pw"); cred.QOP != "auth-int" || invite.body == "" {
		t.Errorf("%+v", cred)
	}
	p.respond(invite, "486 Busy Here", "x", "")
	next[Failed](t, call)
	go stop()
	p.respond(p.expectSkipping("REGISTER", "ACK"), "200 OK", "x", "")
}
