package sip

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ringpace/sip/header"
)

// timed is a policy with session timers, in seconds of 10 ms in these tests.
var timed = Policy{SessionExpires: 100 * time.Second}

// lasting is one of which an answer may come late: 1.7 s here.
var lasting = Policy{SessionExpires: 400 * time.Second}

const testSecond = 10 * time.Millisecond

// timedCall is answered with session timers; extra are lines of the 200.
func timedCall(t *testing.T, policy Policy, inv Invite, extra ...string) (*peer, *Call, *message) {
	t.Helper()
	trunk, p := script(t, TrunkConfig{Policy: policy})
	trunk.e.second = testSecond
	call := place(t, trunk, inv)
	invite := p.expect("INVITE")
	p.respond(invite, "200 OK", "a", testAnswer, extra...)
	p.expect("ACK")
	next[Answered](t, call)
	return p, call, invite
}

func TestSessionTimerHeaders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy           Policy
		expires, minimum string
		supported        bool
	}{
		{Policy{}, "", "", false},
		{timed, "100", "", true},
		{Policy{SessionExpires: 30 * time.Minute, SessionMin: 2 * time.Minute, Refresher: "uas"}, "1800;refresher=uas", "120", true},
	} {
		trunk, p := script(t, TrunkConfig{Policy: c.policy})
		call := place(t, trunk, Invite{})
		invite := p.expect("INVITE")
		if invite.get("Session-Expires") != c.expires || invite.get("Min-SE") != c.minimum || strings.Contains(invite.get("Supported"), "timer") != c.supported {
			t.Errorf("%+v: %s", c.policy, invite)
		}
		p.respond(invite, "486 Busy Here", "a", "")
		next[Failed](t, call)
	}
}

// 422 raises the interval; one that demands the same again is the end.
func TestIntervalTooSmall(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{Policy: timed})
	call := place(t, trunk, Invite{})
	first := p.expect("INVITE")
	p.respond(first, "422 Session Interval Too Small", "a", "", "Min-SE: 500")
	p.expect("ACK")
	second := p.expect("INVITE")
	if second.get("Session-Expires") != "500" || second.get("Min-SE") != "500" || second.seq() != first.seq()+1 || second.get("Call-ID") != first.get("Call-ID") {
		t.Errorf("%s", second)
	}
	p.respond(second, "422 Session Interval Too Small", "a", "", "Min-SE: 500")
	if f := next[Failed](t, call); f.Status != 422 {
		t.Errorf("%+v", f)
	}
}

// We refresh: by UPDATE where it is allowed, by re-INVITE with the same description where
// not or where UPDATE turns out to be unknown.
func TestWeRefresh(t *testing.T) {
	t.Parallel()
	p, call, invite := timedCall(t, lasting, Invite{}, "Session-Expires: 400;refresher=uac", "Require: timer", "Allow: INVITE, UPDATE")
	for range 2 {
		update := p.expect("UPDATE")
		if update.body != "" || update.get("Session-Expires") != "400;refresher=uac" || !strings.Contains(update.get("Supported"), "timer") {
			t.Errorf("%s", update)
		}
		p.respond(update, "200 OK", "", "", "Session-Expires: 400;refresher=uac")
	}
	p.respond(p.expect("UPDATE"), "422 Session Interval Too Small", "", "", "Min-SE: 420")
	update := p.expect("UPDATE")
	if update.get("Session-Expires") != "420;refresher=uac" || update.get("Min-SE") != "420" {
		t.Errorf("%s", update)
	}
	p.respond(update, "500 Busy", "", "", "Retry-After: 1")
	p.respond(p.expect("UPDATE"), "405 Method Not Allowed", "", "")
	reinvite := p.expect("INVITE")
	if reinvite.body != invite.body || reinvite.get("Session-Expires") != "420;refresher=uac" {
		t.Errorf("%s", reinvite)
	}
	p.respond(reinvite, "200 OK", "", testAnswer, "Session-Expires: 420;refresher=uac")
	p.expect("ACK")
	reinvite = p.expect("INVITE")
	p.respond(reinvite, "200 OK", "", testAnswer+"a=moved\r\n", "Session-Expires: 420;refresher=uas") // now they do
	p.expect("ACK")
	if ev := next[SessionAnswer](t, call); string(ev.Body) != testAnswer+"a=moved\r\n" {
		t.Errorf("%+v", ev)
	}
	p.send(p.inside(invite, "a", "UPDATE", 9, "Session-Expires: 420;refresher=uac", "Supported: timer"))
	if res := p.expect("200"); res.get("Session-Expires") != "420;refresher=uac" || res.get("Require") != "timer" {
		t.Errorf("%s", res)
	}
	p.respondAndEnd(call)
}

func TestEndsAfter(t *testing.T) {
	for interval, want := range map[uint32]uint32{90: 60, 96: 64, 97: 65, 1800: 1768} {
		if got := endsAfter(interval); got != want {
			t.Errorf("%d: %d, want %d", interval, got, want)
		}
	}
}

// Whoever is to refresh: where it does not happen, the call ends before the interval.
func TestNobodyRefreshes(t *testing.T) {
	t.Parallel()
	for _, refresher := range []string{"uac", "uas"} {
		t.Run(refresher, func(t *testing.T) {
			t.Parallel()
			p, call, _ := timedCall(t, timed, Invite{}, "Session-Expires: 100;refresher="+refresher, "Allow: UPDATE")
			bye := p.takeKind("BYE") // UPDATEs get no answer
			if !strings.HasPrefix(bye.get("Reason"), "Q.850;cause=102;") {
				t.Errorf("%s", bye)
			}
			p.respond(bye, "200 OK", "", "")
			if ev := next[Ended](t, call); !errors.Is(ev.Err, ErrExpired) || !ev.ByUs {
				t.Errorf("%+v", ev)
			}
		})
	}
}

// A far side that lost the dialog answers the refresh with 481: the call is over.
func TestRefreshFindsNoDialog(t *testing.T) {
	t.Parallel()
	p, call, _ := timedCall(t, timed, Invite{}, "Session-Expires: 100;refresher=uac", "Allow: UPDATE")
	p.respond(p.expect("UPDATE"), "481 Call/Transaction Does Not Exist", "", "")
	p.respond(p.expect("BYE"), "481 Call/Transaction Does Not Exist", "", "")
	next[Ended](t, call)
}

// Their refreshes keep the call up; one by re-INVITE too.
func TestTheyRefresh(t *testing.T) {
	t.Parallel()
	p, call, invite := timedCall(t, lasting, Invite{OnOffer: func([]byte) ([]byte, error) { return []byte(testAnswer), nil }}, "Session-Expires: 400;refresher=uas", "Allow: UPDATE")
	tick := time.NewTicker(100 * testSecond)
	defer tick.Stop()
	for seq := 1; seq < 7; seq += 2 {
		<-tick.C
		p.send(p.inside(invite, "a", "UPDATE", seq, "x: 400;refresher=uac", "k: timer"))
		if res := p.expect("200"); res.get("Session-Expires") != "400;refresher=uac" {
			t.Errorf("%s", res)
		}
		<-tick.C
		p.send(p.inside(invite, "a", "INVITE", seq+1, "Session-Expires: 400", "Supported: timer", testOffer))
		ok := p.expect("200")
		if ok.get("Session-Expires") != "400;refresher=uac" {
			t.Errorf("%s", ok)
		}
		p.send(p.ack2(invite, "a", seq+1))
	}
	p.send(p.inside(invite, "a", "UPDATE", 9, "Session-Expires: 30", "Supported: timer"))
	if res := p.expect("422"); res.get("Min-SE") != "90" {
		t.Errorf("%s", res)
	}
	p.respondAndEnd(call)
}

// As callee: who refreshes, and for how long.
func TestSessionTimerOfIncoming(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		policy  Policy
		extra   []string
		expires string
		require string
	}{
		{"theirs", timed, []string{"Supported: timer", "Session-Expires: 95;refresher=uac"}, "95;refresher=uac", "timer"},
		{"ours by their wish", timed, []string{"Supported: timer", "Session-Expires: 1800;refresher=uas"}, "100;refresher=uas", ""},
		{"ours to choose", timed, []string{"Supported: timer"}, "100;refresher=uac", "timer"},
		{"ours by policy", Policy{SessionExpires: 100 * time.Second, Refresher: "uas"}, []string{"k: timer", "x: 1800"}, "100;refresher=uas", ""},
		{"they cannot", timed, nil, "100;refresher=uas", ""},
		{"a proxy wants longer", timed, []string{"Session-Expires: 200", "Min-SE: 150"}, "150;refresher=uas", ""},
		{"off", Policy{}, []string{"Supported: timer", "Session-Expires: 95"}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, p, incoming := calleeWith(t, c.policy)
			_, in := invited(t, p, incoming, append(c.extra, testOffer)...)
			call := accept(t, in, testAnswer)
			ok := p.expect("200")
			if ok.get("Session-Expires") != c.expires || ok.get("Require") != c.require {
				t.Errorf("%s", ok)
			}
			p.send(p.ack(ok))
			call.Hangup(CauseNormal)
			p.respond(p.expect("BYE"), "200 OK", "", "")
			next[Ended](t, call)
		})
	}
	_, p, incoming := calleeWith(t, Policy{SessionExpires: time.Hour, SessionMin: 30 * time.Minute})
	p.send(p.newRequest("INVITE", "sip:100@127.0.0.1", "short", "f", "", 1, "Session-Expires: 120", "Supported: timer", testOffer))
	if res := p.expect("422"); res.get("Min-SE") != "1800" {
		t.Errorf("%s", res)
	}
	if len(incoming) > 0 {
		t.Error("somebody was asked")
	}
}

// The refresh of an incoming call, where we are the refresher.
func TestCalleeRefreshes(t *testing.T) {
	t.Parallel()
	e, p, incoming := calleeWith(t, Policy{SessionExpires: 400 * time.Second, Refresher: "uas"})
	e.second = testSecond
	_, in := invited(t, p, incoming, "Allow: UPDATE", "Supported: timer", testOffer)
	call := accept(t, in, testAnswer)
	ok := p.expect("200")
	p.send(p.ack(ok))
	update := p.expect("UPDATE")
	if se, _ := header.ParseSessionExpires(update.get("Session-Expires")); se.Refresher != "uac" { // of this request
		t.Errorf("%s", update)
	}
	p.respond(update, "200 OK", "", "") // without Session-Expires: no timer any more
	p.nothing()
	call.Hangup(CauseNormal)
	p.respond(p.expect("BYE"), "200 OK", "", "")
	next[Ended](t, call)
}
