package workload

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrWork is wrapped by the errors of a list that nothing can be foretold of.
var ErrWork = errors.New("workload")

// Work is a list and who works on it.
type Work struct {
	Start time.Time
	Leads []Lead  // that are not done: all, or some picked at random
	Each  float64 // how many each of them stands for, at least 1

	Agents  int                       // at work
	Working func(hour time.Time) bool // whether agents are; nil: whenever leads may be called
	Pace    Pace

	Handling Mean  // seconds that a call takes of an agent, with wrap-up
	Answers  Share // of dials, answered by a person
	Others   []Ending
	// Odds is how many times as often as others a lead answers at an hour.
	Odds func(l *Lead, hour time.Time) float64

	// Retry says whether a lead that is as given is tried again after a call that came to
	// an ending, and after how long.
	Retry func(l *Lead, e *Ending) (after time.Duration, again bool)
	// PerDay is how often a lead is tried on a day, at most; 0 for no limit.
	PerDay int
}

// Lead is one of the list. The work does not change it.
type Lead struct {
	Attempts int            // so far
	Today    int            // of them, on the first day
	Outcomes map[string]int // what they came to
	Due      time.Time      // not dialed before
	Hours    func(hour time.Time) bool
	Index    int // the caller's own
}

// Ending is what a call may come to.
type Ending struct {
	Name  string
	Share float64 // of the calls that no person answered: all others together come to 1
}

// Person is the name of the ending of calls that a person answered.
const Person = "person"

// Share is of Of cases, of which Hits were hits; it may have a prior in both.
type Share struct{ Hits, Of float64 }

// Mean is known from so many cases.
type Mean struct{ Mean, Cases float64 }

// Pace is how a mode of pacing keeps agents busy.
type Pace struct {
	Predictive bool
	Lines      float64 // other modes: calls for each free agent
	Answer     float64 // seconds from a dial to the answer, on average
	Cycle      float64 // seconds that a call without an answer takes, on average
}

// busy is the share of their time that n agents are busy, where a share p of calls is
// answered and each answer keeps one busy for so many seconds.
//
// With one call for each free agent an agent waits for 1/p calls. In predictive mode the time
// that agents wait goes as the square root of the time to the answer over what all of them
// together need for a call: how many answers come while one waits for an answer is known
// that badly. The factor is that of simulated days of 5 to 50 agents.
func (k *Pace) busy(n int, p, handling float64) float64 {
	if k.Predictive {
		const factor = 1.3
		return 1 - min(factor*math.Sqrt(2*k.Answer/(handling*float64(n))), 0.95)
	}
	wait := (k.Answer*p + k.Cycle*(1-p)) / p / max(k.Lines, 1)
	return handling / (handling + wait)
}

// Check says whether anything can be foretold. Its error wraps ErrWork.
func (w *Work) Check() error {
	switch {
	case w.Agents < 1:
		return fmt.Errorf("%w: without agents it never ends", ErrWork)
	case !(w.Handling.Mean > 0) || !(w.Answers.Of > w.Answers.Hits) || !(w.Answers.Hits > 0):
		return fmt.Errorf("%w: %v s for each call, %v of %v answered", ErrWork, w.Handling.Mean, w.Answers.Hits, w.Answers.Of)
	case w.Retry == nil || w.Odds == nil || len(w.Others) == 0 || w.Each < 1:
		return fmt.Errorf("%w: it does not say what becomes of calls", ErrWork)
	}
	for i := range w.Leads {
		if w.Leads[i].Hours == nil {
			return fmt.Errorf("%w: lead %d has no calling hours", ErrWork, i)
		}
	}
	return nil
}
