package sim

import "math"

// Figures are what comes of days, recorded or replayed. Shares are fractions of 1, times in
// seconds; NaN is a mean of nothing.
type Figures struct {
	Utilisation   float64 // talk and wrap-up over the time that agents were there
	Talk          float64 // minutes of conversation for each agent-hour
	Conversations float64 // for each agent-hour
	Wait          float64 // of agents for a call
	AnswerWait    float64 // of people who answered for an agent, of those who got one
	Abandonment   float64 // people who answered and found nobody, over people who answered
	Abandoned     float64 // how many
	Dials         float64
}

// sums is what figures are made of.
type sums struct {
	there, worked, talked float64 // seconds
	talks, answered       int
	abandoned, dials      int
	waited, answerWaited  float64
	waits, answerWaits    int
}

func (s *sums) add(d *Day) {
	s.there += d.AgentHours * 3600
	s.worked += d.Utilisation * d.AgentHours * 3600
	s.talked += d.TalkSeconds
	s.talks += d.Conversations
	s.answered += d.Answered
	s.abandoned += d.Abandoned
	s.dials += d.Dials
	for _, w := range d.Waits {
		s.waited += w
	}
	for _, w := range d.Speed {
		s.answerWaited += w
	}
	s.waits += len(d.Waits)
	s.answerWaits += len(d.Speed)
}

func (s *sums) figures() Figures {
	share := func(a, b float64) float64 {
		if b == 0 {
			return math.NaN()
		}
		return a / b
	}
	return Figures{
		Utilisation: share(s.worked, s.there), Talk: share(s.talked*60, s.there), Conversations: share(float64(s.talks)*3600, s.there),
		Wait: share(s.waited, float64(s.waits)), AnswerWait: share(s.answerWaited, float64(s.answerWaits)),
		Abandonment: share(float64(s.abandoned), float64(s.answered)), Abandoned: float64(s.abandoned), Dials: float64(s.dials),
	}
}

// figures are those that were recorded.
func (h *History) figures() Figures {
	var s sums
	for _, d := range h.days {
		all := period{b: d.seconds}
		for _, c := range d.calls {
			s.dials++
			if c.answered {
				s.answered++
			}
		}
		for _, a := range d.agents {
			s.there += a.there()
			since := a.from
			for i := range a.busy {
				b := &a.busy[i]
				if b.elsewhere {
					since = b.b
					continue
				}
				s.worked += b.overlap(all)
				if b.a > since && !a.left(since, b.a) {
					s.waited += b.a - since
					s.waits++
				}
				since = b.b
				s.talks++
				s.talked += b.talk
				s.answerWaited += b.waited
				s.answerWaits++
			}
		}
	}
	s.abandoned = s.answered - s.talks
	return s.figures()
}

// left says whether the agent was away between a and b.
func (a *recordedAgent) left(from, to float64) bool {
	for _, s := range a.away {
		if s.a < to && s.b > from {
			return true
		}
	}
	return false
}

// overlap is how long two spans have in common.
func (s period) overlap(o period) float64 { return max(min(s.b, o.b)-max(s.a, o.a), 0) }
