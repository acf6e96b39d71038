package sip

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// referred has the far side of an answered call send REFER.
func referred(t *testing.T, extra ...string) (*peer, *Call, *message, *Referral) {
	t.Helper()
	_, p, call, invite := answered(t, TrunkConfig{}, Invite{})
	p.send(p.inside(invite, "a", "REFER", 1, extra...))
	return p, call, invite, next[Referred](t, call).Referral
}

func (p *peer) notified(state, line string) *message {
	p.t.Helper()
	n := p.expect("NOTIFY")
	if n.get("Subscription-State") != state || n.body != line+"\r\n" || n.get("Content-Type") != "message/sipfrag;version=2.0" || n.get("Contact") == "" {
		p.t.Errorf("NOTIFY %s, want %s, %s", n, state, line)
	}
	return n
}

const active = "active;expires=180"

func TestBlindTransfer(t *testing.T) {
	t.Parallel()
	p, call, invite, r := referred(t, "Refer-To: <sip:1002@pbx.example>", "Referred-By: <sip:1001@pbx.example>")
	if _, attended := r.Replaces(); attended || r.Target() != "1002" || r.URI() != "sip:1002@pbx.example" || r.By() != "<sip:1001@pbx.example>" {
		t.Errorf("%+v", r)
	}
	if err := r.Accept(); err != nil {
		t.Fatal(err)
	}
	if res := p.expect("202"); res.get("Contact") == "" {
		t.Errorf("%s", res)
	}
	if err := r.Accept(); !errors.Is(err, ErrEnded) {
		t.Errorf("accepted twice: %v", err)
	}
	first := p.notified(active, "SIP/2.0 100 Trying")
	if first.get("Event") != "refer" {
		t.Errorf("%s", first)
	}
	// News that come before the first is answered wait, and only the latest is told.
	r.Progress(180, "Ringing")
	r.Progress(183, "")
	p.nothing()
	p.respond(first, "200 OK", "", "")
	p.respond(p.notified(active, "SIP/2.0 183 Session Progress"), "200 OK", "", "")

	// A second one has its subscription apart.
	p.send(p.inside(invite, "a", "REFER", 2, "r: sip:1003@pbx.example", "Refer-Sub: false"))
	quiet := next[Referred](t, call)
	if err := quiet.Accept(); err != nil {
		t.Fatal(err)
	}
	if res := p.expect("202"); res.get("Refer-Sub") != "false" {
		t.Errorf("%s", res)
	}
	quiet.Progress(200, "OK")
	p.nothing()
	p.send(p.inside(invite, "a", "REFER", 3, "Refer-To: <sip:1004@pbx.example>"))
	third := next[Referred](t, call)
	if err := third.Accept(); err != nil {
		t.Fatal(err)
	}
	p.expect("202")
	n := p.notified(active, "SIP/2.0 100 Trying")
	if n.get("Event") != "refer;id=3" {
		t.Errorf("%s", n)
	}
	p.respond(n, "481 Subscription Does Not Exist", "", "")
	r.Progress(200, "OK\r\nX: y")
	p.respond(p.notified("terminated;reason=noresource", "SIP/2.0 200 OK"), "200 OK", "", "")
	r.Progress(200, "OK")
	p.nothing()
	p.respondAndEnd(call)
}

// A phone hangs up as soon as its transfer is under way, and still wants to know.
func TestTransferOutlivesTheCall(t *testing.T) {
	t.Parallel()
	p, call, invite, r := referred(t, "Refer-To: <sip:1002@h?Replaces=x%40y%3Bto-tag%3D1%3Bfrom-tag%3D2>")
	if id, attended := r.Replaces(); !attended || id != (ReplacesID{CallID: "x@y", ToTag: "1", FromTag: "2"}) {
		t.Errorf("%+v", id)
	}
	if err := r.Accept(); err != nil {
		t.Fatal(err)
	}
	p.expect("202")
	p.respond(p.notified(active, "SIP/2.0 100 Trying"), "200 OK", "", "")
	p.send(p.inside(invite, "a", "BYE", 2))
	p.expect("200")
	next[Ended](t, call)
	over(t, call)
	r.Progress(180, "Ringing")
	first := p.notified(active, "SIP/2.0 180 Ringing")
	p.respond(first, "200 OK", "", "")
	r.Progress(486, "Busy Here")
	last := p.notified("terminated;reason=noresource", "SIP/2.0 486 Busy Here")
	p.respond(last, "200 OK", "", "")
	if last.seq() != first.seq()+1 {
		t.Errorf("NOTIFY %d after %d", last.seq(), first.seq())
	}
	r.Progress(200, "OK")
	p.nothing()
}

func TestTransferRefused(t *testing.T) {
	t.Parallel()
	p, call, invite, r := referred(t, "Refer-To: <sip:1002@h>")
	r.Reject(403)
	p.expect("403")
	r.Progress(200, "OK")
	for i, c := range []struct{ header, want string }{
		{"Subject: none", "400"},
		{"Refer-To: <sip:1@h>\r\nRefer-To: <sip:2@h>", "400"},
		{"Refer-To: <mailto:x@y>", "400"},
		{"Refer-To: <sip:1@h;method=BYE>", "603"},
		{"Refer-To: <sip:1@h>\r\nRequire: gruu", "420"},
	} {
		p.send(p.inside(invite, "a", "REFER", 10+i, c.header))
		p.expect(c.want)
	}
	// The call ends before anybody has decided.
	p.send(p.inside(invite, "a", "REFER", 20, "Refer-To: <sip:1002@h>"))
	late := next[Referred](t, call)
	p.send(p.inside(invite, "a", "BYE", 21))
	if kind := p.take().kind() + " " + p.take().kind(); kind != "200 481" && kind != "481 200" {
		t.Errorf("BYE and REFER get %s", kind)
	}
	if err := late.Accept(); !errors.Is(err, ErrEnded) {
		t.Errorf("%v", err)
	}
	late.Progress(200, "OK")
	next[Ended](t, call)
	p.send(p.newRequest("REFER", "sip:x@y", "nodialog", "f", "", 1, "Refer-To: <sip:1@h>"))
	p.expect("403")
}

// Nobody takes it: it is declined.
func TestTransferIsNotTaken(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	trunk.e.second = testSecond
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	p.respond(invite, "180 Ringing", "a", "")
	next[Progress](t, call)
	p.send(p.inside(invite, "a", "REFER", 1, "Refer-To: <sip:1002@h>"))
	p.expect("603")
	p.respond(invite, "200 OK", "a", testAnswer)
	p.expect("ACK")
	next[Answered](t, call)
	p.send(p.inside(invite, "a", "REFER", 2, "Refer-To: <sip:1002@h>"))
	p.expect("603")
	if err := next[Referred](t, call).Accept(); !errors.Is(err, ErrEnded) {
		t.Errorf("%v", err)
	}
	p.respondAndEnd(call)
}

func TestSendDigit(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{Username: "u", Password: "p"})
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	if err := call.SendDigit(t.Context(), '5', 160*time.Millisecond); !errors.Is(err, ErrEarly) {
		t.Errorf("%v", err)
	}
	p.respond(invite, "200 OK", "a", testAnswer)
	p.expect("ACK")
	next[Answered](t, call)
	failed := make(chan error, 1)
	send := func(digit rune) { go func() { failed <- call.SendDigit(t.Context(), digit, 160*time.Millisecond) }() }
	send('#')
	info := p.expect("INFO")
	if info.body != "Signal=#\r\nDuration=160\r\n" || info.get("Content-Type") != "application/dtmf-relay" {
		t.Errorf("%s", info)
	}
	p.respond(info, "401 Unauthorized", "", "", `WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"`)
	again := p.expect("INFO")
	if again.seq() != info.seq()+1 || !strings.Contains(again.get("Authorization"), `nonce="n"`) {
		t.Errorf("%s", again)
	}
	p.respond(again, "200 OK", "", "")
	if err := receive(t, failed, "end of INFO"); err != nil {
		t.Error(err)
	}
	send('1')
	p.respond(p.expect("INFO"), "415 Unsupported Media Type", "", "")
	if err := receive(t, failed, "end of INFO"); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
	if err := call.SendDigit(t.Context(), 'x', time.Second); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
	if err := call.SendInfo(t.Context(), "text/plain\r\nX: y", nil); !errors.Is(err, ErrHeader) {
		t.Error(err)
	}
	p.respondAndEnd(call)
	over(t, call)
	if err := call.SendDigit(t.Context(), '5', time.Second); !errors.Is(err, ErrEnded) {
		t.Error(err)
	}
}

// TestRefer holds that we ask the far side for transfers as RFC 3515 says, and take its
// news.
func TestRefer(t *testing.T) {
	t.Parallel()
	_, p, call, invite := answered(t, TrunkConfig{}, Invite{})
	result := make(chan error, 1)
	with := &ReplacesID{CallID: "a@b", ToTag: "x", FromTag: "y"}
	go func() { result <- call.Refer(t.Context(), "1002", with) }()
	req := p.expect("REFER")
	if to := req.get("Refer-To"); !strings.Contains(to, "sip:1002@") || !strings.Contains(to, "?Replaces=a%40b%3Bto-tag%3Dx%3Bfrom-tag%3Dy>") {
		t.Errorf("%s", req)
	}
	if req.get("Contact") == "" { // Asterisk refuses it without
		t.Errorf("no Contact: %s", req)
	}
	p.respond(req, "202 Accepted", "", "")
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	for seq, c := range []struct {
		event, line, want string
		status            int // of the event; 0: none
	}{
		{"refer", "SIP/2.0 180 Ringing", "200", 180},
		{"refer;id=1", "SIP/2.0 200 OK", "200", 200},
		{"refer", "nonsense", "200", 0},
		{"presence", "SIP/2.0 200 OK", "489", 0},
	} {
		text := p.inside(invite, "a", "NOTIFY", seq+1, "Event: "+c.event, "Subscription-State: active;expires=60", "Content-Type: message/sipfrag")
		body := c.line + "\r\n"
		p.send(strings.Replace(text, "Content-Length: 0\r\n\r\n", fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body), 1))
		p.expect(c.want)
		if c.status != 0 {
			if news := next[Notified](t, call); news.Status != c.status {
				t.Errorf("%s: %+v", c.line, news)
			}
		}
	}
	go func() { result <- call.Refer(t.Context(), "1003", nil) }()
	p.respond(p.expect("REFER"), "603 Decline", "", "")
	if err := <-result; !errors.Is(err, ErrRefused) {
		t.Errorf("declined: %v", err)
	}
	if err := call.Refer(t.Context(), "10 03", nil); !errors.Is(err, ErrTarget) {
		t.Errorf("a user that cannot be sent: %v", err)
	}
}

// An agent's leg is up for a shift: however many transfers came before, the next is taken.
func TestTransfersWithoutEnd(t *testing.T) {
	t.Parallel()
	_, p, call, invite := answered(t, TrunkConfig{}, Invite{})
	for i := range 2 * maxReferrals {
		quiet := i%2 == 1
		extra := []string{"Refer-To: <sip:1002@pbx.example>"}
		if quiet {
			extra = append(extra, "Refer-Sub: false")
		}
		p.send(p.inside(invite, "a", "REFER", 1+i, extra...))
		r := next[Referred](t, call).Referral
		if err := r.Accept(); err != nil {
			t.Fatal(err)
		}
		if p.expect("202"); quiet {
			continue
		}
		p.respond(p.expect("NOTIFY"), "200 OK", "", "")
		r.Progress(486, "Busy Here")
		last := p.expect("NOTIFY")
		p.respond(last, "200 OK", "", "")
		if named := strings.Contains(last.get("Event"), "id="); named != (i > 0) {
			t.Errorf("transfer %d: Event %q", i, last.get("Event"))
		}
	}
	for i := range maxReferrals + 1 { // those that are going on are bounded
		p.send(p.inside(invite, "a", "REFER", 100+i, "Refer-To: <sip:1002@pbx.example>"))
		if i < maxReferrals {
			next[Referred](t, call)
		}
	}
	p.expect("480")
}
