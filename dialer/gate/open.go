package gate

import "time"

// Open reports whether t, as its own location's clock shows it, is inside.
func (h Hours) Open(t time.Time) bool {
	hour, minute, _ := t.Clock()
	return h.open(t.Weekday(), hour*60+minute)
}

// OpenFor returns how long it stays open from t on, by t's own clock: whole minutes
// after the one that t is in, and at most a day.
func (h Hours) OpenFor(t time.Time) time.Duration {
	for m := range 24 * 60 {
		if d := time.Duration(m) * time.Minute; !h.Open(t.Add(d)) {
			return d
		}
	}
	return 24 * time.Hour
}

// horizon is how far NextOpen looks: every weekday, and a change of the clocks.
const horizon = 15 * 24 * time.Hour

// NextOpen returns the first time from t on that is inside in every one of the
// zones; false where there is none within two weeks.
func (h Hours) NextOpen(t time.Time, zones []*time.Location) (time.Time, bool) {
	limit := t.Add(horizon)
	for t.Before(limit) {
		latest := t
		for _, z := range zones {
			next, ok := h.next(t.In(z))
			if !ok {
				return time.Time{}, false
			}
			if next.After(latest) {
				latest = next
			}
		}
		if latest.Equal(t) {
			return t, true
		}
		t = latest
	}
	return time.Time{}, false
}

// next returns the first time from t on that is inside by t's own clock. That can
// only be t, the beginning of a window, or a change of the clocks. Between two
// changes every clock time comes exactly once, so that stretches of one offset
// are searched in turn.
func (h Hours) next(t time.Time) (time.Time, bool) {
	if h.Open(t) {
		return t, true
	}
	for from := t; from.Sub(t) < horizon; {
		_, change := from.ZoneBounds()
		_, offset := from.Zone()
		fixed := time.FixedZone("", offset)
		y, m, d := from.In(fixed).Date()
		var best time.Time
		for day := range 9 {
			for _, w := range h {
				c := time.Date(y, m, d+day, w.From/60, w.From%60, 0, 0, fixed)
				if !c.Before(from) && (change.IsZero() || c.Before(change)) && (best.IsZero() || c.Before(best)) && h.Open(c) {
					best = c
				}
			}
		}
		switch {
		case !best.IsZero():
			return best.In(t.Location()), true
		case change.IsZero():
			return time.Time{}, false
		case h.Open(change):
			return change, true
		}
		from = change
	}
	return time.Time{}, false
}
