package dialer_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab"
	"ringpace/dialer/lab/peers"
)

// explain is why the campaign dials as it does now.
func (h *house) explain() api.Explanation {
	h.t.Helper()
	x, err := h.daemon.Explain(h.t.Context(), "test")
	if err != nil {
		h.t.Fatal(err)
	}
	return x
}

// prospect is what the campaign's latest decision rests on.
func (h *house) prospect() api.Prospect {
	h.t.Helper()
	x := h.explain()
	if x.Decision.Predictive == nil {
		h.t.Fatalf("no predictive decision: %s", x.Summary)
	}
	return *x.Decision.Predictive
}

// forecast asks by the API how long the list takes.
func (h *house) forecast(q api.ForecastQuery) api.Forecast {
	h.t.Helper()
	client, err := api.NewClient("http://"+h.daemon.Addr().String(), "")
	if err != nil {
		h.t.Fatal(err)
	}
	defer client.Close()
	f, err := client.Forecast(h.t.Context(), "test", q)
	if err != nil {
		h.t.Fatal(err)
	}
	return f
}

// half of the callees are people.
func halfPeople(num string) lab.Behaviour {
	if strings.HasSuffix(num, "1") || strings.HasSuffix(num, "3") || strings.HasSuffix(num, "5") || strings.HasSuffix(num, "7") || strings.HasSuffix(num, "9") {
		return lab.Person
	}
	return lab.Busy
}

// TestPredictive has a list worked off in mode predictive. Nothing is dialed before an
// agent is there; pacing learns of every call; the ledger counts those who answered; and
// what was learned and counted outlives a reload and the process.
func TestPredictive(t *testing.T) {
	t.Parallel()
	const n = 20
	p := plan{
		Agents: 3, AgentSet: "wrap_up: 0s", Redis: peers.Redis(t).URL(), NoLogin: true, Behave: halfPeople, Talk: 300 * time.Millisecond,
		Campaign: "mode: predictive\n    time_zone: America/New_York\n    max_attempts: 1",
	}
	h := build(t, p)
	h.awaitTrunk()
	h.load(0, n)
	h.await("the first reading of the ledger", func() bool { return len(h.prospect().Windows) == 2 })
	x, err := h.daemon.Explain(t.Context(), "test")
	if err != nil || x.Limit != "agents" || x.Decision.Dial != 0 || h.carrier.Report().Calls != 0 {
		t.Errorf("without agents: %+v, error %v", x, err)
	}
	before := h.forecast(api.ForecastQuery{Agents: 2})
	if before.Leads != n || before.Sampled != n || before.Agents != 2 || before.Calls != 0 || before.AnswerShare != 0.2 || len(before.Hours) == 0 ||
		!before.Done.Median.After(before.At) {
		t.Errorf("before it starts: %+v", before)
	}
	h.await("a look at the leads to come", func() bool {
		x, err := h.daemon.Explain(t.Context(), "test")
		return err == nil && slices.ContainsFunc(x.Facts, func(f api.Fact) bool { return f.Name == "leads_ahead" && f.Value == "10" })
	})
	if !slices.ContainsFunc(x.Facts, func(f api.Fact) bool { return f.Name == "profile" && f.Value == "safe" && f.Note != "" }) {
		t.Errorf("the law is not told: %+v", x.Facts)
	}
	lead, err := h.daemon.ExplainLead(t.Context(), "test", "tel-"+number(7)[1:])
	if err != nil || !lead.Dialable || !strings.Contains(lead.Summary, "after 7 others. No call is placed now, though: ") ||
		!strings.Contains(lead.Summary, "The agents bind: none is logged in.") {
		t.Errorf("explained as %q, error %v", lead.Summary, err)
	}
	for _, id := range []string{"a1001", "a1002", "a1003"} {
		if _, err := h.daemon.Login(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		h.awaitAgent(id, api.AgentPaused)
		if _, err := h.daemon.Ready(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	people, abandoned := 0, 0
	for _, r := range h.awaitRecords(n) {
		switch r.Outcome {
		case cdr.Person:
			people++
		case cdr.Abandoned:
			people++
			abandoned++
		}
	}
	if people == 0 {
		t.Fatal("nobody answered")
	}
	balanced := func(at api.Prospect) bool {
		for _, w := range at.Windows {
			if w.Answered != people || w.Abandoned != abandoned || w.Ceiling != 0.03 ||
				math.Abs(w.Credit-(0.03*float64(people)-float64(abandoned)-w.Reserved)) > 1e-9 {
				return false
			}
		}
		return len(at.Windows) == 2
	}
	h.await("what became of every call", func() bool {
		at := h.prospect()
		return at.Learned > n-1 && at.Learned <= n && balanced(at)
	})
	x, err = h.daemon.Explain(t.Context(), "test")
	if err != nil || x.Limit != "list" || !strings.Contains(x.Summary, "The list binds") || !strings.Contains(x.Summary, "With more leads to dial, ") {
		t.Errorf("explanation %+v, error %v", x, err)
	}

	after := h.forecast(api.ForecastQuery{})
	if after.Leads != 0 || after.Agents != 3 || after.Calls != n || len(after.Hours) != 0 || after.HandlingS >= before.HandlingS ||
		math.Abs(after.AnswerShare-float64(people+2)/(n+10)) > 1e-9 || !after.Done.Median.Equal(after.At) {
		t.Errorf("when all is done: %+v", after)
	}

	p.Campaign += "\n    max_ratio: 3"
	h.rewrite(p)
	if _, err := h.daemon.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if at := h.prospect(); at.Learned <= n-1 || !balanced(at) {
		t.Errorf("after a reload: %+v", at)
	}
	h.quit()
	h.start(p)
	h.await("what was learned before the restart", func() bool {
		at := h.prospect()
		return at.Learned > n-1 && balanced(at)
	})
}

// TestFailuresOfTrunksTeachNothing has the carrier refuse every call: pacing learns nothing
// of the people on the list by that.
func TestFailuresOfTrunksTeachNothing(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 2, Campaign: "mode: predictive", Behave: func(string) lab.Behaviour { return lab.Congestion }})
	h.load(0, 4)
	for _, r := range h.awaitRecords(4) {
		if r.Outcome != cdr.Congestion {
			t.Errorf("record %+v", r)
		}
	}
	if x := h.prospect(); x.Learned > 0 {
		t.Errorf("learned from %v calls", x.Learned)
	}
}

// TestAgentHearsAMachine has an agent say that a machine has answered: the record tells so,
// the lead is tried again as after a machine, and the call counts no more among those that
// a person answered, by which the ceiling of abandoned calls goes.
func TestAgentHearsAMachine(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 1, Campaign: "mode: predictive"})
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentTalking)
	answered := func(n int) func() bool {
		return func() bool {
			w := h.prospect().Windows
			return len(w) == 2 && w[0].Answered == n && w[1].Answered == n
		}
	}
	h.await("a person, as far as is known", answered(1))
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentWrapUp)
	if _, err := h.daemon.Dispose(t.Context(), "a1001", api.Disposition{Name: "answering_machine"}); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0]
	if r.Outcome != cdr.Machine || r.Disposition != "answering_machine" || r.Agent != "a1001" {
		t.Errorf("record %+v", r)
	}
	h.await("the machine to be counted as one", answered(0))
	x, err := h.daemon.ExplainLead(t.Context(), "test", r.LeadID)
	if again := time.Until(x.NextTry); err != nil || again < 3*time.Hour || again > 5*time.Hour {
		t.Errorf("it is tried again at %v (error %v): %s", x.NextTry, err, x.Summary)
	}
}

// TestGivenUp has the only agent leave while a telephone rings: once it has rung for as
// long as the law asks, the call is given up, and tried again as if it had rung in vain.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(h *house) (api.AgentStatus, error){
		"break": func(h *house) (api.AgentStatus, error) { return h.daemon.Pause(t.Context(), "a1001", "break") },
		"home":  func(h *house) (api.AgentStatus, error) { return h.daemon.Logout(t.Context(), "a1001") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := build(t, plan{
				Agents: 1, Campaign: "mode: predictive", RingTimeout: time.Minute, LeastRing: time.Second,
				Behave: func(string) lab.Behaviour { return lab.NoAnswer },
			})
			h.load(0, 1)
			h.await("a telephone that rings", func() bool {
				calls, err := h.daemon.Calls(t.Context())
				return err == nil && len(calls) == 1 && calls[0].State == api.CallRinging
			})
			if _, err := leave(h); err != nil {
				t.Fatal(err)
			}
			r := h.awaitRecords(1)[0]
			if r.Outcome != cdr.Cancelled || !r.GivenUp || r.HungUpBy != cdr.Ringpace || !r.Marks.Answered.IsZero() {
				t.Errorf("record %+v", r)
			}
			if rang := r.Marks.Ended.Sub(r.Marks.Ringing); rang < time.Second || rang > 30*time.Second {
				t.Errorf("it rang for %v", rang)
			}
			x, err := h.daemon.ExplainLead(t.Context(), "test", r.LeadID)
			if err != nil || time.Until(x.NextTry) < 2*time.Hour {
				t.Errorf("it is tried again at %v (error %v): %s", x.NextTry, err, x.Summary)
			}
			h.await("pacing to learn of it", func() bool { return h.prospect().Learned > 0.9 })
		})
	}
}
