package gate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Hours are the times at which people may be called, by the callee's clock: a
// time is inside when any of the windows holds it. No window means never.
type Hours []Window

// Window is a span of the clock that begins on each of some weekdays. One that
// ends at or before its beginning reaches into the following day.
type Window struct {
	Days Days
	From int // minutes after midnight, 0 to 1439
	To   int // minutes after midnight, 1 to 1440; never equal to From
}

// Days is a set of weekdays: bit 1<<time.Monday and so on.
type Days uint8

// EveryDay is the set of all weekdays.
const EveryDay Days = 1<<7 - 1

// Has reports whether the set holds d.
func (s Days) Has(d time.Weekday) bool { return s&(1<<d) != 0 }

// Always is open at every time.
func Always() Hours { return Hours{{Days: EveryDay, From: 0, To: 24 * 60}} }

// Daytime is 08:00 to 20:00 on every day, the default where nothing is chosen.
func Daytime() Hours { return Hours{{Days: EveryDay, From: 8 * 60, To: 20 * 60}} }

// week is the days in the order in which people write them.
func week() []time.Weekday {
	return []time.Weekday{
		time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday,
	}
}

func dayName(d time.Weekday) string { return strings.ToLower(d.String()[:3]) }

// ParseWindow reads "08:00-20:00" (every day), "mon-fri 09:00-20:00" or
// "mon,wed,sat-sun 22:00-02:00".
func ParseWindow(s string) (Window, error) {
	parts := strings.Fields(strings.ToLower(s))
	w := Window{Days: EveryDay}
	switch len(parts) {
	case 1:
	case 2:
		days, err := parseDays(parts[0])
		if err != nil {
			return Window{}, err
		}
		w.Days = days
	default:
		return Window{}, fmt.Errorf("%q is not a window; write 08:00-20:00 or mon-fri 09:00-20:00", s)
	}
	from, to, ok := strings.Cut(parts[len(parts)-1], "-")
	if !ok {
		return Window{}, fmt.Errorf("%q is not a window; write 08:00-20:00 or mon-fri 09:00-20:00", s)
	}
	var err error
	if w.From, err = parseClock(from); err != nil {
		return Window{}, err
	}
	if w.To, err = parseClock(to); err != nil {
		return Window{}, err
	}
	if w.From == w.To || w.From == 24*60 {
		return Window{}, fmt.Errorf("%q is an empty window; all day is 00:00-24:00", s)
	}
	if w.To == 0 {
		w.To = 24 * 60
	}
	return w, nil
}

func parseDays(s string) (Days, error) {
	var set Days
	for part := range strings.SplitSeq(s, ",") {
		first, last, span := strings.Cut(part, "-")
		a, err := parseDay(first)
		if err != nil {
			return 0, err
		}
		b := a
		if span {
			if b, err = parseDay(last); err != nil {
				return 0, err
			}
		}
		for d := a; ; d = (d + 1) % 7 {
			set |= 1 << d
			if d == b {
				break
			}
		}
	}
	return set, nil
}

func parseDay(s string) (time.Weekday, error) {
	for _, d := range week() {
		if s == dayName(d) || s == strings.ToLower(d.String()) {
			return d, nil
		}
	}
	return 0, fmt.Errorf("%q is not a weekday; write mon, tue, wed, thu, fri, sat or sun", s)
}

func parseClock(s string) (int, error) {
	hour, minute, ok := strings.Cut(s, ":")
	h, errH := strconv.ParseUint(hour, 10, 8)
	m, errM := strconv.ParseUint(minute, 10, 8)
	if !ok || errH != nil || errM != nil || len(minute) != 2 || len(hour) > 2 || m > 59 || h*60+m > 24*60 {
		return 0, fmt.Errorf("%q is not a time of day; write 08:00 (00:00 to 24:00)", s)
	}
	return int(h*60 + m), nil
}

// String writes the window so that ParseWindow reads it again.
func (w Window) String() string {
	clock := fmt.Sprintf("%02d:%02d-%02d:%02d", w.From/60, w.From%60, w.To/60, w.To%60)
	if w.Days == EveryDay {
		return clock
	}
	return w.Days.String() + " " + clock
}

// String writes the set as "mon-fri" or "mon,wed".
func (s Days) String() string {
	var parts []string
	days := week()
	for i := 0; i < len(days); i++ {
		if !s.Has(days[i]) {
			continue
		}
		j := i
		for j+1 < len(days) && s.Has(days[j+1]) {
			j++
		}
		if j-i >= 2 {
			parts = append(parts, dayName(days[i])+"-"+dayName(days[j]))
		} else {
			for k := i; k <= j; k++ {
				parts = append(parts, dayName(days[k]))
			}
		}
		i = j
	}
	return strings.Join(parts, ",")
}

// String writes the windows, separated by "; ".
func (h Hours) String() string {
	if slices.Equal(h, Always()) {
		return "always"
	}
	if len(h) == 0 {
		return "never"
	}
	parts := make([]string, len(h))
	for i, w := range h {
		parts[i] = w.String()
	}
	return strings.Join(parts, "; ")
}

// Within reports whether every time inside h is inside outer too.
func (h Hours) Within(outer Hours) bool {
	for _, d := range week() {
		for m := range 24 * 60 {
			if h.open(d, m) && !outer.open(d, m) {
				return false
			}
		}
	}
	return true
}

// open reports whether minute m of a day d is inside.
func (h Hours) open(d time.Weekday, m int) bool {
	for _, w := range h {
		yesterday := (d + 6) % 7
		switch {
		case w.From < w.To:
			if w.Days.Has(d) && m >= w.From && m < w.To {
				return true
			}
		case w.Days.Has(d) && m >= w.From, w.Days.Has(yesterday) && m < w.To:
			return true
		}
	}
	return false
}
