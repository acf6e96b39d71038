package dialer

import (
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/lab/peers"
	"ringpace/dialer/store"
	"ringpace/pacing"
)

// TestGrantsLapse holds that a node which does not decide dials what it is granted, once,
// and says why it dials nothing where it is granted nothing for long.
func TestGrantsLapse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := bookkeeper(t, &shelf{}, pacing.Predictive)
		c.decider = "a"
		who := &agent{id: "1"}
		c.floor.sit(who, []string{"x"})
		c.floor.free("1")
		if ids := c.dialGranted(pacing.Limits{}); len(ids) != 0 || !strings.Contains(c.text, "node a decides for the campaign, and has granted this one nothing yet") {
			t.Errorf("%d calls before any grant: %s", len(ids), c.text)
		}
		give := func() {
			most := 7
			c.grant = &grant{Decision: pacing.Decision{Mode: pacing.Predictive, Dial: 2, Bound: pacing.ByLeads}, Most: &most}
			c.seen++
			c.heard = time.Now()
		}
		give()
		ids := c.dialGranted(pacing.Limits{})
		if len(ids) != 2 || *c.most != 7 || c.grantInForce() != 1 || !strings.Contains(c.text, "dials 2 now") {
			t.Errorf("%d calls by grant %d: %s", len(ids), c.grantInForce(), c.text)
		}
		if v := c.floor.look("x"); len(v.Calls) != 2 {
			t.Errorf("%d calls in flight", len(v.Calls))
		}
		if ids := c.dialGranted(pacing.Limits{}); len(ids) != 0 || !strings.Contains(c.text, "dials 2 now") {
			t.Errorf("%d calls by the same grant: %s", len(ids), c.text)
		}
		time.Sleep(grantLapse) // virtual
		if ids := c.dialGranted(pacing.Limits{}); len(ids) != 0 || !strings.Contains(c.text, "node a decides for the campaign, and was not heard of since") {
			t.Errorf("%d calls after it has lapsed: %s", len(ids), c.text)
		}
		give()
		if ids := c.dialGranted(pacing.Limits{Stop: "the disk is full"}); len(ids) != 0 || !strings.Contains(c.text, "the disk is full") {
			t.Errorf("%d calls with a full disk: %s", len(ids), c.text)
		}
		give()
		c.floor.busy("1", pacing.Away)
		if ids := c.dialGranted(pacing.Limits{}); len(ids) != 0 {
			t.Errorf("%d calls for an agent who has left since it was granted", len(ids))
		}
		adopt(t, c, pacing.Power)
		if c.isGranted() || c.grantInForce() != 0 {
			t.Error("calls in mode power wait for a grant")
		}
	})
}

// TestOneNodeDecidesForAll holds what the owner of a campaign makes of another node's
// report: a grant for its agents, that stands until it is carried out or lapses; less
// credit for its own; and something learned of its calls.
func TestOneNodeDecidesForAll(t *testing.T) {
	t.Parallel()
	url := peers.Redis(t).URL()
	open := func(node string) *store.Store {
		s, err := store.Open(t.Context(), store.Config{URL: url, Node: node, JournalDir: t.TempDir(), Timeout: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close(t.Context()) })
		if err := s.Join(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s
	}
	own, other := open("a"), open("b")
	c := bookkeeper(t, &shelf{windows: []pacing.Window{{Name: "day", Ceiling: 0.03, Answered: 200, Abandoned: 2, Ends: time.Now().Add(6 * time.Hour)}}}, pacing.Predictive)
	c.store, c.node, c.log, c.due = own, "a", slog.New(slog.DiscardHandler), 100
	epoch, err := own.Acquire(t.Context(), "x", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	c.lose()
	c.epoch = epoch
	c.balance(t.Context())
	var seen int64
	report := func(agents int, calls ...pacing.Call) (g store.Granted, decided grant) {
		t.Helper()
		far := time.Now().Add(-time.Hour) // its clock is wrong
		r := report{Node: "b", Epoch: epoch, Seen: seen, Now: far, Calls: calls, IDs: make([]string, len(calls)), Limits: pacing.Limits{Leads: 1, Channels: 50, Rate: 50}}
		for range agents {
			r.Agents = append(r.Agents, pacing.Agent{State: pacing.Free, Since: far})
		}
		for i := range calls {
			r.Calls[i].Since, r.Calls[i].Rings = far.Add(-6*time.Second), far.Add(-4*time.Second)
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		news, err := json.Marshal(tidings{"b", far, []pacing.Event{{
			At: far, Kind: pacing.CallAnswered,
			Call: pacing.Call{State: pacing.Ringing, Since: far.Add(-9 * time.Second), Rings: far.Add(-7 * time.Second)},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := other.Report(t.Context(), "x", text, news); err != nil {
			t.Fatal(err)
		}
		if err := c.conduct(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, _, g, err = other.Report(t.Context(), "x", text, nil)
		if err != nil {
			t.Fatal(err)
		}
		if g.Seq != 0 {
			if err := json.Unmarshal(g.Text, &decided); err != nil {
				t.Fatal(err)
			}
		}
		return g, decided
	}
	began := time.Now()
	g, d := report(3)
	if g.Seq == 0 || d.Decision.Agents != 3 || d.Decision.Dial < 3 || d.Decision.Leads != 100 || d.Most == nil || len(d.Windows) != 1 {
		t.Errorf("grant %d: %+v", g.Seq, d.Decision)
	}
	if e := c.elsewhere(""); e.Agents != 3 || e.Calls != 0 || e.Lost != 0 {
		t.Errorf("elsewhere %+v", e)
	}
	// What was granted and is not carried out yet is not granted again.
	if again, _ := report(3); again.Seq > g.Seq && time.Since(began) < grantLapse {
		t.Errorf("grant %d before %d was carried out", again.Seq, g.Seq)
	}
	seen = c.seq
	g, d = report(0, make([]pacing.Call, 30)...)
	if g.Seq != seen+1 || d.Decision.Dial != 0 || d.Decision.InFlight != 30 {
		t.Errorf("grant %d after %d: %+v", g.Seq, seen, d.Decision)
	}
	e := c.elsewhere("")
	if e.Agents != 0 || e.Calls != 30 || e.Lost < 1 || e.Lost > 30 {
		t.Errorf("elsewhere %+v with 30 telephones that ring for nobody", e)
	}
	decide := func(e pacing.Elsewhere) pacing.Decision {
		s := pacing.Snapshot{Now: time.Now(), Agents: []pacing.Agent{{}, {}}, Windows: c.windows, Limits: pacing.Limits{Leads: 100, Channels: 100, Rate: 100}, Elsewhere: e}
		return c.pacer.Decide(s)
	}
	if alone, here := decide(pacing.Elsewhere{}), decide(e); here.Bound != pacing.ByCredit || here.Predictive.Gate <= alone.Predictive.Gate {
		t.Errorf("this node is bound by %s, and needs a credit of %v; alone of %v", here.Bound, here.Predictive.Gate, alone.Predictive.Gate)
	}
	answered := 0.0
	m := c.pacer.(pacing.Keeper).Model()
	for i, n := range m.Calls.Ringing.Answered {
		if answered += n; n > 0 && i != 7 {
			t.Errorf("%v answers after %d s of ringing, want 7 s", n, i)
		}
	}
	if answered < 2.9 || answered > 3 {
		t.Errorf("%v answers learned of, want 3", answered)
	}
	if facts := c.nodeFacts(); len(facts) != 1 || facts[0].Name != "node_b" || !strings.Contains(facts[0].Value, "30 calls") {
		t.Errorf("facts %+v", facts)
	}
	if err := own.Release(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if err := c.conduct(t.Context()); !errors.Is(err, store.ErrFenced) {
		t.Errorf("error %v after the lease was given up", err)
	}
}

// TestCountsAwayAndWiped has the ledger away for a minute and come back empty, with nobody
// who remembers: nothing is dialed meanwhile, and hardly more than one call for each free
// agent after; and it is said why.
func TestCountsAwayAndWiped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rich := []pacing.Window{{Name: "day", Ceiling: 0.03, Answered: 2000, Abandoned: 10, Ends: time.Now().Add(6 * time.Hour)}}
		s := &shelf{windows: rich}
		c := bookkeeper(t, s, pacing.Predictive)
		c.trunks, c.stop, c.running, c.metrics = &trunks{}, func() string { return "" }, true, api.NewMetrics("test")
		for i := range 3 {
			id := strconv.Itoa(i)
			c.floor.sit(&agent{id: id}, []string{"x"})
			c.floor.free(id)
		}
		decide := func() (d pacing.Decision, ids []string) {
			ids = c.floor.plan("x", false, func(_ []pacing.Event, s pacing.Snapshot) pacing.Decision {
				c.tell(&s, pacing.Limits{Leads: 100, Channels: 100, Rate: 100})
				d = c.pacer.Decide(s)
				return d
			})
			return d, ids
		}
		c.balance(t.Context())
		_, first := decide()
		d, more := decide()
		if d.Bound != pacing.ByRisk {
			t.Errorf("with credit: %s", d.Explain())
		}
		c.floor.unplan("x", append(first, more...))
		s.fault = errors.New("redis is away")
		for at := range 60 {
			time.Sleep(pulse) // virtual
			c.balance(t.Context())
			if ids := c.decide(); at >= 3 && (len(ids) != 0 || !strings.Contains(c.text, "Nothing is dialed: the counts of abandoned calls cannot be read: redis is away")) {
				t.Fatalf("%d calls after %d s: %s", len(ids), at, c.text)
			}
		}
		s.fault = nil
		s.windows = []pacing.Window{{Name: "day", Ceiling: 0.03, Ends: rich[0].Ends}}
		c.balance(t.Context())
		// One more than there are agents may be: that all four are answered is next to impossible.
		if d, _ := decide(); d.Dial > 4 || d.Bound != pacing.ByCredit {
			t.Errorf("with wiped counts %d are dialed for 3 free agents: %s", d.Dial, d.Explain())
		}
		if d, _ := decide(); d.Dial != 0 || d.Bound != pacing.ByCredit || !strings.Contains(d.Explain(), "0.0 abandoned calls are to spare") {
			t.Errorf("with wiped counts %d more are dialed: %s", d.Dial, d.Explain())
		}
	})
}
