package sip

import (
	"net"
	"net/netip"
	"testing"

	sipgo "github.com/emiago/sipgo/sip"
)

func TestNATTurns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		nat          NAT
		host, source string
		want         bool
	}{
		{NATAuto, "10.1.2.3", "203.0.113.5", true},
		{NATAuto, "172.31.0.1", "203.0.113.5", true},
		{NATAuto, "192.168.1.1", "203.0.113.5", true},
		{NATAuto, "100.64.0.1", "203.0.113.5", true},
		{NATAuto, "127.0.0.1", "203.0.113.5", true},
		{NATAuto, "169.254.3.4", "203.0.113.5", true},
		{NATAuto, "[fd00::1]", "2001:db8::5", true},
		{NATAuto, "fe80::1", "2001:db8::5", true},
		{NATAuto, "172.32.0.1", "203.0.113.5", false},
		{NATAuto, "100.128.0.1", "203.0.113.5", false},
		{NATAuto, "198.51.100.1", "203.0.113.5", false},    // another public one: the carrier's other node
		{NATAuto, "192.168.1.1", "192.168.1.9", false},     // all in one network
		{NATAuto, "10.0.0.1", "127.0.0.1", false},          // all on one machine
		{NATAuto, "10.0.0.1", "100.64.0.9", false},         // behind the same carrier's NAT
		{NATAuto, "pbx.example.com", "203.0.113.5", false}, // a name is looked up
		{NATAlways, "pbx.example.com", "192.168.1.9", true},
		{NATNever, "10.1.2.3", "203.0.113.5", false},
	} {
		if got := c.nat.turns(c.host, netip.MustParseAddr(c.source)); got != c.want {
			t.Errorf("%s %s from %s: %t", c.nat, c.host, c.source, got)
		}
	}
}

// A dialog whose far side is behind a NAT: requests go to the public address, and follow
// its port, while the Request-URI stays what the Contact says (RFC 3261 section 12.2.1.1).
func TestDialogBehindNAT(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, Config{})
	public := mustAddr("203.0.113.5:5060")
	d := &dialog{
		path:   path{transport: "udp", local: mustAddr(addrOf(t, e, "udp")), fallback: public, nat: NATAuto},
		callID: "x", target: sipgo.Uri{Scheme: "sip", User: "a", Host: "192.168.7.7", Port: 5062},
	}
	sent := func() (uri, to string) {
		req := d.request(e, sipgo.BYE, d.nextSeq())
		if err := d.hop(t.Context(), e, req); err != nil {
			t.Fatal(err)
		}
		return req.Recipient.Host, req.Destination()
	}
	if uri, to := sent(); uri != "192.168.7.7" || to != public.String() {
		t.Errorf("%s at %s", uri, to)
	}
	in := sipgo.NewRequest(sipgo.INFO, d.target)
	in.SetTransport("UDP")
	for _, c := range []struct{ source, want string }{
		{"203.0.113.5:40000", "203.0.113.5:40000"}, // bound anew
		{"198.51.100.9:5060", "203.0.113.5:40000"}, // somebody else
	} {
		in.SetSource(c.source)
		d.moved(in)
		if _, to := sent(); to != c.want {
			t.Errorf("after %s: at %s", c.source, to)
		}
	}
	d.path.nat = NATNever
	if _, to := sent(); to != "192.168.7.7:5062" {
		t.Errorf("never: at %s", to)
	}
	d.path.nat, d.routes = NATAuto, []sipgo.Uri{{Scheme: "sip", Host: "198.51.100.1"}}
	if _, to := sent(); to != "198.51.100.1:5060" {
		t.Errorf("routed: at %s", to)
	}
}

// Calls out and in whose Contact swallows what it gets.
func TestCallsBehindNAT(t *testing.T) {
	t.Parallel()
	hole, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = hole.Close() })
	contact := "Contact: <sip:peer@" + hole.LocalAddr().String() + ">"
	calls := make(chan *Call, 1)
	e := newEndpoint(t, Config{Invite: func(in *Incoming) {
		c, err := in.Answer([]byte(testAnswer), nil)
		if err != nil {
			t.Error(err)
		}
		calls <- c
	}})
	p := newPeer(t, addrOf(t, e, "udp"))
	trunk := newTrunk(t, e, TrunkConfig{Server: p.addr, NAT: NATAlways})

	call := place(t, trunk, Invite{})
	p.respond(p.expect("INVITE"), "200 OK", "a", testAnswer, contact)
	p.takeKind("ACK")
	next[Answered](t, call)
	call.Hangup(CauseNormal)
	p.respond(p.takeKind("BYE"), "200 OK", "", "")
	next[Ended](t, call)

	// One that was cancelled, and answered all the same.
	call = place(t, trunk, Invite{})
	invite := p.takeKind("INVITE")
	p.respond(invite, "180 Ringing", "a", "")
	next[Progress](t, call)
	call.Hangup(CauseNormal)
	p.respond(p.takeKind("CANCEL"), "200 OK", "a", "")
	p.respond(invite, "200 OK", "a", testAnswer, contact)
	p.takeKind("ACK")
	p.respond(p.takeKind("BYE"), "200 OK", "", "")
	next[Failed](t, call)

	p.send(p.newRequest("INVITE", "sip:us@"+addrOf(t, e, "udp"), "in1", "far", "", 1, contact, testOffer))
	ok := p.takeKind("200")
	p.send(p.newRequest("ACK", "sip:us@"+addrOf(t, e, "udp"), "in1", "far", ok.param("To", "tag"), 1))
	in := receive(t, calls, "call")
	in.Hangup(CauseNormal)
	p.respond(p.takeKind("BYE"), "200 OK", "", "")
	next[Ended](t, in)
}
