package ledger

import (
	"cmp"
	"time"

	"ringpace/pacing"
)

// Kind is how a window lies in the calendar.
type Kind string

// The kinds. All go from the begin of a day to the end of one, in the campaign's zone.
const (
	Day    Kind = "day"     // midnight to midnight
	Days30 Kind = "30_days" // each successive 30 days since the campaign's first answer (16 CFR 310.4(b)(4)(i))
	Month  Kind = "month"   // of the calendar
)

// WindowRule is one bound on abandonment. Its share is that of abandoned calls among those
// answered by a person, abandoned ones included. That is never below the share by the
// British method, which takes those that may have been machines out of the abandoned
// ones: so a campaign within the one is within the other.
type WindowRule struct {
	Name    string // as pacing and reports call it; "" for the kind's
	Kind    Kind
	Ceiling float64 // greatest share of the calls answered by a person that may be abandoned
}

// SafeWindows are those where no profile of law is chosen.
func SafeWindows() []WindowRule {
	return []WindowRule{{Kind: Day, Ceiling: 0.03}, {Kind: Days30, Ceiling: 0.03}}
}

// Campaign is what the ledger must know of a campaign to count for it.
type Campaign struct {
	Zone    *time.Location // in which its days begin; nil for UTC
	Windows []WindowRule   // none for SafeWindows
}

// period is the days of the window that today lies in, as first and the one after the
// last. first is the day of the campaign's first answer.
func (k Kind) period(today, first date) (from, to date) {
	switch k {
	case Days30:
		from = today
		if first < today {
			from = today - (today-first)%30
		}
		return from, from + 30
	case Month:
		t := today.utc()
		from = today - date(t.Day()-1)
		return from, civil(t.AddDate(0, 0, 1-t.Day()).AddDate(0, 1, 0))
	}
	return today, today + 1
}

// earliest is the first day that a window of that kind may hold, whenever the campaign
// began.
func (k Kind) earliest(today date) date {
	if k == Days30 {
		return today - 29
	}
	from, _ := k.period(today, today)
	return from
}

// ahead is how many days after today are looked at: the clock may have been set back since
// calls were counted on them.
const ahead = 1

// window sums up the days of a rule's window.
func (r WindowRule) window(today, first date, days map[date]Counts, zone *time.Location) pacing.Window {
	from, to := r.Kind.period(today, first)
	var sum Counts
	for d := from; d < to; d++ {
		sum = sum.plus(days[d])
	}
	// What was counted on days to come happened in fact before now: it is held against the
	// window, not for it.
	for d := max(to, today+1); d <= today+ahead; d++ {
		if c := days[d]; float64(c.Abandoned) > r.Ceiling*float64(c.Persons()) {
			sum = sum.plus(c)
		}
	}
	return pacing.Window{
		Name: cmp.Or(r.Name, string(r.Kind)), Ceiling: r.Ceiling,
		Answered: int(sum.Persons()), Abandoned: int(sum.Abandoned),
		Ends: to.begins(zone),
	}
}
