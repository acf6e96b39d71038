package sip

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/icholy/digest"
)

// guarded is a trunk with credentials, whose server has asked for them for realm "r",
// and a thief on another host. failed takes what is logged of BYEs that fail.
type guarded struct {
	t             *testing.T
	trunk         *Trunk
	server, thief *peer
	calls         chan *Call // that came in and are answered
	failed        chan string
}

func newGuarded(t *testing.T, policy Policy) *guarded {
	t.Helper()
	g := &guarded{t: t, calls: make(chan *Call, 1), failed: make(chan string, 64)}
	e := newEndpoint(t, Config{
		Logger: slog.New(slog.NewTextHandler(writerFunc(func(b []byte) {
			if strings.Contains(string(b), "BYE failed") {
				g.failed <- string(b)
			}
		}), nil)),
		Invite: func(in *Incoming) {
			c, err := in.Answer([]byte(testAnswer), nil)
			if err != nil {
				t.Error(err)
			}
			g.calls <- c
		},
	})
	g.server = newPeer(t, addrOf(t, e, "udp"))
	g.thief = newPeerAt(t, "127.0.0.2", addrOf(t, e, "udp"))
	g.trunk = newTrunk(t, e, TrunkConfig{Server: g.server.addr, Username: "account", Password: "secret", Policy: policy})
	return g
}

const challenge = `WWW-Authenticate: Digest realm="r", nonce="n"`

// dial places a call that the trunk's server takes once it has credentials, with that
// Contact in its 200.
func (g *guarded) dial(contact string) *Call {
	g.t.Helper()
	call := place(g.t, g.trunk, Invite{})
	g.server.respond(g.server.takeKind("INVITE"), "401 Unauthorized", "x", "", challenge)
	g.server.takeKind("ACK")
	g.server.respond(g.server.takeKind("INVITE"), "200 OK", "a", testAnswer, "Contact: <sip:x@"+contact+">")
	next[Answered](g.t, call)
	return call
}

// callIn is a call that comes in from the trunk's host with that Contact, and is up.
func (g *guarded) callIn(id, contact string) *Call {
	g.t.Helper()
	p := g.server
	p.send(p.newRequest("INVITE", "sip:x@127.0.0.1", id, "t", "", 1, "Contact: <sip:x@"+contact+">", testOffer))
	p.send(p.newRequest("ACK", "sip:x@127.0.0.1", id, "t", p.takeKind("200").param("To", "tag"), 1))
	return receive(g.t, g.calls, "call")
}

// keeps checks that a BYE that comes to p and is challenged there is not sent again with
// credentials.
func (g *guarded) keeps(p *peer, challenge string) {
	g.t.Helper()
	p.respond(p.takeKind("BYE"), "401 Unauthorized", "", "", challenge)
	receive(g.t, g.failed, "BYE that fails")
	p.send(p.newRequest("OPTIONS", "sip:x@127.0.0.1", "probe"+random(4), "probe", "", 1))
	for {
		m := p.take()
		if m.get("Authorization") != "" {
			g.t.Fatalf("%s", m)
		}
		if m.kind() == "200" && strings.HasPrefix(m.get("Call-ID"), "probe") {
			return
		}
	}
}

// A call names by its Contact where our requests in it go. Whoever is there and asks for
// the trunk's credentials does not get them, whoever called.
func TestCredentialsAreForTheTrunksServersAlone(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, Policy{})
	g.dial(g.thief.addr).Hangup(CauseNormal)
	g.keeps(g.thief, challenge)
	g.callIn("in", g.thief.addr).Hangup(CauseNormal)
	g.keeps(g.thief, challenge)
	g.callIn("other", g.server.addr).Hangup(CauseNormal)
	g.keeps(g.server, `WWW-Authenticate: Digest realm="thief", nonce="n"`)

	// The trunk's own server gets them, on calls of either direction.
	for _, c := range []func() *Call{
		func() *Call { return g.dial(g.server.addr) },
		func() *Call { return g.callIn("good", g.server.addr) },
	} {
		c().Hangup(CauseNormal)
		g.server.respond(g.server.takeKind("BYE"), "401 Unauthorized", "", "", challenge)
		bye := g.server.takeKind("BYE")
		for bye.get("Authorization") == "" { // retransmitted
			bye = g.server.takeKind("BYE")
		}
		credentials(t, bye, "Authorization", digest.Challenge{Realm: "r", Nonce: "n"}, "secret")
		g.server.respond(bye, "200 OK", "", "")
	}
}

// Before the trunk's server has asked for credentials, calls that come in get none.
func TestCallsInTeachNoRealm(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, Policy{})
	g.callIn("in", g.server.addr).Hangup(CauseNormal)
	g.keeps(g.server, challenge)
}

// A host that may be called after a redirection may not have the trunk's credentials.
func TestCredentialsAreNotRedirected(t *testing.T) {
	t.Parallel()
	g := newGuarded(t, Policy{Redirect: RedirectFollow, RedirectHosts: []string{"127.0.0.2"}})
	call := place(t, g.trunk, Invite{})
	g.server.respond(g.server.expect("INVITE"), "302 Moved", "x", "", "Contact: <sip:+4930@"+g.thief.addr+">")
	g.thief.respond(g.thief.expect("INVITE"), "401 Unauthorized", "x", "", challenge)
	if f := next[Failed](t, call); f.Status != 401 || !errors.Is(f.Err, ErrCredentials) {
		t.Errorf("%+v", f)
	}
	g.thief.expect("ACK")
	g.thief.nothing()
}
