package gate

import (
	"fmt"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
)

// Rules is what a campaign's leads are held against before they are dialed.
type Rules struct {
	Hours             Hours
	Zone              *time.Location // where neither the lead nor its number tells the time zone; nil: such a lead is skipped
	MaxAttempts       int            // that reached the callee's network, in all; 0 is no limit
	MaxAttemptsPerDay int            // of the callee's day; 0 is no limit
}

// Action is what a verdict asks for.
type Action uint8

// The actions.
const (
	Allow Action = iota // dial now
	Wait                // not before Until
	Skip                // never
)

// String names the action.
func (a Action) String() string {
	switch a {
	case Allow:
		return "allow"
	case Wait:
		return "wait"
	case Skip:
		return "skip"
	}
	return fmt.Sprintf("action %d", uint8(a))
}

// Rule names a rule, as it stands in Record.Rule and in `ringpace explain`.
type Rule string

// The rules.
const (
	RuleNumber    Rule = "no_number"            // no number is left that could be dialed
	RuleDeadline  Rule = "deadline"             // the lead's deadline is past, or will be before it may be called
	RuleAttempts  Rule = "max_attempts"         // tried often enough
	RuleDue       Rule = "due"                  // wanted later
	RulePerDay    Rule = "max_attempts_per_day" // tried often enough today
	RuleTimeZone  Rule = "time_zone"            // nothing tells the callee's time
	RuleHours     Rule = "hours"                // outside of calling hours at the callee's
	RuleNeverOpen Rule = "hours_never"          // no time is inside calling hours in every zone where the callee may be
)

// Verdict is what the rules say of one lead at one time.
type Verdict struct {
	Action Action
	Until  time.Time // Wait: the first time at which the same rules would allow it
	Rule   Rule      // empty for Allow
	Reason string    // the rule in words, for people; empty for Allow
}

// candidate is one lead under judgement.
type candidate struct {
	*Rules
	*lead.Lead
	number string
	zones  []*time.Location
	now    time.Time
}

// rules in the order in which they are asked. A Skip ends it; a Wait moves the
// time that the following rules are asked about, so that what is left at the end
// is a time that every one of them allows.
func rules() []func(*candidate) Verdict {
	return []func(*candidate) Verdict{
		(*candidate).reachable, (*candidate).deadline, (*candidate).attempts, (*candidate).zone,
		(*candidate).due, (*candidate).perDay, (*candidate).hours, (*candidate).deadline,
	}
}

// Judge says whether a lead may be dialed now.
func Judge(r Rules, l *lead.Lead, now time.Time) Verdict {
	number := l.Number()
	c := &candidate{Rules: &r, Lead: l, number: number, zones: zonesOf(r, l, number), now: now}
	var first Verdict // what the lead waits for now
	for _, rule := range rules() {
		v := rule(c)
		switch v.Action {
		case Skip:
			return v
		case Wait:
			if first.Action == Allow {
				first = v
			}
			c.now = v.Until
		}
	}
	if first.Action == Wait {
		first.Until = c.now
	}
	return first
}

func zonesOf(r Rules, l *lead.Lead, number string) []*time.Location {
	if zones := l.Zones(number); len(zones) > 0 {
		return zones
	}
	if r.Zone != nil {
		return []*time.Location{r.Zone}
	}
	return nil
}

func (c *candidate) reachable() Verdict {
	switch {
	case c.number != "":
		return Verdict{}
	case len(c.Numbers) == 0:
		return skip(RuleNumber, "the lead has no number")
	}
	return skip(RuleNumber, "the network said of every number of the lead that it does not exist")
}

func (c *candidate) deadline() Verdict {
	if c.asked() || c.Deadline.IsZero() || c.now.Before(c.Deadline) {
		return Verdict{}
	}
	return skip(RuleDeadline, "the deadline (%s) comes before the lead may be called", c.Deadline.Format(time.RFC3339))
}

func (c *candidate) attempts() Verdict {
	if c.asked() {
		return Verdict{}
	}
	if n := counted(c.Lead); c.MaxAttempts > 0 && n >= c.MaxAttempts {
		return skip(RuleAttempts, "tried %d times, and %d are allowed", n, c.MaxAttempts)
	}
	return Verdict{}
}

// asked reports whether the person wants to be called: then nobody has called too often.
func (c *candidate) asked() bool { return !c.Callback.Asked.IsZero() }

// counted is the attempts that the callee's network saw. Those that failed on our
// side are no reason to give a person up.
func counted(l *lead.Lead) int {
	return l.Attempts - l.Outcomes[string(cdr.Congestion)] - l.Outcomes[string(cdr.TrunkFailure)]
}

func (c *candidate) zone() Verdict {
	if len(c.zones) > 0 {
		return Verdict{}
	}
	return skip(RuleTimeZone, "neither the lead nor its number %s tells its time zone, and the campaign has none", c.number)
}

func (c *candidate) due() Verdict {
	if c.Due.After(c.now) {
		return wait(c.Due, RuleDue, "due at %s", c.Due.Format(time.RFC3339))
	}
	return Verdict{}
}

func (c *candidate) perDay() Verdict {
	if c.asked() || c.MaxAttemptsPerDay <= 0 || today(c.Lead, c.zones, c.now) < c.MaxAttemptsPerDay {
		return Verdict{}
	}
	return wait(endOfDay(c.LastTry, c.zones), RulePerDay, "tried %d times on the callee's day, and %d are allowed",
		c.Today, c.MaxAttemptsPerDay)
}

func (c *candidate) hours() Verdict {
	closed := -1
	for i, z := range c.zones {
		if !c.Hours.Open(c.now.In(z)) {
			closed = i
			break
		}
	}
	if closed < 0 {
		return Verdict{}
	}
	until, ok := c.Hours.NextOpen(c.now, c.zones)
	if !ok {
		return skip(RuleNeverOpen, "the calling hours (%s) have no time that is inside in %s", c.Hours, zoneNames(c.zones))
	}
	at := c.now.In(c.zones[closed])
	return wait(until, RuleHours, "%s in %s is outside the calling hours (%s)", at.Format("Mon 15:04"), c.zones[closed], c.Hours)
}

func zoneNames(zones []*time.Location) string {
	if len(zones) > 3 {
		return fmt.Sprintf("all of the number's %d time zones", len(zones))
	}
	s := ""
	for i, z := range zones {
		if i > 0 {
			s += " and "
		}
		s += z.String()
	}
	return s
}

func skip(r Rule, format string, args ...any) Verdict {
	return Verdict{Action: Skip, Rule: r, Reason: fmt.Sprintf(format, args...)}
}

func wait(until time.Time, r Rule, format string, args ...any) Verdict {
	return Verdict{Action: Wait, Until: until, Rule: r, Reason: fmt.Sprintf(format, args...)}
}
