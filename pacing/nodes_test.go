package pacing

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// TestNodesShareWhatIsLearned holds that one pacer that decides for two nodes in turn learns
// from both as much as two pacers do from one each.
func TestNodesShareWhatIsLearned(t *testing.T) {
	decide := func(p *predictive, node string, at time.Time, s Snapshot, answered bool) {
		s.Node, s.Now = node, at
		if answered {
			p.Observe(Event{At: at.Add(-200 * time.Millisecond), Node: node, Kind: CallAnswered, Call: s.Calls[0]})
			s.Calls = s.Calls[1:]
		}
		p.Decide(s)
	}
	seconds := func(p *predictive) (dialing, ringing, busy float64) {
		m := &p.model
		for i := range stageBins {
			dialing += m.Calls.Dialing.Exposure[i]
			ringing += m.Calls.Ringing.Exposure[i]
		}
		for i := range handlingBins {
			busy += m.Handling.Exposure[i]
		}
		return dialing, ringing, busy
	}
	telephones := func(n int) Snapshot {
		s := busyFor(snapshot(2, 3, 0, n, 0), 20*time.Second)
		for i := range s.Calls {
			s.Calls[i].Since, s.Calls[i].Rings = noon.Add(-5*time.Second), noon.Add(-3*time.Second)
		}
		return s
	}
	both := must(t, Config{Mode: Predictive}).(*predictive)
	var apart [3]float64
	for i, node := range []string{"a", "b"} {
		one := must(t, Config{Mode: Predictive}).(*predictive)
		s := telephones(4 + i)
		for k := range 10 {
			decide(one, node, noon.Add(time.Duration(k)*time.Second), s, k == 9)
		}
		d, r, b := seconds(one)
		apart[0], apart[1], apart[2] = apart[0]+d, apart[1]+r, apart[2]+b
	}
	for k := range 10 {
		for i, node := range []string{"a", "b"} {
			// The nodes' clocks are told apart by some milliseconds.
			at := noon.Add(time.Duration(k)*time.Second + time.Duration(i*30)*time.Millisecond)
			decide(both, node, at, telephones(4+i), k == 9)
		}
	}
	d, r, b := seconds(both)
	for i, got := range []float64{d, r, b} {
		if want := apart[i]; got < 0.98*want || got > 1.02*want || want == 0 && i > 0 { // nobody was seen before it rang
			t.Errorf("%.2f s at risk in table %d, want %.2f", got, i, want)
		}
	}
	answered := 0.0
	for i := range stageBins {
		answered += both.model.Calls.Ringing.Answered[i]
	}
	if answered < 1.9 || answered > 2 {
		t.Errorf("%v answers learned of, want 2", answered)
	}
}

// TestElsewhereTakesCredit holds that the calls of other nodes take credit from a decision,
// and their agents bring answers that the rest of the window is reckoned with.
func TestElsewhereTakesCredit(t *testing.T) {
	p := taught(t, Config{Patience: 2 * time.Second, MaxInFlight: 40}, 2000)
	s := busyFor(snapshot(3, 17, 0, 0, 0), 40*time.Second)
	s.Windows = []Window{day(1000, 10)}
	decide := func(e Elsewhere) Decision {
		s.Elsewhere = e
		model := p.Model()
		defer p.Resume(model)
		return p.Decide(s)
	}
	alone := decide(Elsewhere{})
	if alone.Bound != ByRisk || alone.Spare < 1 || alone.Spare > 20 {
		t.Fatalf("alone: %s, %d abandonments to spare", alone.Bound, alone.Spare)
	}
	crowded := decide(Elsewhere{Lost: 12})
	if crowded.Bound != ByCredit || crowded.Dial >= alone.Dial || crowded.Predictive.Gate <= alone.Predictive.Gate || crowded.Spare != 20 {
		t.Errorf("with 12 answers lost elsewhere %d are dialed, by %s, %d to spare; alone %d", crowded.Dial, crowded.Bound, crowded.Spare, alone.Dial)
	}
	if more := decide(Elsewhere{Agents: 200}); more.Predictive.Share >= alone.Predictive.Share {
		t.Errorf("what was saved is spent on %v of the answers with 200 agents elsewhere, on %v alone", more.Predictive.Share, alone.Predictive.Share)
	}
	if full := decide(Elsewhere{Calls: 40}); full.Dial != 0 || full.Bound != ByMaximum {
		t.Errorf("%d are dialed by %s with max_in_flight calls elsewhere", full.Dial, full.Bound)
	}
	s.Windows = []Window{day(1000, 60)}
	if broke := decide(Elsewhere{}); broke.Spare != Unlimited {
		t.Errorf("%d abandonments to spare where there is no credit to lose", broke.Spare)
	}
}

// TestSnapshotsTravel holds that what a node tells of its agents and calls is the same where
// it is read.
func TestSnapshotsTravel(t *testing.T) {
	s := busyFor(snapshot(1, 2, 1, 1, 1), 30*time.Second)
	s.Calls[0].Lead = Lead{List: "a", Hour: "weekday 9", Attempt: "1", Previous: "busy", Number: "mobile"}
	s.Calls[0].Theta = 0.03
	s.Agents[1].Next, s.Agents[2].Ring, s.Agents[2].Until = true, 3*time.Second, noon
	told := Event{At: noon, Node: "b", Kind: AgentDone, Busy: noon}
	for _, x := range []any{&s.Agents, &s.Calls, &s.Limits, &told} {
		text, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		read := reflect.New(reflect.TypeOf(x).Elem()).Interface()
		if err := json.Unmarshal(text, read); err != nil || !reflect.DeepEqual(read, x) {
			t.Errorf("%s is read as %+v (%v)", text, read, err)
		}
	}
}

// TestStopped holds that where no pacer is asked nothing is dialed, and why.
func TestStopped(t *testing.T) {
	s := snapshot(3, 1, 2, 0, 0)
	s.Limits.Stop = "another node decides"
	d := Stopped(Config{Mode: Predictive}, s)
	if d.Dial != 0 || d.Bound != ByStop || d.Free != 3 || d.InFlight != 2 || d.Explain() == "" || d.Stop != s.Limits.Stop {
		t.Errorf("%+v", d)
	}
}
