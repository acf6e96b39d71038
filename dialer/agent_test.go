package dialer_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
)

// TestAgentHangsUpFirst holds that the customer's line is kept, quiet, for the
// goodbye, that the wrap-up waits for the disposition, and that the record has it.
func TestAgentHangsUpFirst(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, Campaign: "dispositions: [{name: sold}, {name: refused}]"})
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentTalking)
	if s := h.agent("a1001"); s.Call == nil || s.Call.Number != number(0) || s.Lead == nil || s.Lead.Fields["name"] != "Person 0" {
		t.Errorf("the agent's screen shows call %+v, lead %+v", s.Call, s.Lead)
	}
	if _, err := h.daemon.Dispose(t.Context(), "a1001", api.Disposition{Name: "bought"}); !errors.Is(err, api.ErrInvalid) {
		t.Errorf("a disposition that the campaign does not have: %v", err)
	}
	h.await("some words", func() bool {
		calls := h.carrier.Calls()
		return len(calls) == 1 && !calls[0].Heard.FirstSound.IsZero() && time.Since(calls[0].Heard.FirstSound) > 100*time.Millisecond
	})
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	if s := h.state("a1001"); s != api.AgentGoodbye && s != api.AgentWrapUp {
		t.Errorf("agent is %s after hanging up", s)
	}
	h.awaitAgent("a1001", api.AgentWrapUp)
	if n := len(h.records()); n != 0 {
		t.Errorf("%d records before the wrap-up is over", n)
	}
	if _, err := h.daemon.Dispose(t.Context(), "a1001", api.Disposition{Name: "sold", Note: "twice"}); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentReady)
	r := h.awaitRecords(1)[0]
	if r.Outcome != cdr.Person || r.HungUpBy != cdr.Agent || r.Disposition != "sold" || r.Note != "twice" || r.Agent != "a1001" {
		t.Errorf("record %+v", r)
	}
	if goodbye := r.Marks.Ended.Sub(r.Marks.TalkEnded); goodbye < h.cfg.Campaigns[0].Goodbye {
		t.Errorf("the customer's line was closed %v after the agent hung up, want %v", goodbye, h.cfg.Campaigns[0].Goodbye)
	}
	if a, c := r.AgentLeg, r.Customer; a == nil || c == nil || a.Received == 0 || c.Received == 0 {
		t.Errorf("legs %+v, %+v", a, c)
	} else if a.MOS < 4 || a.MOS > 4.41 || c.MOS < 4 || c.MOS > 4.41 {
		t.Errorf("on the loopback the agent is heard with a MOS of %v, the customer with %v", a.MOS, c.MOS)
	}
	if f := h.agent("a1001").Today; f.Calls != 1 || f.Disposed != 1 || f.TalkS <= 0 || f.WaitS <= 0 || f.OnlineS < f.TalkS+f.WaitS {
		t.Errorf("figures %+v", f)
	}
}

// TestAnnouncedBreak holds that a break that an agent has announced is shown, comes at its
// time, and can be taken back.
func TestAnnouncedBreak(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, Global: "pause_reasons: [lunch, training]"})
	h.awaitAgent("a1001", api.AgentReady)
	in := func(d time.Duration, reason string) (api.AgentStatus, error) {
		return h.daemon.Leave(t.Context(), "a1001", api.Leave{At: time.Now().Add(d), Reason: reason})
	}
	for name, err := range map[string]error{
		"a reason that is not in the list": second(in(time.Hour, "nap")),
		"a time that is past":              second(in(-time.Hour, "lunch")),
		"a time that is far":               second(in(48*time.Hour, "lunch")),
	} {
		if !errors.Is(err, api.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, err := in(time.Hour, "")
	if until := time.Until(s.LeavesAt); err != nil || until < 50*time.Minute || until > time.Hour || s.LeavesFor != "" || s.State != api.AgentReady {
		t.Errorf("%+v, %v", s, err)
	}
	for name, back := range map[string]func(context.Context, string) (api.AgentStatus, error){"stay": h.daemon.Stay, "ready": h.daemon.Ready} {
		if _, err := in(time.Hour, "lunch"); err != nil {
			t.Fatal(err)
		}
		if s, err := back(t.Context(), "a1001"); err != nil || !s.LeavesAt.IsZero() || s.LeavesFor != "" {
			t.Errorf("after %s: %+v, %v", name, s, err)
		}
	}
	if s, err = in(300*time.Millisecond, "lunch"); err != nil || s.LeavesFor != "lunch" {
		t.Errorf("%+v, %v", s, err)
	}
	h.awaitAgent("a1001", api.AgentPaused)
	if s := h.agent("a1001"); s.Reason != "lunch" || !s.LeavesAt.IsZero() {
		t.Errorf("on the break: %+v", s)
	}
	if _, err := in(300*time.Millisecond, ""); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentOffline)
	if _, err := in(time.Hour, "lunch"); !errors.Is(err, api.ErrConflict) {
		t.Errorf("announced by who is not there: %v", err)
	}
}

func second(_ api.AgentStatus, err error) error { return err }

func TestPauseDuringACallComesAfterIt(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, AgentSet: "wrap_up: 0s", Global: "pause_reasons: [lunch, training]"})
	h.load(0, 2)
	h.awaitAgent("a1001", api.AgentTalking)
	if _, err := h.daemon.Pause(t.Context(), "a1001", "nap"); !errors.Is(err, api.ErrInvalid) {
		t.Errorf("a reason that is not in the list: %v", err)
	}
	s, err := h.daemon.Pause(t.Context(), "a1001", "lunch")
	if err != nil || s.State != api.AgentTalking || s.Next != api.AgentPaused {
		t.Fatalf("%+v, %v", s, err)
	}
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentPaused)
	if s := h.agent("a1001"); s.Reason != "lunch" {
		t.Errorf("paused for %q", s.Reason)
	}
	h.awaitRecords(1)
	if n := h.carrier.Report().Calls; n != 1 {
		t.Errorf("%d calls, and the only agent has lunch", n)
	}
	if _, err := h.daemon.Ready(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentTalking)
	if _, err := h.daemon.Logout(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	if s := h.state("a1001"); s != api.AgentTalking {
		t.Errorf("the log-out cut the call: agent is %s", s)
	}
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentOffline)
	if err := h.pbx.Extension("1001").Await(t.Context(), false); err != nil {
		t.Error("the nailed leg stays up after the shift:", err)
	}
	if _, err := h.daemon.Ready(t.Context(), "a1001"); !errors.Is(err, api.ErrConflict) {
		t.Errorf("an agent who is not logged in became ready: %v", err)
	}
}

func TestWrapUpEndsByItself(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, AgentSet: "wrap_up: 300ms", Talk: 100 * time.Millisecond})
	h.load(0, 2)
	for _, r := range h.awaitRecords(2) {
		if w := r.Marks.WrappedUp.Sub(r.Marks.TalkEnded); w < 300*time.Millisecond || r.Disposition != "" {
			t.Errorf("wrap-up of %v with disposition %q", w, r.Disposition)
		}
	}
}

// TestAgentLegDrops has the agent's phone hang up: amid a call, the customer gets
// the goodbye; and the agent is called back.
func TestAgentLegDrops(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, AgentSet: "wrap_up: 0s, call_back: true"})
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentTalking)
	x := h.pbx.Extension("1001")
	if err := x.Hangup(); err != nil {
		t.Fatal(err)
	}
	if r := h.awaitRecords(1)[0]; r.Outcome != cdr.Person || r.HungUpBy != cdr.Agent {
		t.Errorf("record %+v", r)
	}
	h.awaitAgent("a1001", api.AgentReady)
	if n := x.Served(); n != 2 {
		t.Errorf("the extension was called %d times, want 2", n)
	}
}

func TestAgentLegDropsWithoutCallBack(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, AgentSet: "call_back: false"})
	h.awaitAgent("a1001", api.AgentReady)
	if err := h.pbx.Extension("1001").Hangup(); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentOffline)
	if s := h.agent("a1001"); s.Reason == "" {
		t.Error("nobody says why the agent is offline")
	}
}

// TestExtensionThatDoesNotAnswer holds that an agent whose phone is busy is never
// ready, is told why, and is ready when the phone is.
func TestExtensionThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, NoLogin: true, AgentSet: "call_back: true"})
	x := h.pbx.Extension("1001")
	x.Refuse(486)
	if _, err := h.daemon.Login(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.await("the reason", func() bool {
		return strings.HasPrefix(h.agent("a1001").Reason, "extension 1001 did not answer: 486")
	})
	if s := h.state("a1001"); s != api.AgentConnecting {
		t.Errorf("agent is %s", s)
	}
	x.Refuse(0)
	h.awaitAgent("a1001", api.AgentPaused)
	if _, err := h.daemon.Ready(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentReady)
}

// TestRungAgents has agents whose phones ring for each call.
func TestRungAgents(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 2, AgentSet: "wrap_up: 0s, mode: ring", RingFor: 50 * time.Millisecond, Talk: 300 * time.Millisecond})
	h.awaitAgent("a1001", api.AgentReady)
	if h.pbx.Extension("1001").Up() {
		t.Error("the phone of a rung agent is up without a call")
	}
	h.load(0, 4)
	for _, r := range h.awaitRecords(4) {
		if r.Outcome != cdr.Person || r.Agent == "" || r.Marks.AgentAudio.Before(r.Marks.AgentClaimed) {
			t.Errorf("record %+v", r)
		}
	}
	h.awaitAgent("a1001", api.AgentReady)
	if err := h.pbx.Extension("1001").Await(t.Context(), false); err != nil {
		t.Error(err)
	}
}

// TestRungAgentWhoDoesNotAnswer: the customer is told, and the agent is not rung
// again at once.
func TestRungAgentWhoDoesNotAnswer(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, AgentSet: "mode: ring, ring_timeout: 5s", RingFor: time.Minute, Campaign: "abandon_after: 200ms\n    max_attempts: 1"})
	h.load(0, 1)
	r := h.awaitRecords(1)[0]
	if r.Outcome != cdr.Abandoned || r.Agent != "" || r.Message == "" {
		t.Errorf("record %+v", r)
	}
	h.awaitAgent("a1001", api.AgentReady)
}

// TestPhoneThatGoesMute holds that an agent whose phone lost its network, and so says
// no goodbye, is not given to customers.
func TestPhoneThatGoesMute(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, AgentSet: "wrap_up: 0s, call_back: false", Media: "timeout: 2s"})
	h.awaitAgent("a1001", api.AgentReady)
	if err := h.pbx.Extension("1001").StopMedia(); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentOffline)
	if s := h.agent("a1001"); !strings.Contains(s.Reason, "no audio") {
		t.Errorf("offline for %q", s.Reason)
	}
}

// TestModeChangesOnReload holds that a nailed leg is hung up when its agent is to be
// rung from now on, and that the next call rings them.
func TestModeChangesOnReload(t *testing.T) {
	t.Parallel()
	p := plan{Agents: 1, AgentSet: "wrap_up: 0s", Talk: 300 * time.Millisecond}
	h := build(t, p)
	h.awaitAgent("a1001", api.AgentReady)
	p.AgentSet = "wrap_up: 0s, mode: ring"
	h.rewrite(p)
	if _, err := h.daemon.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.pbx.Extension("1001").Await(t.Context(), false); err != nil {
		t.Fatal("the nailed leg stays up:", err)
	}
	h.awaitAgent("a1001", api.AgentReady)
	h.load(0, 1)
	if r := h.awaitRecords(1)[0]; r.Outcome != cdr.Person {
		t.Errorf("record %+v", r)
	}
	h.await("no session", func() bool {
		s, err := h.daemon.Status(t.Context())
		return err == nil && s.Media.Sessions == 0
	})
}

func TestRemovedAgentGoesHome(t *testing.T) {
	t.Parallel()
	p := plan{Agents: 2}
	h := build(t, p)
	h.awaitAgent("a1002", api.AgentReady)
	p.Agents = 1
	h.rewrite(p)
	if _, err := h.daemon.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1002", api.AgentOffline)
	if _, err := h.daemon.Login(t.Context(), "a1002"); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("an agent who is not in the configuration logs in: %v", err)
	}
}

func TestLogoutWhileRinging(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, AgentSet: "mode: ring, ring_timeout: 1s", RingFor: time.Minute})
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentRinging)
	if _, err := h.daemon.Logout(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentOffline)
}

// TestAgentLegFigures holds that a record tells of the agent's leg during the call, not
// of the shift.
func TestAgentLegFigures(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, AgentSet: "wrap_up: 0s", Talk: 500 * time.Millisecond})
	h.awaitAgent("a1001", api.AgentReady)
	h.load(0, 4)
	for _, r := range h.awaitRecords(4) {
		if r.AgentLeg == nil || r.AgentLeg.Received > r.Customer.Sent+20 {
			t.Errorf("agent's leg %+v, customer's leg %+v", r.AgentLeg, r.Customer)
		}
	}
}
