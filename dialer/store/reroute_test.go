package store

import (
	"encoding/json"
	"errors"
	"testing"

	"ringpace/dialer/cdr"
)

// TestReroute holds that what a crash leaves of an attempt names the trunk that had
// the call last, and that no further INVITE goes to who must not be called.
func TestReroute(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		node, dir := name("node"), t.TempDir()
		s := b.open(t, Config{Node: node, JournalDir: dir})
		f := newFloor(t, s)
		f.add(people(4)...)
		leads := f.claim(4)

		listed := f.mustStart(leads[0])
		if err := s.AddDNC(t.Context(), f.campaign, listed.Number); err != nil {
			t.Fatal(err)
		}
		wantErr(t, s.Reroute(t.Context(), listed), ErrDoNotCall)
		withdrawn := f.mustStart(leads[1])
		if err := s.WithdrawLead(t.Context(), f.campaign, leads[1].ID); err != nil {
			t.Fatal(err)
		}
		wantErr(t, s.Reroute(t.Context(), withdrawn), ErrLeadWithdrawn)
		ended := f.mustStart(leads[2])
		f.finish(ended, cdr.Congestion, Next{Final: true})
		wantErr(t, s.Reroute(t.Context(), ended), ErrUnclaimed)

		rec := f.mustStart(leads[3])
		rec.Tries = []cdr.Try{{Trunk: rec.Trunk, SIPStatus: 503}}
		rec.Trunk, rec.CallerID = "second", "+49309999"
		if err := s.Reroute(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		die(t, s)
		f.s = b.open(t, Config{Node: node, JournalDir: dir})
		f.acquire()
		f.recover()
		for _, r := range f.cdrs() {
			if r.ID == rec.ID && (r.Trunk != "second" || r.CallerID != "+49309999" || len(r.Tries) != 1 || r.Ordinal != 1 || r.Outcome != cdr.Interrupted) {
				t.Errorf("what is left of the attempt: %+v", r.Record)
			}
		}
	})
}

// TestRerouteIsRestored holds that a Redis that lost its last moments is told again of
// the attempt as it was changed: whether it lost the change or all of it.
func TestRerouteIsRestored(t *testing.T) {
	b := backend{url: servers.real}
	f := newFloor(t, b.open(t, Config{}))
	f.add(people(1)...)
	rec := f.mustStart(f.claim(1)[0])
	sp, err := campaignSpace(f.campaign)
	if err != nil {
		t.Fatal(err)
	}
	before, err := f.s.redis.HGet(t.Context(), sp.key("attempts"), rec.ID).Result()
	if err != nil {
		t.Fatal(err)
	}
	rec.Trunk = "second"
	if err := f.s.Reroute(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	for what, lose := range map[string]func() error{
		"the change": func() error { return f.s.redis.HSet(t.Context(), sp.key("attempts"), rec.ID, before).Err() },
		"all": func() error {
			return errors.Join(f.s.redis.HDel(t.Context(), sp.key("attempts"), rec.ID).Err(),
				f.s.redis.HSet(t.Context(), sp.lead(rec.LeadID), "state", "waiting").Err())
		},
	} {
		if err := errors.Join(lose(), f.s.restore(t.Context())); err != nil {
			t.Fatal(err)
		}
		text, err := f.s.redis.HGet(t.Context(), sp.key("attempts"), rec.ID).Result()
		var open openAttempt
		if err != nil || json.Unmarshal([]byte(text), &open) != nil || open.Record.Trunk != "second" {
			t.Errorf("Redis that lost %s knows %s (%v) of the attempt", what, text, err)
		}
	}
}
