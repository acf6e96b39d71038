package dialer_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/config"
)

// forger sends INVITEs in the name of whoever is at the host of the tests, trunk and PBX,
// and never an ACK: as from a forged source address, it makes nothing of what comes back.
type forger struct {
	h    *house
	conn net.Conn
	rang bool // an INVITE of theirs was answered with 180
}

// request is one inside the dialog of an INVITE; to is To as in the answer, "" for none.
func (f *forger) request(method, uri, id, from, to string, seq int, extra string) {
	if to == "" {
		to = "<sip:x@127.0.0.1>"
	}
	fmt.Fprintf(f.conn, "%s sip:%s@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/%s 127.0.0.1;rport;branch=z9hG4bK%s%s\r\nMax-Forwards: 70\r\nFrom: <sip:%s@127.0.0.1>;tag=x\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\nContact: <sip:x@%s>\r\n%s",
		method, uri, strings.ToUpper(f.conn.LocalAddr().Network()), method, id, from, to, id, seq, method, f.conn.LocalAddr(), extra)
}

func (h *house) newForger() *forger {
	h.t.Helper()
	return h.newForgerAt(h.cfg.SIP.Listen[0])
}

func (h *house) newForgerAt(listener config.Listen) *forger {
	h.t.Helper()
	c, err := net.Dial(listener.Transport, listener.Addr.String())
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { c.Close() })
	return &forger{h: h, conn: c}
}

// invite sends one, and waits until it is answered with 200, or refused, which is told.
func (f *forger) invite(from, to string) (status string) {
	f.h.t.Helper()
	const sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0 8\r\n"
	id := fmt.Sprintf("forged%d", time.Now().UnixNano())
	f.request("INVITE", to, id, from, "", 1, fmt.Sprintf("Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", len(sdp), sdp))
	_ = f.conn.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 4096)
	for {
		n, err := f.conn.Read(b)
		if err != nil {
			f.h.t.Fatalf("no answer: %v", err)
		}
		for _, m := range strings.SplitAfter(string(b[:n]), "\r\n\r\n") {
			if !strings.Contains(m, id) || !strings.HasPrefix(m, "SIP/2.0 ") {
				continue
			}
			status = m[len("SIP/2.0 "):][:3]
			f.rang = f.rang || status == "180"
			if status < "200" {
				continue
			}
			_, to, _ := strings.Cut(m, "\r\nTo: ")
			to, _, _ = strings.Cut(to, "\r\n")
			if status == "200" {
				f.h.t.Cleanup(func() { f.confess(id, from, to) })
			}
			return status
		}
	}
}

// confess ACKs the answer after all, and takes the BYE that has waited for it: the daemon
// would not end before.
func (f *forger) confess(id, from, to string) {
	f.request("ACK", "x", id, from, to, 1, "Content-Length: 0\r\n\r\n")
	_ = f.conn.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 4096)
	for {
		n, err := f.conn.Read(b)
		if err != nil {
			f.h.t.Errorf("no BYE: %v", err)
			return
		}
		if m := string(b[:n]); strings.HasPrefix(m, "BYE ") && strings.Contains(m, id) {
			_, headers, _ := strings.Cut(m, "\r\n")
			fmt.Fprintf(f.conn, "SIP/2.0 200 OK\r\n%s", headers)
			return
		}
	}
}

// A feature code is obeyed for a phone that hears us, and not for whoever writes its
// PBX's address into a packet.
func TestForgedFeatureCodeIsNotObeyed(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, SIPPort: freePort(t), NoCalls: true})
	h.awaitAgent("a1001", api.AgentReady)
	if status := h.newForger().invite("1001", "*14"); status != "200" {
		t.Fatalf("answered with %s", status)
	}
	h.await("the end of the call that nobody confirmed", func() bool { return strings.Contains(h.log.String(), "an agent's call cannot be answered") })
	if s := h.agent("a1001"); s.State != api.AgentReady {
		t.Errorf("the agent is %s", s.State)
	}
}

// TestForgedLogInTakesNoLeg has somebody dial the log-in code in the name of an agent who
// talks with a customer: the conversation goes on.
func TestForgedLogInTakesNoLeg(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, SIPPort: freePort(t), Tones: true, AgentSet: "wrap_up: 0s, call_back: true"})
	x := h.pbx.Extension("1001")
	h.firstTalk()
	if status := h.newForger().invite("1001", "*11"); status != "200" {
		t.Fatalf("answered with %s", status)
	}
	h.await("the end of the call that nobody confirmed", func() bool { return strings.Contains(h.log.String(), "an agent's call cannot be answered") })
	if !x.Up() || x.Served() != 1 || h.state("a1001") != api.AgentTalking {
		t.Errorf("leg up: %v, called %d times, agent %s", x.Up(), x.Served(), h.state("a1001"))
	}
	h.customerHears(phoneHz, true)
}

// TestForgedCallGetsNoAgent has somebody call an official number in the trunk's name: no
// agent is joined with the caller who does not hear us, and the agent is free again while
// the caller may still confirm.
func TestForgedCallGetsNoAgent(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, SIPPort: freePort(t), Tones: true, NoCalls: true, AgentSet: "wrap_up: 0s"})
	h.awaitAgent("a1001", api.AgentReady)
	if status := h.newForger().invite("+12025550177", official); status != "200" {
		t.Fatalf("answered with %s", status)
	}
	c := h.callIn(number(5))
	h.awaitAgent("a1001", api.AgentTalking)
	h.hears("the caller", c.Hears, phoneHz, true)
	c.Hangup()
	h.await("two records", func() bool { return len(h.inbounds()) == 2 })
	for _, r := range h.inbounds() {
		if r.Number == "+12025550177" && (r.Bridged() || r.Agent != "") {
			t.Errorf("record %+v", r)
		}
	}
}

// TestForgedCallRingsNoTelephone has somebody call in the names of the trunk and of the
// PBX where telephones would have to ring first: an agent's, and those that an agent may
// dial. None does, and a colleague stays free for others.
func TestForgedCallRingsNoTelephone(t *testing.T) {
	t.Parallel()
	h := build(t, plan{
		Agents: 2, Phones: 1, SIPPort: freePort(t), NoCalls: true, AgentSet: "mode: ring, wrap_up: 0s",
		Global: "transfer: {extensions: [10XX]}",
	})
	h.awaitAgent("a1001", api.AgentReady)
	h.awaitAgent("a1002", api.AgentReady)
	for _, call := range [][2]string{{"+12025550177", official}, {"1001", "1003"}, {"1001", "1002"}} {
		if status := h.newForger().invite(call[0], call[1]); status != "200" {
			t.Fatalf("%s to %s answered with %s", call[0], call[1], status)
		}
	}
	h.await("the ends of the calls that nobody confirmed", func() bool {
		return strings.Count(h.log.String(), "a call inside was given up") == 2 && len(h.inbounds()) == 1
	})
	for _, to := range []string{"1001", "1002", "1003"} {
		if n := h.pbx.Extension(to).Served(); n != 0 {
			t.Errorf("%s was called %d times", to, n)
		}
	}
	for _, id := range []string{"a1001", "a1002"} {
		if s := h.state(id); s != api.AgentReady {
			t.Errorf("agent %s is %s", id, s)
		}
	}
}
