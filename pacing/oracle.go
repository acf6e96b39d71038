package pacing

import "time"

// by fills r with what is certain to have happened from a time on.
func (r *row) by(now, at time.Time) {
	in := at.Sub(now).Seconds()
	for k, s := range ahead {
		r[k] = 0
		if float64(s) >= in {
			r[k] = 1
		}
	}
}

// until fills r with what is certain to last until a time, for who answers in the middle
// of a step and waits for all their patience, in seconds.
func (r *row) until(now, at time.Time, patience float64) {
	in := at.Sub(now).Seconds()
	before := 0
	for k, s := range ahead {
		r[k] = 0
		if float64(before+s)/2+patience < in {
			r[k] = 1
		}
		before = s
	}
}
