package sip

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// The flows of RFC 3665 section 3 with us as Alice, who calls. The test is everybody
// else: the proxies, as far as they write to Alice, and Bob behind them. The flows with
// us as Bob are in session_flow_callee_test.go.

// ss2 and ss1 are the proxies of the document as they record themselves: proxy 1 is
// the peer.
const ss2 = "<sip:ss2.biloxi.invalid;lr>"

func ss1(p *peer) string { return "<sip:" + p.addr + ";lr>" }

// recorded is the Record-Route of a call through both proxies, the last one first.
func recorded(p *peer) string { return "Record-Route: " + ss2 + ", " + ss1(p) }

// alice is a caller behind proxy 1, who has credentials in both domains.
func alice(t *testing.T, policy Policy) (*Trunk, *peer) {
	t.Helper()
	e := newEndpoint(t, Config{})
	proxy := newPeer(t, addrOf(t, e, "udp"))
	return newTrunk(t, e, TrunkConfig{
		Server: "biloxi.invalid", OutboundProxy: proxy.addr, Username: "alice", Password: "pw", Policy: policy,
	}), proxy
}

// demand refuses a request of Alice with 407 for one realm, and returns the request
// that follows the ACK, which has to have credentials for that and the realms before.
func demand(p *peer, invite *message, realms ...string) *message {
	p.t.Helper()
	p.respond(invite, "407 Proxy Authentication Required", "p"+fmt.Sprint(len(realms)), "",
		fmt.Sprintf(`Proxy-Authenticate: Digest realm=%q, nonce="n", qop="auth"`, realms[len(realms)-1]))
	// RFC 3261 section 17.1.1.3: of the transaction, with the route of the INVITE.
	ack := p.expect("ACK")
	if ack.get("Via") != invite.get("Via") || ack.seq() != invite.seq() || ack.uri() != invite.uri() ||
		!slices.Equal(ack.all("Route"), invite.all("Route")) {
		p.t.Errorf("ACK %s to the 407 to %s", ack, invite)
	}
	again := p.expect("INVITE")
	if again.seq() != invite.seq()+1 || again.get("Call-ID") != invite.get("Call-ID") || again.get("From") != invite.get("From") ||
		again.param("To", "tag") != "" || again.param("Via", "branch") == invite.param("Via", "branch") {
		p.t.Errorf("INVITE %s after %s", again, invite)
	}
	proved(p.t, again, realms...)
	return again
}

// proved checks for which realms a request has credentials.
func proved(t *testing.T, m *message, realms ...string) {
	t.Helper()
	var got []string
	for _, v := range m.all("Proxy-Authorization") {
		_, rest, _ := strings.Cut(v, `realm="`)
		realm, _, _ := strings.Cut(rest, `"`)
		got = append(got, realm)
	}
	slices.Sort(got)
	if !slices.Equal(got, realms) {
		t.Errorf("credentials for %q, want %q, in %s", got, realms, m)
	}
}

// connect answers an INVITE of Alice, as Bob behind whoever has recorded routes, and
// checks her ACK.
func connect(p *peer, invite *message, description, recordRoute string, routes ...string) (ack *message) {
	p.t.Helper()
	p.respond(invite, "100 Trying", "", "")
	p.respond(invite, "180 Ringing", "bob", "", recordRoute)
	p.respond(invite, "200 OK", "bob", description, recordRoute)
	ack = p.expect("ACK")
	if ack.seq() != invite.seq() || ack.uri() != "sip:peer@"+p.addr || ack.param("To", "tag") != "bob" ||
		ack.param("Via", "branch") == invite.param("Via", "branch") || !slices.Equal(ack.all("Route"), routes) {
		p.t.Errorf("ACK %s, want routes %q", ack, routes)
	}
	return ack
}

// bobHangsUp sends Bob's BYE, which passed those Vias, and checks that the 200 goes
// back the same way.
func bobHangsUp(t *testing.T, p *peer, call *Call, invite *message, passed ...string) {
	t.Helper()
	for i, v := range passed {
		passed[i] = "Via: " + v
	}
	bye := p.inside(invite, "bob", "BYE", 1, passed...)
	p.send(bye)
	ok := p.expect("200")
	sent := parseMessage(bye)
	if len(ok.all("Via")) != 1+len(passed) || !slices.Equal(ok.all("Via")[1:], sent.all("Via")[1:]) ||
		ok.get("CSeq") != "1 BYE" || ok.get("From") != sent.get("From") || ok.get("To") != sent.get("To") {
		t.Errorf("%s to %s", ok, bye)
	}
	if ended := next[Ended](t, call); ended.ByUs || ended.Class != "" {
		t.Errorf("ended %+v", ended)
	}
	over(t, call)
}

// Vias that Bob's BYE has below that of the proxy which hands it to Alice.
const (
	viaSS2 = "SIP/2.0/TCP ss2.biloxi.invalid:5060;branch=z9hG4bK721e418c4.1;received=192.0.2.222"
	viaBob = "SIP/2.0/TCP client.biloxi.invalid:5060;branch=z9hG4bKnashds7;received=192.0.2.201"
)

// refused checks how a call failed for Alice after that progress.
func refused(t *testing.T, call *Call, want FailureClass, status int, rang bool) {
	t.Helper()
	if rang {
		if p := next[Progress](t, call); p.Status != 180 {
			t.Errorf("progress %+v", p)
		}
	}
	if f := next[Failed](t, call); f.Class != want || f.Status != status {
		t.Errorf("failed with %v, want %s and %d", f, want, status)
	}
	over(t, call)
}

// Section 3.1: Alice calls Bob directly, and Bob hangs up.
func TestFlowSuccessful(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	if invite.get("Max-Forwards") != "70" || invite.param("From", "tag") == "" || strings.Contains(invite.get("To"), "tag=") ||
		!strings.HasSuffix(invite.get("CSeq"), " INVITE") || invite.get("Contact") == "" || len(invite.all("Via")) != 1 ||
		invite.get("Content-Type") != sdpType || invite.get("Content-Length") != fmt.Sprint(len(testOffer)) || invite.body != testOffer ||
		len(invite.all("Route")) != 0 {
		t.Errorf("INVITE %s", invite)
	}
	p.respond(invite, "180 Ringing", "bob", "")
	if pr := next[Progress](t, call); pr.Status != 180 || pr.Body != nil {
		t.Errorf("progress %+v", pr)
	}
	p.respond(invite, "200 OK", "bob", testAnswer)
	if ack := p.expect("ACK"); ack.seq() != invite.seq() || ack.uri() != "sip:peer@"+p.addr || ack.param("To", "tag") != "bob" ||
		ack.body != "" || ack.get("Content-Length") != "0" {
		t.Errorf("ACK %s", ack)
	}
	if a := next[Answered](t, call); string(a.Body) != testAnswer {
		t.Errorf("answered with %q", a.Body)
	}
	bobHangsUp(t, p, call, invite)
}

// Section 3.2: proxy 1 wants credentials, both proxies stay in the path.
func TestFlowThroughTwoProxies(t *testing.T) {
	t.Parallel()
	trunk, p := alice(t, Policy{})
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	if invite.get("Route") != ss1(p) || !strings.HasSuffix(invite.uri(), "@biloxi.invalid") {
		t.Errorf("INVITE %s", invite)
	}
	proved(t, invite)
	invite = demand(p, invite, "atlanta")
	ack := connect(p, invite, testAnswer, recorded(p), ss1(p), ss2)
	proved(t, ack, "atlanta") // RFC 3261 section 22.1
	skipTo[Answered](t, call)
	bobHangsUp(t, p, call, invite, viaSS2, viaBob)
}

// Section 3.3: both proxies want credentials, each for its realm.
func TestFlowWithMultipleProxyAuthentication(t *testing.T) {
	t.Parallel()
	trunk, p := alice(t, Policy{})
	call := place(t, trunk, Invite{})
	invite := demand(p, p.expect("INVITE"), "atlanta")
	invite = demand(p, invite, "atlanta", "biloxi")
	ack := connect(p, invite, testAnswer, recorded(p), ss1(p), ss2)
	proved(t, ack, "atlanta", "biloxi")
	skipTo[Answered](t, call)
	bobHangsUp(t, p, call, invite, viaSS2, viaBob)
}

// Section 3.4: proxy 1 is out of service. Alice sends her INVITE there until timer B
// ends that, and calls by proxy 2.
func TestFlowWithProxyFailure(t *testing.T) {
	t.Parallel()
	trunk, proxy1, proxy2, _ := twoServers(t, TrunkConfig{Username: "alice", Password: "pw"})
	call := place(t, trunk, Invite{})
	begun := time.Now()
	first := proxy2.expect("INVITE")
	if after := time.Since(begun); after < 60*sipgo.T1 {
		t.Errorf("proxy 1 was given up after %s", after)
	}
	lost := proxy1.expect("INVITE")
	copies := 1
	for len(proxy1.in) > 0 {
		if m := proxy1.take(); m.kind() != "INVITE" || m.get("Via") != lost.get("Via") {
			t.Errorf("proxy 1 gets %s", m)
		}
		copies++
	}
	if copies < 4 || copies > 7 { // F1 to F7; a slow machine may skip some
		t.Errorf("%d INVITEs to proxy 1", copies)
	}
	if first.get("Call-ID") != lost.get("Call-ID") || first.uri() != lost.uri() || first.param("Via", "branch") == lost.param("Via", "branch") {
		t.Errorf("%s after %s", first, lost)
	}
	invite := demand(proxy2, first, "biloxi")
	ack := connect(proxy2, invite, testAnswer, "Record-Route: "+ss1(proxy2), ss1(proxy2))
	proved(t, ack, "biloxi")
	skipTo[Answered](t, call)
	bobHangsUp(t, proxy2, call, invite, viaBob)
	if len(proxy1.in) > 0 {
		t.Errorf("proxy 1 gets %s", proxy1.take())
	}
}

// Section 3.5: the proxy is a gateway that puts its own address into the descriptions:
// media go there, and all requests through it.
func TestFlowThroughALG(t *testing.T) {
	t.Parallel()
	trunk, alg := alice(t, Policy{})
	call := place(t, trunk, Invite{})
	invite := demand(alg, alg.expect("INVITE"), "atlanta")
	if invite.get("Route") != ss1(alg) || invite.body != testOffer {
		t.Errorf("INVITE %s", invite)
	}
	rewritten := strings.Replace(testAnswer, "c=IN IP4 127.0.0.1", "c=IN IP4 192.0.2.128", 1)
	ack := connect(alg, invite, rewritten, "Record-Route: "+ss1(alg), ss1(alg))
	proved(t, ack, "atlanta")
	if a := skipTo[Answered](t, call); string(a.Body) != rewritten {
		t.Errorf("answered with %q", a.Body)
	}
	bobHangsUp(t, alg, call, invite, viaBob)
}

// Section 3.6: a redirect server sends Alice to proxy 3; her INVITE has no description,
// Bob's 200 offers, her ACK answers.
func TestFlowViaRedirectAndProxyWithSDPInACK(t *testing.T) {
	t.Parallel()
	trunk, redirect := script(t, TrunkConfig{Policy: Policy{LateOffer: true, Redirect: RedirectFollow, RedirectHosts: []string{"127.0.0.2"}}})
	proxy3 := newPeerAt(t, "127.0.0.2", addrOf(t, trunk.e, "udp")) // another domain's
	offers := make(chan string, 2)
	call := place(t, trunk, Invite{OnLateOffer: func(offer []byte) ([]byte, error) {
		offers <- string(offer)
		return []byte(testAnswer), nil
	}})
	first := redirect.expect("INVITE")
	if first.body != "" || first.get("Content-Type") != "" || first.get("Content-Length") != "0" {
		t.Errorf("INVITE %s", first)
	}
	redirect.respond(first, "302 Moved Temporarily", "r", "", "Contact: <sip:bob@"+proxy3.addr+">")
	if ack := redirect.expect("ACK"); ack.get("Via") != first.get("Via") || ack.param("To", "tag") != "r" {
		t.Errorf("ACK %s", ack)
	}
	invite := proxy3.expect("INVITE")
	if invite.uri() != "sip:bob@"+proxy3.addr || invite.body != "" || invite.seq() != first.seq()+1 || invite.get("To") != first.get("To") ||
		invite.get("Call-ID") != first.get("Call-ID") || invite.get("From") != first.get("From") {
		t.Errorf("INVITE %s after %s", invite, first)
	}
	ack := connect(proxy3, invite, testOffer, "Record-Route: "+ss1(proxy3), ss1(proxy3))
	if ack.body != testAnswer || ack.get("Content-Type") != sdpType {
		t.Errorf("ACK %s", ack)
	}
	if offer := receive(t, offers, "offer"); offer != testOffer || len(offers) > 0 {
		t.Errorf("asked to answer %q, and %d more", offer, len(offers))
	}
	if a := skipTo[Answered](t, call); string(a.Body) != testOffer {
		t.Errorf("answered with %q", a.Body)
	}
	bobHangsUp(t, proxy3, call, invite, viaBob)
	redirect.nothing()
}

// Section 3.7: Bob moves to another address while the call is up, and tells so with a
// re-INVITE from there. What Alice sends after it goes to the new address.
func TestFlowWithReinvite(t *testing.T) {
	t.Parallel()
	trunk, p := alice(t, Policy{})
	offers := make(chan string, 2)
	call := place(t, trunk, Invite{OnOffer: func(offer []byte) ([]byte, error) {
		offers <- string(offer)
		return []byte(testAnswer), nil
	}})
	invite := p.expect("INVITE")
	// The proxies do not record a route: they are not in the path of what follows.
	connect(p, invite, testAnswer, "Supported: replaces")
	skipTo[Answered](t, call)
	moved := newPeer(t, addrOf(t, trunk.e, "udp"))
	offer := strings.Replace(testOffer, "c=IN IP4 127.0.0.1", "c=IN IP4 192.0.2.100", 1)
	moved.send(moved.inside(invite, "bob", "INVITE", 14, offer))
	ok := moved.expect("200")
	if ok.body != testAnswer || ok.get("Contact") == "" || ok.get("CSeq") != "14 INVITE" {
		t.Errorf("200 %s", ok)
	}
	if got := receive(t, offers, "offer"); got != offer {
		t.Errorf("asked to answer %q", got)
	}
	moved.send(moved.inside(invite, "bob", "ACK", 14))
	call.Hangup(CauseNormal)
	bye := moved.expect("BYE")
	if bye.uri() != "sip:peer@"+moved.addr || bye.seq() != invite.seq()+1 || bye.param("To", "tag") != "bob" || len(bye.all("Route")) != 0 {
		t.Errorf("BYE %s", bye)
	}
	moved.respond(bye, "200 OK", "", "")
	if ended := next[Ended](t, call); !ended.ByUs {
		t.Errorf("ended %+v", ended)
	}
	over(t, call)
	p.nothing()
}

// Section 3.8: nobody answers, and Alice gives up.
func TestFlowNoAnswer(t *testing.T) {
	t.Parallel()
	trunk, p := alice(t, Policy{})
	call := place(t, trunk, Invite{RingTimeout: 2 * time.Second})
	invite := demand(p, p.expect("INVITE"), "atlanta")
	p.respond(invite, "100 Trying", "", "")
	p.respond(invite, "180 Ringing", "bob", "", recorded(p))
	cancel := p.expect("CANCEL")
	if cancel.get("Via") != invite.get("Via") || cancel.uri() != invite.uri() || cancel.get("To") != invite.get("To") ||
		cancel.get("From") != invite.get("From") || cancel.get("CSeq") != fmt.Sprintf("%d CANCEL", invite.seq()) ||
		!slices.Equal(cancel.all("Route"), invite.all("Route")) {
		t.Errorf("CANCEL %s of %s", cancel, invite)
	}
	p.respond(cancel, "200 OK", "", "")
	p.respond(invite, "487 Request Terminated", "bob", "")
	acknowledged(p, invite)
	refused(t, call, NoAnswer, 487, true)
	p.nothing()
}

// acknowledged takes the ACK to a failure response from Bob, which is of the INVITE's
// transaction.
func acknowledged(p *peer, invite *message) {
	p.t.Helper()
	if ack := p.expect("ACK"); ack.get("Via") != invite.get("Via") || ack.param("To", "tag") != "bob" || ack.uri() != invite.uri() ||
		ack.get("CSeq") != fmt.Sprintf("%d ACK", invite.seq()) || !slices.Equal(ack.all("Route"), invite.all("Route")) {
		p.t.Errorf("ACK %s of %s", ack, invite)
	}
}

// Sections 3.9 to 3.11: Bob is busy; his telephone does not respond, so that proxy 2
// does; it rings, and nobody is there.
func TestFlowsUnsuccessful(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		section string
		rings   bool
		status  string
		class   FailureClass
		code    int
	}{
		{"3.9 busy", false, "486 Busy Here", Busy, 486},
		{"3.10 no response from user agent", false, "480 No Response", Unreachable, 480},
		{"3.11 temporarily unavailable", true, "480 Temporarily Unavailable", NoAnswer, 480},
	} {
		t.Run(c.section, func(t *testing.T) {
			t.Parallel()
			trunk, p := alice(t, Policy{})
			call := place(t, trunk, Invite{})
			invite := demand(p, p.expect("INVITE"), "atlanta")
			p.respond(invite, "100 Trying", "", "")
			if c.rings {
				p.respond(invite, "180 Ringing", "bob", "", recorded(p))
			}
			p.respond(invite, c.status, "bob", "")
			acknowledged(p, invite)
			refused(t, call, c.class, c.code, c.rings)
			p.nothing()
		})
	}
}
