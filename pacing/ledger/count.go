package ledger

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const (
	keepDates = 400 * 24 * time.Hour
	keepCalls = 8 * 24 * time.Hour
	// An older call that is not on record any more is not counted anew. Its day's hash lives
	// longer than that by the day that a call may last.
	lateCall = 7 * 24 * time.Hour

	dateTries = 4 // of finding the date on which a call counts
)

// count runs the script, under the date that the call is on record or, by the Redis
// clock, was answered.
func (l *Ledger) count(ctx context.Context, e Entry) error {
	sp, err := spaceOf(e.Campaign)
	if err != nil {
		return err
	}
	zone, _ := l.rules(e.Campaign)
	id := callID{e.Campaign, e.Attempt}
	record := l.memory.call(id)
	age := max(time.Since(e.Answered), 0).Truncate(time.Millisecond)
	d, known := recordDate(record)
	if !known {
		d = dateAt(l.Now().Add(-age), zone)
	}
	for range dateTries {
		least := l.memory.own(e.Campaign, d, l.cfg.Node)
		answer, err := l.run(ctx, l.scripts.count,
			[]string{sp.ledger(), sp.day(d), sp.calls(e.Attempt)},
			e.Attempt, string(e.Verdict), record, d.String(), age.Milliseconds(),
			d.begins(zone).UnixMilli(), (d + 1).begins(zone).UnixMilli(), l.cfg.Node,
			least.Answered, least.Abandoned, least.Machine, least.Detected,
			keepDates.Milliseconds(), keepCalls.Milliseconds(), lateCall.Milliseconds())
		if err != nil {
			return err
		}
		got, err := parseCounted(answer)
		if err != nil {
			return err
		}
		l.hear(got.now)
		switch got.word {
		case "counted", "repeat":
			l.memory.see(e.Campaign, d, ownFields(l.cfg.Node, got.own))
			l.memory.seeFirst(e.Campaign, d)
			l.memory.seeCall(id, got.record)
			return nil
		case "time":
			d = dateAt(time.UnixMilli(got.now).Add(-age), zone)
		case "date":
			if d, known = recordDate(got.record); !known {
				return fmt.Errorf("%w: the call is on record as %q", ErrCount, got.record)
			}
		case "late":
			l.log.Error("a call is too old to be counted; its record has what it was", "attempt", e.Attempt, "age", age)
			return nil
		case "nothing":
			return nil
		}
	}
	return ErrClock
}

// counted is the count script's answer.
type counted struct {
	word   string
	now    int64 // ms
	record string
	own    Counts
}

func parseCounted(answer []any) (c counted, err error) {
	at := func(i int) any {
		if i < len(answer) {
			return answer[i]
		}
		return nil
	}
	c.word, _ = at(0).(string)
	c.now, _ = at(1).(int64)
	c.record, _ = at(2).(string)
	for i, n := range []*int64{&c.own.Answered, &c.own.Abandoned, &c.own.Machine, &c.own.Detected} {
		*n, _ = at(3 + i).(int64)
	}
	if c.word == "" || c.now == 0 {
		return c, fmt.Errorf("%w: the script answered %v", ErrCount, answer)
	}
	return c, nil
}

// recordDate is the date under which a call is on record.
func recordDate(record string) (date, bool) {
	text, _, _ := strings.Cut(record, " ")
	d, err := parseDate(text)
	return d, err == nil
}
