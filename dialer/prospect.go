package dialer

import (
	"fmt"

	"ringpace/dialer/api"
	"ringpace/pacing"
)

// prospectOf is what a predictive decision expects, as the API shows it; nil of another.
func prospectOf(d pacing.Decision, windows []pacing.Window) *api.Prospect {
	p := d.Predictive
	if p == nil {
		return nil
	}
	x := &api.Prospect{
		Theta: p.Theta, Risk: p.Risk, Kappa: p.Kappa, Level: p.Level, Answers: p.Answers, Lost: p.Lost, FreeSoon: p.FreeSoon,
		Learned: p.Learned, Window: p.Window, Share: p.Share, Credit: p.Credit, Gate: p.Gate, GivenUp: len(d.GiveUp),
		Windows: []api.Window{},
	}
	for _, w := range windows {
		x.Windows = append(x.Windows, windowOf(w))
	}
	return x
}

func windowOf(w pacing.Window) api.Window {
	return api.Window{
		Name: w.Name, Ceiling: w.Ceiling, Answered: w.Answered, Abandoned: w.Abandoned, Reserved: w.Reserved,
		Credit: w.Ceiling*float64(w.Answered) - float64(w.Abandoned) - w.Reserved, Ends: w.Ends,
	}
}

// prospectFacts tells what a predictive decision rests on.
func prospectFacts(p *pacing.Prospect, windows []pacing.Window) []api.Fact {
	number := func(x float64) string { return fmt.Sprintf("%.1f", x) }
	share := func(x float64) string { return fmt.Sprintf("%.2f %%", 100*x) }
	within := int(pacing.FreeWithin.Seconds())
	facts := []api.Fact{
		{Name: "answers_expected", Value: number(p.Answers), Note: "of the calls in flight, those dialed now with them"},
		{Name: "agents_free_soon", Value: number(p.FreeSoon), Note: fmt.Sprintf("of those who are busy, within %d s", within)},
		{Name: "risk", Value: share(p.Risk), Note: "that an answer to one more call would find nobody"},
		{Name: "risk_allowed", Value: share(p.Theta), Note: "theta, by the window " + p.Window},
		{Name: "answers_to_nobody", Value: number(p.Lost), Note: "expected of the calls that were in flight"},
		{Name: "credit", Value: number(p.Credit), Note: "abandoned calls that the window " + p.Window + " can bear now"},
		{Name: "credit_needed", Value: number(p.Gate), Note: "by the calls in flight, at the worst"},
		{Name: "answer_level", Value: number(p.Level), Note: "answers of late for each that was expected"},
		{Name: "calibration", Value: number(p.Kappa), Note: "abandoned calls for each unit of risk that was accepted"},
		{Name: "learned_from", Value: fmt.Sprintf("%.0f calls", p.Learned)},
	}
	for _, w := range windows {
		x := windowOf(w)
		facts = append(facts, api.Fact{
			Name: "abandoned_" + w.Name, Value: share(x.AbandonedShare()),
			Note: fmt.Sprintf("%d of %d who answered; the ceiling is %s", w.Abandoned, w.Answered, share(w.Ceiling)),
		})
	}
	return facts
}

// loosened says what would be dialed if the limit that binds did not, and what would bind
// then.
func loosened(d pacing.Decision) string {
	next := pacing.Allowance{Calls: pacing.Unlimited}
	for _, a := range d.Limits {
		if a.Limit != d.Bound && a.Calls < next.Calls {
			next = a
		}
	}
	without := map[pacing.Limit]string{
		pacing.ByAgents: "With more free agents", pacing.ByRequest: "If agents asked for more", pacing.ByMaximum: "With a greater max_in_flight",
		pacing.ByLeads: "With more leads to dial", pacing.ByChannels: "With more channels", pacing.ByRate: "With more calls per second",
		pacing.ByRatio: "With a greater max_ratio", pacing.ByRisk: "If more might be risked", pacing.ByCredit: "With more credit",
		pacing.ByStop: "If nothing stopped it",
	}[d.Bound]
	if without == "" {
		return ""
	}
	if next.Calls == pacing.Unlimited {
		return without + ", nothing else would bind."
	}
	bind := map[pacing.Limit]string{
		pacing.ByAgents: "the agents would bind", pacing.ByRequest: "what agents ask for would bind", pacing.ByMaximum: "max_in_flight would bind",
		pacing.ByLeads: "the list would bind", pacing.ByChannels: "the channels would bind", pacing.ByRate: "the calls per second would bind",
		pacing.ByRatio: "max_ratio would bind", pacing.ByRisk: "the risk would bind", pacing.ByCredit: "the credit would bind",
	}[next.Limit]
	return fmt.Sprintf("%s, %d would be dialed, and then %s.", without, next.Calls, bind)
}
