package dialer

import (
	"fmt"
	"strconv"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/dialer/gate"
	"ringpace/dialer/lead"
	"ringpace/pacing"
)

// known is what pacing may know of a lead, as far as it may tell how likely they are to
// answer.
func known(r gate.Rules, l *lead.Lead, now time.Time) pacing.Lead {
	return pacing.Lead{
		List: l.List, Hour: hourOf(gate.Clock(r, l, now)), Attempt: ordinalOf(l.Attempts + 1),
		Previous: previousOf(l), Number: lead.Kind(l.Number()),
	}
}

// hourOf is the hour of the day, of weekdays and of weekends.
func hourOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	day := "weekday"
	if d := t.Weekday(); d == time.Saturday || d == time.Sunday {
		day = "weekend"
	}
	return fmt.Sprintf("%s %02d", day, t.Hour())
}

func ordinalOf(attempt int) string {
	const most = 4
	if attempt >= most {
		return strconv.Itoa(most) + "+"
	}
	return strconv.Itoa(attempt)
}

// previousOf is what the attempts so far came to most often; of outcomes that came as
// often as one another, the first in the order of cdr.All.
func previousOf(l *lead.Lead) string {
	most, times := "", 0
	for _, o := range cdr.All() {
		if n := l.Outcomes[string(o)]; n > times {
			most, times = string(o), n
		}
	}
	return most
}
