package gate

import (
	"time"

	"ringpace/dialer/lead"
)

// Today is how many attempts were made on the callee's current day. What is
// stored with the next attempt is one more.
func Today(r Rules, l *lead.Lead, now time.Time) int {
	return today(l, zonesOf(r, l, l.Number()), now)
}

// Clock is the time of day where the lead is: in the first of the zones in which they may
// be. It is zero where none is known.
func Clock(r Rules, l *lead.Lead, now time.Time) time.Time {
	zones := zonesOf(r, l, l.Number())
	if len(zones) == 0 {
		return time.Time{}
	}
	return now.In(zones[0])
}

// today counts l.Today as long as the day of the last attempt is not over in
// every zone in which the callee may be.
func today(l *lead.Lead, zones []*time.Location, now time.Time) int {
	if l.LastTry.IsZero() || !now.Before(endOfDay(l.LastTry, zones)) {
		return 0
	}
	return l.Today
}

// endOfDay is when the day that t falls on has ended in every zone; in UTC where
// there is none.
func endOfDay(t time.Time, zones []*time.Location) time.Time {
	if len(zones) == 0 {
		zones = []*time.Location{time.UTC}
	}
	var end time.Time
	for _, z := range zones {
		y, m, d := t.In(z).Date()
		next := time.Date(y, m, d+1, 0, 0, 0, 0, z)
		if next.In(z).Day() == d {
			// Midnight does not exist on that day (clocks go forward over it), and Date
			// chose the hour before: the day begins at the change.
			_, next = next.ZoneBounds()
		}
		if next.After(end) {
			end = next
		}
	}
	return end
}
