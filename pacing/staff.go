package pacing

import (
	"math"
	"slices"
	"time"
)

// staff finds when agents will be there.
func (p *predictive) staff(s *Snapshot, n count) {
	p.places, p.busy = -n.waiting, p.busy[:0]
	soon := slices.Index(ahead[:], int(FreeWithin/time.Second))
	for i := range s.Agents {
		a := &s.Agents[i]
		if a.State == Away || a.Next && a.State != Free && p.knows(OfLeaving) {
			continue
		}
		p.places++
		patience := (p.c.Patience - a.Ring).Seconds()
		leaves := math.Inf(1)
		if !a.Until.IsZero() && p.knows(OfLeaving) {
			leaves = a.Until.Sub(s.Now).Seconds()
		}
		if a.State == Free && patience >= 0 && leaves >= lookout {
			continue
		}
		var r row
		switch {
		case a.State == Free:
		case !a.FreeAt.IsZero():
			r.until(s.Now, a.FreeAt, patience)
		default:
			since := a.Busy
			if !p.knows(OfHandling) {
				since = s.Now
			}
			p.forecasts.busy(&p.model).busy(&r, age(s.Now, since), patience)
		}
		for k, s := range ahead {
			if at := float64(s); at > leaves || at+patience < 0 {
				r[k] = 1
			}
		}
		p.busy = append(p.busy, r)
		if a.State != Free {
			p.prospect.FreeSoon += 1 - r[soon]
		}
	}
}

// patience is how long who answers may still wait when a call to an agent is made, in seconds.
func (p *predictive) patience(s *Snapshot) float64 {
	ring := time.Duration(0)
	for i := range s.Agents {
		ring = max(ring, s.Agents[i].Ring)
	}
	return (p.c.Patience - ring).Seconds()
}

// FreeWithin is how soon agents are free whom Prospect counts as free soon.
const FreeWithin = 10 * time.Second
