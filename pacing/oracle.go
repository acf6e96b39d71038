package pacing

import "time"

// by fills r with what becomes of a call that is certain to be answered at a time; held is
// how likely an agent has it so many seconds later.
func (r *fare) by(now, at time.Time, held *[lookout]float64) {
	in := at.Sub(now).Seconds()
	for k, s := range ahead {
		r.answered[k], r.held[k] = 0, 0
		if after := float64(s) - in; after >= 0 {
			r.answered[k], r.held[k] = 1, held[min(int(after), lookout-1)]
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
