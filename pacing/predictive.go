package pacing

import (
	"math"
	"slices"
	"time"
)

// predictive is the marginal rule: one more number is dialed as long as an answer to it
// would find nobody with at most a certain probability (theta), averaged over when it may
// come. Theta is what the abandonment budget of every window bears.
type predictive struct {
	c        Config
	model    Model
	last     time.Time // of the last decision: until when calls and agents were observed
	forecast forecast

	// Of the decision that is being made.
	points   []point
	busy     []row // by agent who is not free at once
	calls    []flying
	places   int     // agents for answers to come
	aimed    float64 // odds of the call that the fresh rows are of
	prospect Prospect
}

// point is one level of answers, with all that follows from it.
type point struct {
	level, weight float64
	crowd         crowd
	fresh         row   // of a call dialed now
	calls         []row // of those in flight
	answers       row   // the sum of these
	full          row   // risk that nobody is there for an answer
}

// flying is a call in flight that nobody has answered.
type flying struct {
	at      int // in the snapshot
	ringing bool
	age     float64 // in that state, seconds
	octaves float64 // of its odds: their logarithm to the base 2
}

// Model is what a campaign has learned.
type Model struct {
	Calls       callTable     `json:"calls"`
	Handling    handlingTable `json:"handling"`
	Odds        odds          `json:"odds"`
	Calibration calibration   `json:"calibration"`
}

func newPredictive(c Config) *predictive {
	if c.Target == 0 {
		c.Target = DefaultTarget
	}
	return &predictive{c: c}
}

func (p *predictive) knows(k Knowledge) bool { return p.c.Ignore&k == 0 }

// age is how long ago since was, in seconds.
func age(now, since time.Time) float64 { return max(now.Sub(since).Seconds(), 0) }

// seen is how long what began at since was there at the last look, in seconds.
func (p *predictive) seen(since time.Time) float64 {
	if since.Before(p.last) {
		return age(p.last, since)
	}
	return 0
}

// rings is when the call began to ring, and whether it does as far as is known.
func (p *predictive) rings(k *Call) (time.Time, bool) {
	if p.knows(OfRinging) && !k.Rings.IsZero() {
		return k.Rings, true
	}
	return k.Since, false
}

func (p *predictive) odds(k *Call) float64 {
	if !p.knows(OfLeads) {
		return 1
	}
	return p.model.Odds.of(&k.Lead)
}

// spend counts the time of a call in its stages until at. left is how it left then.
func (p *predictive) spend(k *Call, at time.Time, left bool, how exit) {
	m, o := &p.model.Calls, p.odds(k)
	since, ringing := p.rings(k)
	expected := 0.0
	if ringing {
		a, b := p.seen(k.Since), age(k.Rings, k.Since)
		if k.Rings.After(p.last) { // since the last look
			expected += m.Dialing.spend(&dialingPrior, a, b, o)
			m.Dialing.leave(b, toRinging)
		}
		expected += m.Ringing.spend(&ringingPrior, p.seen(since), age(at, since), o)
		if left {
			m.Ringing.leave(age(at, since), how)
		}
	} else {
		expected = m.Dialing.spend(&dialingPrior, p.seen(since), age(at, since), o)
		if left {
			m.Dialing.leave(age(at, since), how)
		}
	}
	m.Level.expect(expected)
}

// expected is how many answers were to be expected of a call that left at.
func (p *predictive) expected(k *Call, at time.Time) float64 {
	sum := 0.0
	add := func(answer *[stageBins]float64, seconds float64) {
		for i := range answer {
			d := min(seconds-float64(i), 1)
			if d <= 0 {
				break
			}
			sum += answer[i] * d
		}
	}
	since, ringing := p.rings(k)
	if ringing {
		add(&p.forecast.dialing.answer, age(k.Rings, k.Since))
		add(&p.forecast.ringing.answer, age(at, since))
	} else {
		add(&p.forecast.dialing.answer, age(at, since))
	}
	level, _ := p.model.Calls.Level.mean()
	return sum * level * p.odds(k)
}

// Observe implements Learner.
func (p *predictive) Observe(e Event) {
	m := &p.model
	switch e.Kind {
	case CallAnswered:
		p.spend(&e.Call, e.At, true, toAnswer)
		m.Odds.learn(&e.Call.Lead, p.expected(&e.Call, e.At), true)
		m.Calls.Level.answered()
		m.Calibration.answered(e.Call.Theta)
	case CallEnded:
		p.spend(&e.Call, e.At, true, toEnd)
		m.Odds.learn(&e.Call.Lead, p.expected(&e.Call, e.At), false)
	case CallAbandoned:
		m.Calibration.abandoned()
	case AgentDone:
		a := age(e.At, e.Busy)
		m.Handling.observe(p.seen(e.Busy), a)
		m.Handling.done(a)
	}
}

// longestLook is the longest time between two decisions that anything is learned of: in
// longer ones the process, or the clock, was not what it should be.
const longestLook = 10 * time.Second

// look counts the time that calls and agents have been as they are since the last look.
func (p *predictive) look(s *Snapshot) {
	if gap := s.Now.Sub(p.last); gap < 0 || gap > longestLook {
		p.last = s.Now
	}
	for i := range s.Calls {
		if k := &s.Calls[i]; k.State != Waiting {
			p.spend(k, s.Now, false, toEnd)
		}
	}
	for i := range s.Agents {
		if a := &s.Agents[i]; a.State == Engaged || a.State == WrapUp {
			p.model.Handling.observe(p.seen(a.Busy), age(s.Now, a.Busy))
		}
	}
	p.last = s.Now
}

// renewEvery is how often the forecast is made anew.
const renewEvery = 3 * time.Second

// Decide implements Pacer.
func (p *predictive) Decide(s Snapshot) Decision {
	p.look(&s)
	if p.forecast.made.IsZero() || s.Now.Sub(p.forecast.made) >= renewEvery || s.Now.Before(p.forecast.made) {
		p.forecast.renew(&p.model, s.Now)
	}
	d, n := begin(p.c, s)
	p.prospect = Prospect{Kappa: p.model.Calibration.kappa(), Learned: p.model.Calls.learned()}
	p.assess(&s, n)
	by := p.bound(&s, n)
	if n.agents > 0 {
		d.GiveUp = p.giveUp()
	}
	dial := 0
	for n.agents > 0 && dial < mostAtOnce {
		p.aim(&s, dial)
		if p.prospect.Risk = p.marginal(); p.prospect.Risk > p.prospect.Theta+1e-9 {
			break
		}
		dial++
		for i := range p.points {
			p.points[i].crowd.add(&p.points[i].fresh)
			p.prospect.Answers += p.points[i].weight * p.points[i].fresh[steps-1]
		}
	}
	d.Lines = d.InFlight + dial
	d.allow(dial, by)
	if n.agents == n.away {
		d.allow(0, ByAgents)
	}
	if p.c.MaxRatio > 0 {
		d.allow(int(p.c.MaxRatio*float64(n.agents-n.away))-d.InFlight, ByRatio)
	}
	prospect := p.prospect
	d.Predictive, d.Theta = &prospect, prospect.Theta
	return d.within(p.c, s)
}

// mostAtOnce bounds what one decision dials; the next is a second away at most.
const mostAtOnce = 1000

// assess works out how calls in flight and agents will fare.
func (p *predictive) assess(s *Snapshot, n count) {
	levels, weights := p.model.Calls.Level.points()
	p.prospect.Level, _ = p.model.Calls.Level.mean()
	for len(p.points) < len(levels) {
		p.points = append(p.points, point{})
	}
	p.points = p.points[:len(levels)]
	p.calls = p.calls[:0]
	for i := range s.Calls {
		if k := &s.Calls[i]; k.State != Waiting && (!k.Foreseen || !k.AnswersAt.IsZero()) {
			since, ringing := p.rings(k)
			p.calls = append(p.calls, flying{i, ringing, age(s.Now, since), octaves(p.odds(k))})
		}
	}
	p.staff(s, n)
	for i := range p.points {
		pt := &p.points[i]
		pt.level, pt.weight = levels[i], weights[i]
		level := math.Log2(pt.level)
		pt.calls, pt.answers = pt.calls[:0], row{}
		for _, f := range p.calls {
			var r row
			if k := &s.Calls[f.at]; k.Foreseen {
				r.by(s.Now, k.AnswersAt)
			} else {
				p.forecast.of(&r, f.ringing, f.age, level+f.octaves)
			}
			pt.calls = append(pt.calls, r)
			pt.answers.add(&r, 1)
		}
	}
	p.gather()
	for i := range p.points {
		p.prospect.Answers += p.points[i].weight * p.points[i].answers[steps-1]
	}
}

// add adds so many times another row.
func (r *row) add(p *row, times float64) {
	for k, x := range p {
		r[k] += times * x
	}
}

// octaves is the logarithm to the base 2.
func octaves(odds float64) float64 {
	if odds == 1 {
		return 0
	}
	return math.Log2(odds)
}

// aim works out how the next call but so many would fare.
func (p *predictive) aim(s *Snapshot, dialed int) {
	odds := p.model.Odds.usual()
	if dialed < len(s.Next) && p.knows(OfLeads) {
		odds = p.model.Odds.of(&s.Next[dialed])
	}
	if dialed > 0 && odds == p.aimed {
		return
	}
	p.aimed = odds
	for i := range p.points {
		pt := &p.points[i]
		p.forecast.of(&pt.fresh, false, 0, math.Log2(pt.level)+octaves(odds))
	}
}

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
			p.forecast.handling.busy(&r, age(s.Now, since), patience)
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

// FreeWithin is how soon agents are free whom Prospect counts as free soon.
const FreeWithin = 10 * time.Second

// gather makes the crowds of all who will want an agent.
func (p *predictive) gather() {
	for i := range p.points {
		pt := &p.points[i]
		pt.crowd.reset(p.places, len(p.busy)+len(pt.calls))
		for j := range p.busy {
			pt.crowd.add(&p.busy[j])
		}
		for j := range pt.calls {
			pt.crowd.add(&pt.calls[j])
		}
	}
}

// marginal is the risk that an answer to a call dialed now finds nobody.
func (p *predictive) marginal() float64 {
	var risk, sum float64
	for i := range p.points {
		pt := &p.points[i]
		pt.crowd.full(&pt.full)
		r, q := pt.full.against(&pt.fresh)
		risk += pt.weight * r
		sum += pt.weight * q
	}
	if sum <= 0 {
		return 1
	}
	return risk / sum
}

// against is how likely an answer comes and finds nobody, and how likely one comes, where
// r is the risk by when it comes and p when it has come.
func (r *row) against(p *row) (lost, answered float64) {
	for k := range p {
		lost += (p[k] - answered) * r[k]
		answered = p[k]
	}
	return lost, answered
}

// lost is how many answers to calls in flight are expected to find nobody.
func (p *predictive) lost() float64 {
	sum := 0.0
	for i := range p.points {
		pt := &p.points[i]
		pt.crowd.full(&pt.full)
		r, _ := pt.full.against(&pt.answers)
		sum += pt.weight * r
	}
	return sum
}

// bound finds the risk that a new call may have, and says what bounds it.
func (p *predictive) bound(s *Snapshot, n count) Limit {
	x := &p.prospect
	x.Lost = p.lost()
	x.Gate = poissonQuantile(gateMargin*x.Lost, gateTail)
	if len(s.Windows) == 0 {
		x.Window = "none"
		return ByCredit // theta stays 0: who answers must have an agent
	}
	by := ByRisk
	x.Theta = math.Inf(1)
	for i := range s.Windows {
		w := &s.Windows[i]
		left := age(w.Ends, s.Now)
		share, credit, why := w.share(p.c.Target*w.Ceiling, p.further(n, left)), w.credit(), ByRisk
		theta := share / x.Kappa
		if credit < x.Gate {
			theta, why = min(theta, safeTheta), ByCredit
			if credit < 0 {
				theta = min(theta, debtTheta)
			}
			if credit < 0 && left < lastPart.Seconds() {
				theta = 0
			}
		}
		if theta < x.Theta {
			x.Theta, x.Share, x.Credit, x.Window, by = theta, share, credit, w.Name, why
		}
	}
	return by
}

// further is how many answers are to be expected in so many seconds.
func (p *predictive) further(n count, seconds float64) float64 {
	return 0.75 * float64(n.agents) * seconds / p.model.Handling.mean()
}

const (
	giveUpFactor = 4  // times theta: the risk at which a call is given up
	mostGivenUp  = 10 // by one decision
)

// giveUp finds calls that have rung for long enough and whose answers would now too
// likely find nobody. They are taken out of the crowds.
func (p *predictive) giveUp() []int {
	var gone []int
	for range mostGivenUp {
		worst, most := -1, giveUpFactor*p.prospect.Theta
		for j, f := range p.calls {
			if p.c.LeastRing > 0 && f.ringing && f.age >= p.c.LeastRing.Seconds() {
				if r := p.riskOf(j); r > most {
					worst, most = j, r
				}
			}
		}
		if worst < 0 {
			break
		}
		gone = append(gone, p.calls[worst].at)
		p.drop(worst)
	}
	slices.Sort(gone)
	return gone
}

// drop takes a call out of those in flight.
func (p *predictive) drop(j int) {
	again := false
	for i := range p.points {
		pt := &p.points[i]
		r := pt.calls[j]
		pt.answers.add(&r, -1)
		pt.calls = slices.Delete(pt.calls, j, j+1)
		again = !pt.crowd.remove(&r) || again
	}
	p.calls = slices.Delete(p.calls, j, j+1)
	if again {
		p.gather()
	}
	for i := range p.points {
		p.points[i].crowd.full(&p.points[i].full)
	}
}

// riskOf is the risk that an answer to a call in flight finds nobody. That the call itself
// is in the crowd makes it a little greater.
func (p *predictive) riskOf(j int) float64 {
	var lost, answered float64
	for i := range p.points {
		pt := &p.points[i]
		r, q := pt.full.against(&pt.calls[j])
		lost += pt.weight * r
		answered += pt.weight * q
	}
	if answered <= 0 {
		return 0
	}
	return lost / answered
}
