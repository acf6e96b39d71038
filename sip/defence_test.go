package sip

import (
	"fmt"
	"strings"
	"testing"

	"ringpace/sip/defence"
)

func newTestGuard(t *testing.T, change func(*defence.Config)) *defence.Guard {
	t.Helper()
	cfg := defence.Default()
	if change != nil {
		change(&cfg)
	}
	g, err := defence.New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// knock is an OPTIONS of a stranger at that address.
func knock(from, callID string) string {
	return "OPTIONS sip:ringpace SIP/2.0\r\nVia: SIP/2.0/UDP " + from + ";branch=z9hG4bK" + callID + ";rport\r\n" +
		"From: <sip:x@example.com>;tag=1\r\nTo: <sip:ringpace>\r\nCall-ID: " + callID + "\r\nCSeq: 1 OPTIONS\r\n" +
		"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
}

func TestTrunksServerIsTrustedOnceFound(t *testing.T) {
	g := newTestGuard(t, func(c *defence.Config) { c.Silence, c.Burst = true, 1 })
	e := newEndpoint(t, Config{Defence: g})
	p := newPeer(t, addrOf(t, e, "udp"))
	p.send(knock(p.addr, "a"))
	eventually(t, "silence for a stranger", func() bool { return g.Stats().Dropped[defence.Stranger] == 1 })
	trunk := newTrunk(t, e, TrunkConfig{Server: p.addr})
	c := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	p.respond(invite, "486 Busy Here", "1", "")
	p.expect("ACK")
	skipTo[Failed](t, c)
	for i := range 5 {
		p.send(knock(p.addr, fmt.Sprint("b", i)))
		p.expect("200")
	}
}

// Somebody who tries one number after the other is refused each time, and soon not
// even heard.
func TestProbesLeadToABan(t *testing.T) {
	g := newTestGuard(t, func(c *defence.Config) { c.Refusals = 5 })
	e := newEndpoint(t, Config{Defence: g, Invite: func(in *Incoming) { in.Reject(403, "Forbidden") }})
	p := newPeer(t, addrOf(t, e, "udp"))
	for i := range 5 {
		if _, banned := g.Banned(loopback); banned {
			t.Fatalf("banned after %d", i)
		}
		p.send(p.newRequest("INVITE", "sip:0044"+fmt.Sprint(i)+"@127.0.0.1", fmt.Sprint("probe", i), "t", "", 1,
			"Contact: <sip:x@"+p.addr+">"))
		for m := p.take(); m.kind() != "403" || m.get("Call-ID") != fmt.Sprint("probe", i); m = p.take() {
		}
	}
	if b, _ := g.Banned(loopback); b.Reason != defence.Refused {
		t.Errorf("ban %+v", b)
	}
	p.send(knock(p.addr, "after"))
	eventually(t, "silence", func() bool { return g.Stats().Dropped[defence.Banned] > 0 })
	if !g.Lift(loopback) {
		t.Error("not lifted")
	}
	p.send(knock(p.addr, "again"))
	for m := p.take(); m.kind() != "200"; m = p.take() {
	}
}

// A request that asks to be passed on, by its Request-URI or by Route, goes nowhere.
func TestNothingIsRelayed(t *testing.T) {
	e := newEndpoint(t, Config{Defence: newTestGuard(t, nil), Invite: func(in *Incoming) { in.Reject(404, "Not Found") }})
	elsewhere := newPeer(t, addrOf(t, e, "udp"))
	p := newPeer(t, addrOf(t, e, "udp"))
	for i, method := range []string{"INVITE", "OPTIONS", "REGISTER", "MESSAGE", "SUBSCRIBE", "BYE", "REFER"} {
		extra := []string{"Route: <sip:" + elsewhere.addr + ";lr>", "Contact: <sip:x@" + p.addr + ">", "Refer-To: <sip:y@" + elsewhere.addr + ">"}
		p.send(p.newRequest(method, "sip:+44900@"+elsewhere.addr, fmt.Sprint("relay", i), "t", "", 1, extra...))
	}
	answered := map[string]bool{}
	for len(answered) < 7 {
		if m := p.take(); !strings.HasPrefix(m.kind(), "1") {
			answered[m.get("Call-ID")] = true
			if m.kind() == "200" && !strings.HasSuffix(m.get("CSeq"), "OPTIONS") {
				t.Errorf("%s was accepted", m.get("CSeq"))
			}
		}
	}
	select {
	case m := <-elsewhere.in:
		t.Errorf("passed on: %s", m)
	default:
	}
}
