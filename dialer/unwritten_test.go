package dialer_test

import (
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/media/record/chain"
)

// TestDirectoryLostForLong holds that where the recording directory is away for longer than
// the sound of a call is kept in memory, the call goes on, and its record and the daemon's
// figures say how much its recording lacks.
func TestDirectoryLostForLong(t *testing.T) {
	t.Parallel()
	const kept = 15 * time.Second // in memory; then all of it is given up
	h := build(t, plan{Agents: 1, AgentSet: "wrap_up: 0s", NoCalls: true, Tones: true})
	h.awaitAgent("a1001", api.AgentReady)
	dir := h.cfg.Recording.Dir
	exchange := h.directoryAgainstFile(dir)
	exchange()
	h.await("the alarm", func() bool { return h.alarm("disk_full") })
	c := h.callIn(number(5))
	h.awaitAgent("a1001", api.AgentTalking)
	bridged := h.agent("a1001").Call.BridgedAt
	h.awaitFor(kept+patience, "what is too much for the memory", func() bool { return time.Since(bridged) > kept+time.Second })
	exchange()
	h.await("the end of the alarm", func() bool { return !h.alarm("disk_full") })
	c.Hangup()
	r := h.awaitInbound().Recording
	if r == nil || r.SHA256 == "" {
		t.Fatalf("recording %+v", r)
	}
	lacks := time.Duration(r.UnwrittenMS) * time.Millisecond
	if lacks < kept-time.Second || lacks > time.Duration(r.DurationMS)*time.Millisecond || r.GapsMS > r.UnwrittenMS/2 {
		t.Errorf("the record says that %v are lacking: %+v", lacks, r)
	}
	if s, err := h.daemon.Status(t.Context()); err != nil || int64(s.Recording.UnwrittenS*1000) != r.UnwrittenMS {
		t.Errorf("the daemon says %+v, %v", s.Recording, err)
	}
	report, err := chain.Verify(t.Context(), dir, chain.Options{})
	if err != nil || !report.OK() || report.Kept != 1 {
		t.Errorf("verify: %+v, %v", report, err)
	}
}
