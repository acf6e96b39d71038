package sip

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"ringpace/sip/defence"
	"ringpace/sip/registrar"
)

// kept is a registrar.Keeper that has had its contacts since before a restart.
type kept []registrar.Entry

func (k kept) Load(context.Context) ([]registrar.Entry, error) { return k, nil }
func (k kept) Save(context.Context, []registrar.Entry) error   { return nil }

// Telephones that a restart has kept registered are no strangers: their calls are
// heard where strangers get silence.
func TestPhoneKeptOverARestartIsHeard(t *testing.T) {
	t.Parallel()
	p := newPeer(t, "127.0.0.1:9")
	source := netip.MustParseAddrPort(p.addr)
	users, err := registrar.New(registrar.Config{
		Credentials: func(string) (string, bool) { return "secret", true }, MaxExpires: 24 * time.Hour,
		Keeper: kept{{User: "100", Contacts: []registrar.Contact{{
			URI: "sip:100@192.0.2.1", Source: source, Addr: source, Transport: "udp", Expires: time.Now().Add(20 * time.Hour),
		}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(users.Close)
	if err := users.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	g := newTestGuard(t, func(c *defence.Config) { c.Silence, c.Registers = true, true })
	e := newEndpoint(t, Config{Defence: g, Registrar: users, Invite: func(in *Incoming) { in.Reject(486, "Busy Here") }})
	p.redirect(net.UDPAddrFromAddrPort(mustAddr(addrOf(t, e, "udp"))))
	p.send(p.newRequest("INVITE", "sip:1@lab", "i1", "t", "", 1))
	p.takeKind("486")
}

// Telephones ask for what we do not have (message-summary, BLF), again and again:
// that is no reason to ban the office.
func TestUnknownMethodsBanNobody(t *testing.T) {
	t.Parallel()
	g := newTestGuard(t, func(c *defence.Config) { c.Refusals = 3 })
	e := newEndpoint(t, Config{Defence: g})
	p := newPeer(t, addrOf(t, e, "udp"))
	for i := range 6 {
		p.send(p.newRequest("SUBSCRIBE", "sip:1@lab", fmt.Sprint("s", i), "t", "", 1, "Event: message-summary"))
		p.expect("405")
	}
	if b, banned := g.Banned(loopback); banned {
		t.Errorf("the office is banned: %+v", b)
	}
}

// In a flood of strangers, calls with somebody whose address is nobody's we know
// still end as they should.
func TestOwnCallsOutliveAFlood(t *testing.T) {
	t.Parallel()
	g := newTestGuard(t, nil)
	incoming := make(chan *Incoming, 1)
	e := newEndpoint(t, Config{Defence: g, Invite: func(in *Incoming) { incoming <- in }})
	p := newPeer(t, addrOf(t, e, "udp"))
	answer := func(id string) (*Call, *message) {
		p.send(p.newRequest("INVITE", "sip:100@127.0.0.1", id, "f", "", 1, testOffer))
		call := accept(t, receive(t, incoming, "INVITE"), testAnswer)
		ok := p.takeKind("200")
		p.send(p.ack(ok))
		return call, ok
	}
	theirs, ok := answer("theirs")
	ours, _ := answer("ours")
	flood := defence.Default()
	flood.Total = 0.5 // as if others had used it up: not one message of a stranger passes
	if err := g.Set(flood); err != nil {
		t.Fatal(err)
	}
	p.send(p.newRequest("BYE", "sip:100@127.0.0.1", "theirs", "f", ok.param("To", "tag"), 2))
	p.expect("200")
	next[Ended](t, theirs)
	ours.Hangup(CauseNormal)
	bye := p.expect("BYE")
	p.respond(bye, "200 OK", "", "")
	next[Ended](t, ours)
	over(t, ours)
	if n := g.Stats().Dropped[defence.Total]; n != 0 {
		t.Errorf("%d messages of our own calls were dropped with the strangers'", n)
	}
	p.send(p.newRequest("BYE", "sip:100@127.0.0.1", "theirs", "f", "invented", 3))
	eventually(t, "a request for no call of ours to be dropped", func() bool { return g.Stats().Dropped[defence.Total] == 1 })
}
