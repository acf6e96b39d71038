package workload

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"
)

var nine = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) // a Monday

func daytime(t time.Time) bool { return t.Hour() >= 9 && t.Hour() < 17 }

// simple is a list of which a fifth answers, everybody is called once, and agents take 100 s.
func simple(leads, agents int) *Work {
	w := &Work{
		Start: nine, Each: 1, Agents: agents, Pace: Pace{Predictive: true, Answer: 10, Cycle: 20},
		Handling: Mean{100, 1e6}, Answers: Share{2e5, 1e6}, Others: []Ending{{"busy", 0.3}, {"no_answer", 0.7}},
		Odds:  func(*Lead, time.Time) float64 { return 1 },
		Retry: func(*Lead, *Ending) (time.Duration, bool) { return 0, false },
	}
	for i := range leads {
		w.Leads = append(w.Leads, Lead{Hours: daytime, Index: i})
	}
	return w
}

func forecast(t *testing.T, w *Work) *Course {
	t.Helper()
	c, err := w.Forecast(t.Context(), 60, 1)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *Course) sums() (calls, contacts, finished float64) {
	for _, h := range c.Hours {
		calls += h.Calls.Mean
		contacts += h.Contacts.Mean
		finished += h.Finished.Mean
	}
	return calls, contacts, finished
}

// TestCourseComesOutAsReckoned holds a forecast against what can be reckoned: 2,000 leads of
// whom 400 answer for 100 s each are 40,000 s of work; ten agents who are busy for 82 % of
// their time take 4,900 s.
func TestCourseComesOutAsReckoned(t *testing.T) {
	w := simple(2000, 10)
	busy := w.Pace.busy(10, 0.2, 100)
	if math.Abs(busy-0.816) > 0.001 {
		t.Fatalf("agents are busy for %.3f", busy)
	}
	c := forecast(t, w)
	calls, contacts, finished := c.sums()
	if math.Abs(calls-2000) > 1 || math.Abs(contacts-400) > 15 || math.Abs(finished-2000) > 1 {
		t.Errorf("%.0f calls, %.0f contacts, %.0f finished", calls, contacts, finished)
	}
	want := nine.Add(time.Duration(40000 / (10 * busy) * float64(time.Second)))
	if off := c.Done.Median.Sub(want).Abs(); off > 5*time.Minute {
		t.Errorf("done at %s, want %s", c.Done.Median, want)
	}
	if !c.Done.Low.Before(c.Done.Median) || !c.Done.High.After(c.Done.Median) {
		t.Errorf("%+v", c.Done)
	}
	if u := c.Hours[0].Utilisation; math.Abs(u.Mean-busy) > 0.02 || u.Low >= u.Mean || u.High <= u.Mean {
		t.Errorf("utilisation %+v, want %.3f", u, busy)
	}
	// With progressive pacing an agent waits for five calls of 18 s.
	w.Pace = Pace{Lines: 1, Answer: 10, Cycle: 20}
	if u := forecast(t, w).Hours[0].Utilisation.Mean; math.Abs(u-100./190) > 0.02 {
		t.Errorf("utilisation %.3f in progressive mode", u)
	}
	// A tenth of the leads, each of which stands for ten, tell the same.
	sample := simple(200, 10)
	sample.Each = 10
	if off := forecast(t, sample).Done.Median.Sub(want).Abs(); off > 15*time.Minute {
		t.Errorf("by a sample it is done %s off", off)
	}
}

func TestCourseKeepsHours(t *testing.T) {
	w := simple(1000, 1)
	w.Working = func(at time.Time) bool { return at.Weekday() != time.Tuesday }
	c := forecast(t, w)
	for _, h := range c.Hours {
		if !daytime(h.At) || h.At.Weekday() == time.Tuesday {
			t.Errorf("it is called at %s", h.At)
		}
	}
	if len(c.Hours) < 10 || c.Done.Median.Weekday() != time.Wednesday {
		t.Errorf("%d hours, done at %s", len(c.Hours), c.Done.Median)
	}
	for i := 1; i < len(c.Hours); i++ {
		if c.Hours[i].Left.Mean > c.Hours[i-1].Left.Mean {
			t.Errorf("more are left after %s than before", c.Hours[i].At)
		}
	}
	never := simple(10, 1)
	never.Leads[3].Hours = func(time.Time) bool { return false }
	if c := forecast(t, never); !c.Done.Median.IsZero() || !c.Done.Low.IsZero() {
		t.Errorf("a lead that may never be called is done at %v", c.Done)
	}
}

// TestRetriesAreMade has who is busy called again after two hours, thrice, and nobody twice a
// day.
func TestRetriesAreMade(t *testing.T) {
	w := simple(500, 20)
	w.Retry = func(l *Lead, e *Ending) (time.Duration, bool) {
		return 2 * time.Hour, e.Name == "busy" && l.Outcomes["busy"] < 3
	}
	calls, _, finished := forecast(t, w).sums()
	again := 0.8 * 0.3
	if want := 500 * (1 + again + again*again + again*again*again); math.Abs(calls-want) > 20 || math.Abs(finished-500) > 1 {
		t.Errorf("%.0f calls, want %.0f; %.0f finished", calls, want, finished)
	}
	if c := forecast(t, w); c.Done.Median.Sub(nine) < 4*time.Hour || c.Done.Median.Sub(nine) > 8*time.Hour {
		t.Errorf("done at %s", c.Done.Median)
	}
	w.PerDay = 1
	if c := forecast(t, w); c.Done.Median.Sub(nine) < 48*time.Hour {
		t.Errorf("with one attempt a day it is done at %s", c.Done.Median)
	}
	if w.Leads[0].Attempts != 0 || w.Leads[0].Outcomes != nil {
		t.Error("the forecast has changed the work")
	}
}

// TestLittleKnownIsUncertain holds that what few calls tell leaves a wide interval.
func TestLittleKnownIsUncertain(t *testing.T) {
	w := simple(5000, 10)
	sure := forecast(t, w).Done
	w.Answers, w.Handling.Cases = Share{4, 20}, 5
	unsure := forecast(t, w).Done
	if a, b := sure.High.Sub(sure.Low), unsure.High.Sub(unsure.Low); b < 3*a {
		t.Errorf("the interval is %s by much and %s by little", a, b)
	}
}

func TestWorkThatMakesNoSense(t *testing.T) {
	for name, spoil := range map[string]func(*Work){
		"no agents":         func(w *Work) { w.Agents = 0 },
		"no handling":       func(w *Work) { w.Handling.Mean = 0 },
		"nobody answers":    func(w *Work) { w.Answers.Hits = 0 },
		"everybody answers": func(w *Work) { w.Answers.Hits = w.Answers.Of },
		"no retries":        func(w *Work) { w.Retry = nil },
		"no odds":           func(w *Work) { w.Odds = nil },
		"no hours":          func(w *Work) { w.Leads[0].Hours = nil },
	} {
		w := simple(1, 1)
		spoil(w)
		if _, err := w.Forecast(t.Context(), 1, 1); !errors.Is(err, ErrWork) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := simple(1, 1).Forecast(ctx, 1, 1); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if c := forecast(t, simple(0, 1)); len(c.Hours) != 0 || !c.Done.Median.Equal(nine) {
		t.Errorf("an empty list: %+v", c)
	}
}
