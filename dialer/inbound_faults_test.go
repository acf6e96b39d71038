package dialer_test

import (
	"testing"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab/peers"
)

// TestCallInWhileRedisIsAway holds that calls are taken and callbacks kept while Redis is
// away, and that all of it is there when Redis is.
func TestCallInWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	redis := peers.Redis(t)
	h := build(t, plan{
		Agents: 1, AgentSet: "wrap_up: 0s", Redis: redis.URL(), NoCalls: true, Media: "tones: {failed: 0s}",
		Campaign: "inbound: {agent_patience: 1s, callback: auto, prompts: {busy: off, kept: off}}",
	})
	h.awaitAgent("a1001", api.AgentReady)
	redis.Stop(t)
	h.await("the alarm", func() bool { return h.alarm("redis_down") })
	c := h.callIn(number(5))
	h.awaitAgent("a1001", api.AgentTalking)
	second := h.callIn(number(6))
	h.awaitOver(second)
	c.Hangup()
	h.awaitAgent("a1001", api.AgentReady)
	redis.Start(t)
	h.await("the end of the alarm", func() bool { return !h.alarm("redis_down") })
	h.await("the records", func() bool { return len(h.inbounds()) == 2 })
	in := map[string]cdr.Record{}
	for _, r := range h.inbounds() {
		in[r.Number] = r
	}
	if in[number(5)].Outcome != cdr.Person || in[number(6)].Callback == nil {
		t.Errorf("records %+v", in)
	}
	h.awaitLeads(1, "ready")
}

// TestKilledWithACallIn holds that a call that came in and was up when its daemon was
// killed ends in one record, with what was recorded of it.
func TestKilledWithACallIn(t *testing.T) {
	t.Parallel()
	redis := peers.Redis(t)
	p := plan{Agents: 1, AgentSet: "wrap_up: 0s", Redis: redis.URL(), NoCalls: true, Tones: true}
	h := &house{t: t, dir: t.TempDir(), log: &logBuffer{}, killed: true}
	h.openLab(p)
	h.configure(p)
	child := h.spawn()
	c := h.callIn(number(5))
	h.talkOn(c)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	_ = h.pbx.Extension("1001").Hangup()
	h.start(p)
	r := h.awaitInbound()
	if r.Outcome != cdr.Interrupted || r.Agent != "a1001" || r.Recording == nil || r.Number != number(5) {
		t.Fatalf("record %+v", r)
	}
	h.checkPlays(r)
}
