package gate

import (
	"fmt"
	"slices"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
)

// Retry says whether and when a person is tried again.
type Retry struct {
	Delay time.Duration `yaml:"delay"` // from the end of the attempt
	Max   int           `yaml:"max"`   // how often after this outcome, over the lead's life; 0 is never
}

// Policy is a campaign's retry rules.
type Policy struct {
	MaxAttempts  int                   // attempts that reached the callee's network, in all; 0 is no limit
	Outcomes     map[cdr.Outcome]Retry // an outcome that is missing is never tried again
	Dispositions map[string]Retry      // by name: overrides the outcome's rule
}

// DefaultRetries is a retry rule for every outcome, to be tuned per campaign.
func DefaultRetries() map[cdr.Outcome]Retry {
	const day = 24 * time.Hour
	return map[cdr.Outcome]Retry{
		cdr.Person:        {},
		cdr.Machine:       {Delay: 4 * time.Hour, Max: 3},
		cdr.Screened:      {Delay: day, Max: 1},
		cdr.Fax:           {},
		cdr.Silence:       {Delay: 4 * time.Hour, Max: 2},
		cdr.Busy:          {Delay: 10 * time.Minute, Max: 5},
		cdr.NoAnswer:      {Delay: 3 * time.Hour, Max: 5},
		cdr.Rejected:      {Delay: day, Max: 1},
		cdr.InvalidNumber: {Delay: time.Minute},
		cdr.Unreachable:   {Delay: 2 * time.Hour, Max: 5},
		cdr.Suspended:     {Delay: day, Max: 2},
		cdr.Blocked:       {Delay: day, Max: 1},
		cdr.Congestion:    {Delay: 5 * time.Minute, Max: 20},
		cdr.TrunkFailure:  {Delay: 5 * time.Minute, Max: 20},
		cdr.Abandoned:     {Delay: 3 * day, Max: 1},
		cdr.Cancelled:     {Delay: 15 * time.Minute, Max: 3},
		cdr.Interrupted:   {Delay: 15 * time.Minute, Max: 3},
		cdr.Skipped:       {},
	}
}

// Plan is what becomes of a lead after an attempt.
type Plan struct {
	Due    time.Time // when it may be tried again; zero if Final
	Final  bool      // not tried again
	Dead   bool      // the number that was dialed does not exist, and is not dialed again
	Reason string    // in words, for people
}

// Next plans what becomes of a lead after the attempt that rec tells of. l is the
// lead as it was claimed for that attempt: neither its Attempts nor its Outcomes
// count it. rec needs Outcome, Number, Ordinal and Disposition.
func Next(p Policy, l *lead.Lead, rec *cdr.Record, now time.Time) Plan {
	after := *l
	if after.Attempts++; rec.Ordinal > 0 {
		after.Attempts = rec.Ordinal
	}
	dead := rec.Outcome == cdr.InvalidNumber
	if dead {
		after.Dead = append(slices.Clone(l.Dead), rec.Number)
	}
	outcome, before := rec.Outcome, l.Outcomes[string(rec.Outcome)]
	if rec.GivenUp && outcome == cdr.Cancelled { // it has rung for as long as the law asks
		outcome = cdr.NoAnswer
		before += l.Outcomes[string(outcome)]
	}
	retry := p.Outcomes[outcome]
	name := string(outcome)
	if r, ok := p.Dispositions[rec.Disposition]; ok {
		retry, name = r, rec.Disposition
	}
	times := before + 1
	tried := counted(&after)
	if rec.Outcome == cdr.Congestion || rec.Outcome == cdr.TrunkFailure {
		tried--
	}

	plan := Plan{Final: true, Dead: dead}
	switch {
	case after.Number() == "":
		plan.Reason = "no number is left"
	case p.MaxAttempts > 0 && tried >= p.MaxAttempts:
		plan.Reason = fmt.Sprintf("tried %d times, and %d are allowed", tried, p.MaxAttempts)
	case dead:
		plan = Plan{Dead: true, Due: now.Add(retry.Delay), Reason: "another number of the same person is left"}
	case times > retry.Max && retry.Max == 0:
		plan.Reason = name + " is final"
	case times > retry.Max:
		plan.Reason = fmt.Sprintf("%s %d times over, and %d retries are allowed", name, times, retry.Max)
	default:
		plan = Plan{Due: now.Add(retry.Delay), Reason: fmt.Sprintf("retry %d of %d after %s", times, retry.Max, name)}
	}
	return plan
}
