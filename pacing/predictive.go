package pacing

import (
	"math"
	"time"
)

// predictive is the marginal rule: one more number is dialed as long as an answer to it
// would find nobody with at most a certain probability (theta), averaged over when it may
// come. Theta is what the abandonment budget of every window bears.
type predictive struct {
	c         Config
	model     Model
	node      string               // whose snapshots and events are looked at
	last      time.Time            // of its last decision: until when its calls and agents were observed
	lasts     map[string]time.Time // the same of the other nodes
	forecasts forecasts
	alike     []alike      // by kind of lead: those met since the forecasts were made
	met       map[Lead]int // which of these they are
	metLast   Lead
	metAt     int
	decision  int // number of the one that is being made

	worstFirst bool // the next batch of leads is dialed so

	// Of the decision that is being made.
	points   []point
	busy     []row // by agent who is not free at once
	taken    crowd // by these
	calls    []flying
	summed   []aged // fares that calls count for
	places   int    // agents for answers to come
	aimed    aim    // what the points' fresh rows are of
	budgets  []budget
	prospect Prospect
}

func newPredictive(c Config) *predictive {
	if c.Target == 0 {
		c.Target = DefaultTarget
	}
	return &predictive{c: c}
}

func (p *predictive) knows(k Knowledge) bool { return p.c.Ignore&k == 0 }

// turnTo goes on with the snapshots and events of a node.
func (p *predictive) turnTo(node string) {
	if node == p.node {
		return
	}
	if p.lasts == nil {
		p.lasts = map[string]time.Time{}
	}
	p.lasts[p.node] = p.last
	p.node, p.last = node, p.lasts[node]
	delete(p.lasts, node)
}

// Decide implements Pacer.
func (p *predictive) Decide(s Snapshot) Decision {
	p.turnTo(s.Node)
	if p.forecasts.renew(s.Now, p.patience(&s)) { // and what leads are met of whom nobody is called any more
		p.alike = p.alike[:0]
		clear(p.met)
	}
	p.look(&s)
	d, n := begin(p.c, s)
	p.prospect = Prospect{Kappa: p.model.Calibration.kappa(), Learned: p.model.Calls.learned()}
	p.assess(&s, n)
	p.budget(&s, n)
	p.prospect.Lost = p.lost()
	by, spare := p.bound(s.Elsewhere.Lost + p.prospect.Lost)
	d.Theta, d.Spare = p.prospect.Theta, spare
	d.GiveUp = p.giveUp()
	dial := 0
	for n.agents > 0 && dial < mostAtOnce {
		p.aim(&s, dial)
		risk, answered := p.risk(func(pt *point) *row { return &pt.fresh.answered })
		if p.prospect.Risk = share(risk, answered); p.prospect.Risk > p.prospect.Theta+1e-9 {
			break
		}
		for i := range p.points {
			pt := &p.points[i]
			pt.crowd.add(&pt.fresh.held)
			pt.crowd.full(&pt.full)
			pt.answers.add(&pt.fresh.answered, 1)
		}
		// The call takes agents from others in flight, too.
		if by, spare = p.bound(s.Elsewhere.Lost + p.lost()); p.prospect.Risk > p.prospect.Theta+1e-9 {
			break
		}
		dial++
		d.Theta, d.Spare = p.prospect.Theta, spare
		p.prospect.Answers += answered
	}
	d.Lines = d.InFlight + dial
	if n.agents == n.away {
		dial, by = 0, ByAgents
	}
	d.allow(dial, by)
	if p.c.MaxRatio > 0 {
		d.allow(int(p.c.MaxRatio*float64(n.agents-n.away))-d.InFlight, ByRatio)
	}
	prospect := p.prospect
	d.Predictive = &prospect
	return d.within(p.c, s)
}

// mostAtOnce bounds what one decision dials; the next is a second away at most.
const mostAtOnce = 1000

// share is how likely an answer finds nobody, where one comes with that probability.
func share(lost, answered float64) float64 {
	if answered <= 0 {
		return 1
	}
	return lost / answered
}

// lost is how many answers to calls in flight are expected to find nobody.
func (p *predictive) lost() float64 {
	sum, _ := p.risk(func(pt *point) *row { return &pt.answers })
	return sum
}

// budget is what one window bears. It is the same for all calls of a decision.
type budget struct {
	window        *Window
	share, credit float64
	spent         bool // one more abandonment could not be made good again
}

// budget finds what each window bears.
func (p *predictive) budget(s *Snapshot, n count) {
	n.agents += s.Elsewhere.Agents
	p.budgets = p.budgets[:0]
	for i := range s.Windows {
		w := &s.Windows[i]
		further, credit := p.further(n, age(w.Ends, s.Now)), w.credit()
		p.budgets = append(p.budgets, budget{
			window: w, share: w.share(p.c.Target*w.Ceiling, further), credit: credit,
			spent: credit+earned*w.Ceiling*further < 1,
		})
	}
}

// bound finds the risk that a new call may have where so many answers to the calls in
// flight, the new one among them, are expected to find nobody; it says what bounds it, and
// how many more abandonments leave that as it is.
func (p *predictive) bound(lost float64) (by Limit, spare int) {
	x := &p.prospect
	x.Gate = poissonQuantile(gateMargin*lost, gateTail)
	spare = Unlimited
	if len(p.budgets) == 0 {
		x.Window = "none"
		return ByCredit, spare // theta stays 0: who answers must have an agent
	}
	by = ByRisk
	x.Theta = math.Inf(1)
	for _, b := range p.budgets {
		theta, why := b.share/x.Kappa, ByRisk
		if b.credit < x.Gate {
			theta, why = min(theta, safeTheta), ByCredit
			if b.credit < 0 {
				theta = min(theta, debtTheta)
			}
		}
		if b.spent {
			theta, why = 0, ByCredit
		}
		switch {
		case b.credit >= x.Gate:
			spare = min(spare, int(b.credit-x.Gate))
		case b.credit >= 0:
			spare = min(spare, int(b.credit))
		}
		if theta < x.Theta {
			x.Theta, x.Share, x.Credit, x.Window, by = theta, b.share, b.credit, b.window.Name, why
		}
	}
	return by, spare
}

// further is how many answers are to be expected in so many seconds: of days to come a
// third is dialed in.
func (p *predictive) further(n count, seconds float64) float64 {
	const day = 24 * 3600
	if seconds > day {
		seconds = day + (seconds-day)/3
	}
	return 0.75 * float64(n.agents) * seconds / p.model.Handling.mean()
}
