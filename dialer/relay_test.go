package dialer_test

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/api"
)

// elsewhere is a place that the configuration does not name, and that must not hear
// from us.
func elsewhere(t *testing.T) (at netip.AddrPort, heard func() string) {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 9)})
	if err != nil {
		t.Fatal(err)
	}
	at = conn.LocalAddr().(*net.UDPAddr).AddrPort()
	stream, err := net.Listen("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 100)
	ended := make(chan struct{}, 2)
	t.Cleanup(func() {
		_, _ = conn.Close(), stream.Close()
		<-ended
		<-ended
	})
	go func() {
		defer func() { ended <- struct{}{} }()
		for b := make([]byte, 1<<16); ; {
			n, _, err := conn.ReadFromUDP(b)
			if err != nil {
				return
			}
			got <- string(b[:n])
		}
	}()
	go func() {
		defer func() { ended <- struct{}{} }()
		for {
			c, err := stream.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
			got <- "a connection"
		}
	}()
	return at, func() string {
		select {
		case m := <-got:
			return m
		default:
			return ""
		}
	}
}

// relayTry is a request outside of any dialog that asks for a way to elsewhere.
func relayTry(method, here, from string, at netip.AddrPort) string {
	return strings.NewReplacer("METHOD", method, "HERE", here, "FROM", from, "ELSE", at.String(), "\n", "\r\n").Replace(`METHOD sip:+442079460000@ELSE SIP/2.0
Via: SIP/2.0/UDP HERE;rport;branch=z9hG4bKMETHODFROM
Route: <sip:127.0.0.1;lr>, <sip:ELSE;lr>
Record-Route: <sip:ELSE;lr>
Max-Forwards: 70
From: <sip:FROM@127.0.0.1>;tag=s
To: <sip:+442079460000@ELSE>
Call-ID: METHOD-FROM-relay
CSeq: 1 METHOD
Contact: <sip:x@ELSE>
Refer-To: <sip:+442079460000@ELSE>
Event: presence
Content-Length: 0

`)
}

var outsideDialogs = []string{"INVITE", "OPTIONS", "MESSAGE", "SUBSCRIBE", "REFER", "NOTIFY", "PUBLISH", "INFO", "UPDATE", "REGISTER", "BYE", "CANCEL", "ACK", "PRACK"}

// TestNothingLeavesForElsewhere records every address that a daemon sends to while a call
// is up, strangers ask it to pass on requests of every kind, and an agent asks for
// transfers and calls to all sorts of targets: those are the carrier, the PBX, and
// strangers who are answered where they are.
func TestNothingLeavesForElsewhere(t *testing.T) {
	t.Parallel()
	for _, strangers := range []string{"reject", "silent"} {
		t.Run(strangers, func(t *testing.T) {
			t.Parallel()
			c := newCollector(t, "tcp")
			h := build(t, plan{
				Agents: 2, NoLogin: true, AgentSet: "wrap_up: 20s", Strangers: strangers,
				Trace: c.settings(), Global: `transfer: {extensions: [10XX], external: true, prefixes: ["+120255501"]}`,
			})
			h.logIn("a1001") // alone, so that the call is theirs
			h.load(0, 1)
			h.awaitAgent("a1001", api.AgentTalking)
			h.logIn("a1002")
			at, heard := elsewhere(t)
			here, _ := h.daemon.SIPAddr("udp")

			s := newStranger(h, t)
			for _, method := range outsideDialogs {
				if _, err := fmt.Fprint(s.conn, relayTry(method, s.conn.LocalAddr().String(), "x", at)); err != nil {
					t.Fatal(err)
				}
			}
			h.answersTo(s, strangers)

			// An agent with a customer, by whatever way they ask.
			for _, to := range []string{
				"911", "+442079460000", "00442079460000", "+12025559999", "x@" + at.String(), "sip:1002@" + at.String(), "1002@" + at.String(),
				"1002;maddr=" + at.Addr().String(), "1002%40" + at.String(), "1002\r\nRoute: <sip:" + at.String() + ";lr>", "1002?Route=%3Csip:" + at.String() + "%3E",
				"+12025550107@" + at.String(), "+12025550107;maddr=127.0.0.9", "10XX", "1001", "１００２", "tel:+442079460000", "", " ", "*72" + "442079460000",
			} {
				if _, err := h.daemon.Transfer(t.Context(), "a1001", to); !errors.Is(err, api.ErrInvalid) && !errors.Is(err, api.ErrConflict) {
					t.Errorf("transfer to %q: %v", to, err)
				}
				if _, err := h.line("1001").Refer(t.Context(), to, nil); err == nil {
					t.Errorf("the phone transfers to %q", to)
				}
				if line, err := h.pbx.Extension("1001").Consult(t.Context(), to); err == nil {
					line.Hangup()
					t.Errorf("the phone calls %q", to)
				}
			}
			if s := h.agent("a1001"); s.State != api.AgentTalking {
				t.Errorf("agent is %s", s.State)
			}
			if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
				t.Fatal(err)
			}
			h.await("the BYE", func() bool { return len(c.messages(h.carrier.Addr(), "BYE ")) > 0 })

			allowed := map[netip.AddrPort]bool{h.carrier.Addr(): true, h.pbx.Addr(): true, netip.MustParseAddrPort(s.conn.LocalAddr().String()): true}
			targets := c.targets(here)
			for to, n := range targets {
				if !allowed[to] {
					t.Errorf("%d messages were sent to %s", n, to)
				}
			}
			if len(targets) != len(allowed) {
				t.Errorf("messages were sent to %v, want %v", targets, allowed)
			}
			if m := heard(); m != "" {
				t.Errorf("elsewhere got %s", m)
			}
			if report := h.carrier.Report(); report.Calls != 1 {
				t.Errorf("the carrier had %d calls", report.Calls)
			}
		})
	}
}

// answersTo holds how a stranger's requests are answered: all of them, or none.
func (h *house) answersTo(s *stranger, strangers string) {
	h.t.Helper()
	want := map[string]string{
		"INVITE": "403", "OPTIONS": "200", "MESSAGE": "405", "SUBSCRIBE": "405", "REFER": "403", "NOTIFY": "481", "PUBLISH": "405",
		"INFO": "481", "UPDATE": "481", "REGISTER": "403", "BYE": "481", "CANCEL": "481", "PRACK": "481",
	}
	if strangers == "silent" {
		want = map[string]string{"BYE": "481"}
		s.sendTo("BYE", "x", ";tag=x") // of a dialog that there is not: answered after the others would have been
	}
	got := map[string]string{}
	_ = s.conn.SetReadDeadline(time.Now().Add(patience))
	for b := make([]byte, 4096); len(got) < len(want); {
		n, err := s.conn.Read(b)
		if err != nil {
			h.t.Fatalf("answered %v: %v", got, err)
		}
		_, rest, _ := strings.Cut(string(b[:n]), "CSeq: 1 ")
		method, _, _ := strings.Cut(rest, "\r\n")
		if status := strings.Fields(string(b[:n]))[1]; status >= "200" {
			got[method] = status
		}
	}
	if !maps.Equal(got, want) {
		h.t.Errorf("a stranger was answered %v, want %v", got, want)
	}
}
