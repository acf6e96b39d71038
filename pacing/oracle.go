package pacing

import "time"

// by fills r with what is certain to have happened in so many seconds.
func (r *row) by(in float64) {
	for k, s := range ahead {
		r[k] = 0
		if float64(s) >= in {
			r[k] = 1
		}
	}
}

// since fills r with how likely an agent has a call that is certain to be answered in so many
// seconds; held is how likely one has it so long after.
func (r *row) since(in float64, held *[lookout]float64) {
	for k, s := range ahead {
		r[k] = 0
		if after := float64(s) - in; after >= 0 {
			r[k] = held[min(int(after), lookout-1)]
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
