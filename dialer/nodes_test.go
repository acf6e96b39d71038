package dialer_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab"
	"ringpace/dialer/lab/peers"
	"ringpace/dialer/store"
)

// fact is what an explanation says of something; "" if nothing.
func fact(x api.Explanation, name string) string {
	for _, f := range x.Facts {
		if f.Name == name {
			return f.Value + "; " + f.Note
		}
	}
	return ""
}

// TestTwoNodes has two daemons with agents of their own work off one list in mode
// predictive, over one Redis and one carrier. More are abandoned from the start than the
// ceiling bears, so that the credit binds at both: the second one's by what the first
// tells it. Both dial, as the first decides, for agents only who are free; no lead is
// dialed twice and nobody is abandoned at either. Then the first is killed while its calls
// ring: the second takes over, counts those calls against the ceiling until they are
// ended in the books, and dials their leads again.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	const people, silent, delay = 24, 4, 10 * time.Second
	const answered, abandoned = 100, 10
	redis := peers.Redis(t)
	settings := func(node string, first int) plan {
		return plan{
			Node: node, FirstAgent: first, Agents: 2, AgentSet: "wrap_up: 0s", Redis: redis.URL(), Talk: 300 * time.Millisecond,
			RingTimeout: 4 * time.Second, Behave: func(n string) lab.Behaviour {
				if n < number(people) {
					return lab.Person
				}
				return lab.NoAnswer
			},
			Campaign: fmt.Sprintf("mode: predictive\n    max_attempts: 100\n    max_attempts_per_day: 100\n    give_up: false\n"+
				"    retry:\n      interrupted: {delay: %v, max: 100}\n      no_answer: {delay: 1h, max: 0}", delay),
		}
	}
	watcher, err := store.Open(t.Context(), store.Config{URL: redis.URL(), Node: "watcher", JournalDir: t.TempDir(), Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = watcher.Close(t.Context()) })
	spend(t, watcher, answered, abandoned)
	a := &house{t: t, dir: t.TempDir(), log: &logBuffer{}, killed: true}
	first := settings("a", 1001)
	a.openLab(first)
	a.rewrite(first)
	child := a.spawn()
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(a.dir, "daemon.log"))
			t.Log(string(log))
		}
	})
	a.await("the first node to have the campaign", func() bool {
		own, err := watcher.Ownership(t.Context(), "test")
		return err == nil && own.Node == "a"
	})

	h := &house{t: t, dir: t.TempDir(), log: &logBuffer{}, carrier: a.carrier, killed: true}
	second := settings("b", 2001)
	second.Trunk = fmt.Sprintf("server: %q\n    domain: carrier.example\n    register: true\n    username: bank\n    password: vault", a.carrier.Addr().String())
	h.openLab(second)
	h.configure(second)
	h.start(second)
	h.awaitTrunk()
	h.awaitAgent("a2001", api.AgentReady)
	h.awaitAgent("a2002", api.AgentReady)
	h.await("a grant", func() bool {
		x := h.explain()
		return strings.HasPrefix(fact(x, "decided_by"), "a;") && x.Decision.Predictive != nil
	})
	h.await("the credit to bind at the second node", func() bool {
		d := h.explain().Decision
		w := d.Predictive.Windows
		return len(w) == 2 && w[1].Answered == answered && w[1].Abandoned == abandoned && d.Predictive.Credit < 0 &&
			slices.Contains(d.Limits, api.Allowance{Limit: "credit", Calls: 2})
	})

	h.load(0, people)
	by := map[string]int{}
	for _, r := range h.awaitRecords(people) {
		by[r.Node]++
		if r.Outcome != cdr.Person {
			t.Errorf("%s: %s", r.Number, r.Outcome)
		}
	}
	if by["a"] == 0 || by["b"] == 0 || by["a"]+by["b"] != people {
		t.Errorf("calls by node: %v", by)
	}
	h.await("the counts of both", func() bool {
		windows, err := watcher.Ledger().Sync(t.Context(), "test", 0)
		return err == nil && windows[1].Answered == answered+people && windows[1].Abandoned == abandoned
	})

	h.await("what was learned of both nodes' calls to be saved", func() bool {
		m, found, err := watcher.Ledger().Load(t.Context(), "test")
		answered := 0.0
		for i := range m.Calls.Ringing.Answered {
			answered += m.Calls.Ringing.Answered[i] + m.Calls.Dialing.Answered[i]
		}
		return err == nil && found && answered > people-2
	})

	for _, id := range []string{"a2001", "a2002"} {
		if _, err := h.daemon.Pause(t.Context(), id, "break"); err != nil {
			t.Fatal(err)
		}
	}
	h.load(people, people+silent)
	ringing := func() (numbers []string) {
		for _, c := range a.carrier.Calls() {
			if c.Behaviour == lab.NoAnswer && c.Ended.IsZero() {
				numbers = append(numbers, c.Number)
			}
		}
		return numbers
	}
	a.await("calls that ring", func() bool { return len(ringing()) > 0 })
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	cut := ringing()
	h.await("the second node to decide, with the first one's calls against its credit", func() bool {
		x := h.explain()
		p := x.Decision.Predictive
		return p != nil && strings.Contains(fact(x, "node_a"), "not heard of") && p.Gate >= 1
	})
	for _, id := range []string{"a2001", "a2002"} {
		if _, err := h.daemon.Ready(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	h.awaitFor(time.Minute, "the end of the list", func() bool {
		counts, err := h.daemon.LeadCounts(t.Context(), "test")
		return err == nil && counts.States["done"] == people+silent
	})
	h.awaitFor(time.Minute, "the dead node to be forgotten", func() bool { return fact(h.explain(), "node_a") == "" })
	if p := h.prospect(); p.Lost != 0 || p.Learned < people-2 {
		t.Errorf("%v are expected to find nobody, learned from %v calls", p.Lost, p.Learned)
	}

	dialed, interrupted := map[string]int{}, map[string]int{}
	for _, c := range a.carrier.Calls() {
		dialed[c.Number]++
	}
	for _, r := range h.records() {
		if r.Outcome == cdr.Interrupted {
			interrupted[r.Number]++
		}
	}
	for i := range people + silent {
		n := number(i)
		if times := interrupted[n]; times > 1 || times == 0 && slices.Contains(cut, n) || i < people && times > 0 { // one may have been cut off before its INVITE
			t.Errorf("%s was cut off %d times", n, interrupted[n])
		}
		if dialed[n] < 1 || dialed[n] > 1+interrupted[n] {
			t.Errorf("%s was dialed %d times and cut off %d times", n, dialed[n], interrupted[n])
		}
	}
}
