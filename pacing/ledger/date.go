package ledger

import (
	"fmt"
	"sort"
	"time"
)

// date is a day of the calendar, counted from 1 January 1970.
type date int

const dateForm = time.DateOnly

func civil(t time.Time) date {
	y, m, d := t.Date()
	return date(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

func (d date) utc() time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

func (d date) String() string { return d.utc().Format(dateForm) }

func parseDate(s string) (date, error) {
	t, err := time.Parse(dateForm, s)
	if err != nil {
		return 0, fmt.Errorf("%w: %q is no date", ErrCount, s)
	}
	return civil(t), nil
}

// begins is the first instant of the day in a zone. That is not midnight where the
// clocks go forward over it, and the first of two where they go back over it.
func (d date) begins(zone *time.Location) time.Time {
	const reach = 26 * 60 * 60 // no zone is further from UTC, in seconds
	from := d.utc().Unix() - reach
	n := sort.Search(2*reach, func(i int) bool {
		return civil(time.Unix(from+int64(i), 0).In(zone)) >= d
	})
	return time.Unix(from+int64(n), 0).In(zone)
}

// dateAt is the day that t falls on in a zone.
func dateAt(t time.Time, zone *time.Location) date {
	d := civil(t.In(zone))
	for t.Before(d.begins(zone)) {
		d--
	}
	for !t.Before((d + 1).begins(zone)) {
		d++
	}
	return d
}
