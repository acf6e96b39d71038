package dialer_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab/peers"
	"ringpace/dialer/store"
	"ringpace/media"
	"ringpace/sip"
)

// TestNumbersGoWhereTheyAreServed holds that a number goes to the trunk that serves it
// and shows the caller ID of its rule, and that a lead whose number no trunk serves is
// put off with the reason, while the others are dialed.
func TestNumbersGoWhereTheyAreServed(t *testing.T) {
	t.Parallel()
	const local = "+12025550111"
	shown := make(chan string, 10)
	busy := refuse(t, func(in *sip.Incoming) {
		shown <- in.Header("P-Asserted-Identity")
		in.Reject(486, "Busy Here")
	})
	h := build(t, plan{
		Agents: 2, AgentSet: "wrap_up: 0s",
		Trunk:  busy.over() + fmt.Sprintf("\n    prefixes: [%q]", number(1)),
		Trunks: strings.Replace(busy.trunk("local"), official, official+`", "`+local, 1),
		Campaign: fmt.Sprintf("max_attempts: 1\n    trunks: [carrier]\n    caller_id_rules:\n      - {prefixes: [%q], caller_ids: [%q]}",
			number(1), official),
	})
	h.load(0, 3)
	rec := h.awaitRecords(1)[0]
	if rec.Number != number(1) || rec.Outcome != cdr.Busy || rec.Trunk != "carrier" || rec.CallerID != official {
		t.Errorf("record %+v", rec)
	}
	if id := <-shown; !strings.Contains(id, official) {
		t.Errorf("the carrier saw %q", id)
	}
	h.awaitLeads(2, "waiting")
	x, err := h.daemon.ExplainLead(t.Context(), "test", rec.LeadID[:len(rec.LeadID)-1]+"0")
	if err != nil || x.Dialable || !strings.Contains(x.Summary, "trunk carrier serves only numbers that begin with "+number(1)) || time.Until(x.NextTry) < time.Minute {
		t.Errorf("explanation %+v, %v", x, err)
	}
	if !strings.Contains(fmt.Sprint(x.Facts), "trunk_carrier") {
		t.Errorf("facts %v", x.Facts)
	}
	h.await("the trunk that takes calls", func() bool {
		c, err := h.daemon.Explain(t.Context(), "test")
		return err == nil && strings.Contains(fmt.Sprint(c.Facts), "takes calls priority 9, weight 1; ")
	})
}

// TestTrunkChangesAreTold holds that the feed tells of a trunk that is slowed down.
func TestTrunkChangesAreTold(t *testing.T) {
	t.Parallel()
	slow := refuse(t, func(in *sip.Incoming) { in.Reject(503, "CPS limit exceeded") })
	h := build(t, plan{Agents: 1, Trunk: slow.over(), Campaign: "max_attempts: 1"})
	client, err := api.NewClient("http://"+h.daemon.Addr().String(), "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	seen := errors.New("seen")
	load := sync.OnceFunc(func() { h.load(0, 1) })
	_, err = client.Events(ctx, "", func(e api.Event) error {
		load() // the stream is open: campaigns tell of themselves each second
		if e.Kind == api.EventTrunk && strings.Contains(e.Trunk.SlowedBy, "CPS limit") && e.Trunk.Usable {
			return seen
		}
		return nil
	})
	if !errors.Is(err, seen) {
		t.Errorf("the event did not come: %v", err)
	}
}

// TestLateOffer has a carrier that wants to describe the session itself: the INVITE
// goes without a description, the answer follows in the ACK, and audio flows both
// ways.
func TestLateOffer(t *testing.T) {
	t.Parallel()
	engine, err := media.NewEngine(media.Config{Addr: netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	heard := make(chan uint64, 1)
	carrier := refuse(t, func(in *sip.Incoming) {
		audio, err := engine.NewSession(media.SessionConfig{})
		if err != nil || in.Offer() != nil {
			t.Errorf("an INVITE with the offer %q, and %v", in.Offer(), err)
			in.Reject(500, "")
			return
		}
		defer audio.Close()
		call, err := in.Answer(audio.Offer(), func([]byte) ([]byte, error) { return nil, errors.New("no new offer is expected") })
		if err != nil {
			t.Error(err)
			return
		}
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case ev, open := <-call.Events():
				if !open {
					return
				}
				if answer, ok := ev.(sip.SessionAnswer); ok {
					if err := audio.Accept(answer.Body); err != nil {
						t.Error(err)
					}
					audio.Play(media.SafeHarbour(media.English), true)
				}
			case <-tick.C:
				if n := audio.Stats().Received; n > 25 {
					heard <- n
					call.Hangup(sip.CauseNormal)
					tick.Stop()
				}
			}
		}
	})
	h := build(t, plan{Agents: 1, AgentSet: "wrap_up: 0s", Trunk: carrier.over() + "\n    calls: {late_offer: true}", Campaign: "max_attempts: 1"})
	h.load(0, 1)
	r := h.awaitRecords(1)[0]
	if r.Outcome != cdr.Person || r.HungUpBy != cdr.Customer || r.Customer == nil || r.Customer.Received < 10 {
		t.Errorf("record %+v, customer's leg %+v", r, r.Customer)
	}
	if n := <-heard; n < 25 {
		t.Errorf("the customer heard %d packets", n)
	}
}

// TestStoppedElsewhere holds that a campaign that is stopped at another node dials
// nobody from that moment on, though this node has not looked again.
func TestStoppedElsewhere(t *testing.T) {
	t.Parallel()
	redis := peers.Redis(t)
	busy := refuse(t, func(in *sip.Incoming) { in.Reject(486, "Busy Here") })
	h := build(t, plan{Agents: 1, Redis: redis.URL(), Trunk: busy.over(), Campaign: "max_attempts: 1"})
	other, err := store.Open(t.Context(), store.Config{URL: redis.URL(), Node: "other", JournalDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := other.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	h.load(0, 5000)
	started := func() int64 {
		c, err := other.Counters(t.Context(), "test")
		if err != nil {
			t.Fatal(err)
		}
		return c["started"]
	}
	h.await("calls", func() bool { return started() > 10 })
	if err := other.SetDesired(t.Context(), "test", store.Stopped); err != nil {
		t.Fatal(err)
	}
	then := started()
	h.await("the node to know", func() bool {
		s, err := h.daemon.Campaign(t.Context(), "test")
		return err == nil && !s.Running
	})
	h.awaitFreeChannels()
	if n := started() - then; n != 0 {
		t.Errorf("%d attempts began after the campaign was stopped", n)
	}
	h.awaitLeads(0, "claimed")
}
