package ledger

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"ringpace/pacing"
)

// skewed is how much this node's clock may differ from the one of Redis before the ends
// of windows are told by the former.
const skewed = time.Second

// Sync renews what this node reserves of a campaign's credit, the abandonments that its
// calls in flight may still cause, and returns the campaign's windows: with what has
// been counted, by whatever node, and with what the other nodes reserve. All that was
// told by Count before is in. Their Ends are told by this node's clock where that is
// wrong, so that what is left of a window is right.
//
// It is to be called once a second; it takes one round trip, and two where Redis has lost
// counts. On an error nothing is known, and nothing may be dialed.
func (l *Ledger) Sync(ctx context.Context, campaign string, reserve float64) ([]pacing.Window, error) {
	if !finite(reserve) || reserve < 0 {
		return nil, fmt.Errorf("%w, not %v", ErrReserve, reserve)
	}
	sp, err := spaceOf(campaign)
	if err != nil {
		return nil, err
	}
	if err := l.counted(ctx, campaign); err != nil {
		return nil, err
	}
	zone, rules := l.rules(campaign)
	var s state
	var now time.Time
	var today, from date
	for try := 0; ; try++ {
		today = dateAt(l.Now(), zone)
		from = today
		for _, r := range rules {
			from = min(from, r.Kind.earliest(today))
		}
		keys := []string{sp.ledger(), sp.reserved()}
		for d := from; d <= today+ahead; d++ {
			keys = append(keys, sp.day(d))
		}
		answer, err := l.run(ctx, l.scripts.sync, keys,
			l.cfg.Boot, strconv.FormatFloat(reserve, 'g', -1, 64), l.cfg.Lease.Milliseconds())
		if err != nil {
			return nil, err
		}
		if s, err = parseState(answer); err != nil {
			return nil, err
		}
		if now = l.hear(s.now); dateAt(now, zone) == today {
			break
		}
		if try == dateTries {
			return nil, ErrClock
		}
	}
	days, first, err := l.mend(ctx, sp, campaign, from, s)
	if err != nil {
		return nil, err
	}
	skew := l.cfg.wall().Sub(now)
	if skew.Abs() <= skewed {
		skew = 0
	}
	windows := make([]pacing.Window, len(rules))
	for i, r := range rules {
		windows[i] = r.window(today, first, days, zone)
		windows[i].Reserved = s.reserved
		windows[i].Ends = windows[i].Ends.Add(skew)
	}
	return windows, nil
}

// mend returns the counts of the days, and puts back into Redis what it has lost of them.
func (l *Ledger) mend(ctx context.Context, sp space, campaign string, from date, s state) (map[date]Counts, date, error) {
	first := l.memory.seeFirst(campaign, s.first)
	begin := ""
	if first < s.first {
		begin = first.String()
	}
	days := make(map[date]Counts)
	for i, f := range s.days {
		d := from + date(i)
		known, lost := l.memory.see(campaign, d, f)
		days[d] = known.counts()
		if len(lost) == 0 && (begin == "" || i < len(s.days)-1) {
			continue
		}
		args := []any{begin, keepDates.Milliseconds()}
		for name, n := range lost {
			args = append(args, name, n)
		}
		if _, err := l.run(ctx, l.scripts.raise, []string{sp.ledger(), sp.day(d)}, args...); err != nil {
			return nil, 0, err
		}
		l.log.Warn("redis had lost counts of abandonment; they are put back", "campaign", campaign, "date", d.String(), "fields", len(lost))
	}
	return days, first, nil
}

// state is the sync script's answer.
type state struct {
	now      int64 // ms
	reserved float64
	first    date
	days     []fields
}

func parseState(answer []any) (s state, err error) {
	if len(answer) < 4 {
		return s, fmt.Errorf("%w: the script answered %v", ErrCount, answer)
	}
	s.now, _ = answer[0].(int64)
	text, _ := answer[1].(string)
	if s.reserved, err = strconv.ParseFloat(text, 64); err != nil || !finite(s.reserved) || s.reserved < 0 || s.now == 0 {
		return s, fmt.Errorf("%w: %q is reserved", ErrCount, text)
	}
	s.first = never
	if text, _ = answer[2].(string); text != "" {
		if s.first, err = parseDate(text); err != nil {
			return s, err
		}
	}
	for _, day := range answer[3:] {
		flat, _ := day.([]any)
		f, err := parseFields(flat)
		if err != nil {
			return s, err
		}
		s.days = append(s.days, f)
	}
	return s, nil
}
