package sim

import (
	"math"
	"strconv"

	"ringpace/pacing"
)

// scripted is a day of a scenario.
type scripted struct {
	s      *Scenario
	src    source
	speeds []float64 // by worker: times as long as others they take
}

func (f *scripted) crew() (all []*worker) {
	s := f.s
	for _, c := range s.Crews {
		for range c.Agents {
			w := &worker{number: len(all), from: c.From * 3600, to: c.To * 3600, pause: math.Inf(1)}
			if w.to == 0 {
				w.to = s.Hours * 3600
			}
			speed := 1.0
			r := f.src.of(aboutAgent, w.number)
			if s.Speeds > 0 {
				speed = math.Exp(s.Speeds * r.normal())
			}
			if s.Breaks != nil {
				b := f.src.of(aboutBreak, w.number*1000)
				w.pause = w.from + s.Breaks.Every.draw(&b)*b.uniform()
			}
			all, f.speeds = append(all, w), append(f.speeds, speed)
		}
	}
	return all
}

func (f *scripted) rest(w *worker, _ float64) float64 {
	b := f.src.of(aboutBreak, w.number*1000+w.paused+500)
	return f.s.Breaks.Last.draw(&b)
}

func (f *scripted) due(w *worker, back float64) float64 {
	b := f.src.of(aboutBreak, w.number*1000+w.paused)
	return back + f.s.Breaks.Every.draw(&b)
}

func (f *scripted) handling(w *worker, c *call) handling {
	r := f.src.of(aboutAgent, w.number*100_000+w.handled+1)
	speed := f.speeds[w.number]
	h := handling{talk: f.s.Talk.draw(&r) * speed, wrap: f.s.WrapUp.draw(&r) * speed}
	if c.fate == missed {
		h = handling{talk: f.s.MachineTalk.draw(&r), wrap: 0.1}
	}
	return h
}

func (f *scripted) lead(number int, t float64) (pacing.Lead, bool) {
	if len(f.s.Lists) == 0 && len(f.s.Attempts) == 0 && len(f.s.HourOdds) == 0 {
		return pacing.Lead{}, false
	}
	return f.who(number, t).lead, true
}

// prospect is who is behind a number of the day's order.
type prospect struct {
	lead pacing.Lead
	odds float64
	ring *Distribution
}

// who is behind the number in the day's order, where it is dialed at t.
func (f *scripted) who(number int, t float64) prospect {
	s, p := f.s, prospect{odds: 1, ring: &f.s.Ring}
	if h := int(t / 3600); h < len(s.HourOdds) {
		p.lead.Hour, p.odds = strconv.Itoa(h), s.HourOdds[h]
	}
	if len(s.Lists) == 0 && len(s.Attempts) == 0 {
		return p
	}
	r := f.src.of(aboutPerson, number)
	u := r.uniform()
	for i := range s.Lists {
		l := &s.Lists[i]
		if u -= l.Share; u < 0 || i == len(s.Lists)-1 {
			p.lead.List, p.odds = l.Name, p.odds*l.Odds
			if l.Ring != nil {
				p.ring = l.Ring
			}
			break
		}
	}
	u = r.uniform()
	for i, a := range s.Attempts {
		if u -= a.Share; u < 0 || i == len(s.Attempts)-1 {
			p.lead.Attempt, p.odds = strconv.Itoa(i+1), p.odds*a.Odds
			break
		}
	}
	return p
}

func (f *scripted) call(number int, t float64) *call {
	r := f.src.of(aboutCall, number)
	s := f.s
	who := f.who(number, t)
	c := &call{rings: math.Inf(1)}
	c.Lead = who.lead
	setup := s.Setup.draw(&r)
	ring := who.ring.draw(&r)
	auto := s.MachineRing.draw(&r)
	fail := s.Failure.draw(&r)
	u, m := r.uniform(), r.uniform()
	people := s.people(t) * who.odds
	rest := (1 - people) / (1 - s.people(t)) // what does not answer keeps its proportions
	machines, failures, unreachable := s.Machines*rest, s.Failures*rest, s.Unreachable*rest
	c.rings = t + setup
	switch {
	case u < people:
		c.fate, c.ends = person, c.rings+ring
	case u < people+machines:
		c.fate, c.ends = machine, c.rings+auto
		if m < s.Missed {
			c.fate = missed
		}
	case u < people+machines+failures:
		c.fate, c.ends, c.rings = failed, c.rings+fail, math.Inf(1)
	case u < people+machines+failures+unreachable:
		c.fate, c.ends, c.rings = failed, c.rings+s.Notice.draw(&r), math.Inf(1)
	default:
		c.fate, c.ends = unanswered, c.rings+s.GiveUp
	}
	if c.rings+s.GiveUp < c.ends {
		c.fate, c.ends = unanswered, c.rings+s.GiveUp
	}
	if c.fate == person && m < s.Silent {
		c.rings = math.Inf(1) // nothing tells
	}
	return c
}
