package dialer

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/dialer/gate"
	"ringpace/dialer/lead"
	"ringpace/dialer/store"
	"ringpace/pacing"
	"ringpace/pacing/workload"
)

const (
	forecastLeads = 1000 // leads that a forecast looks at, at most
	forecastRuns  = 60
)

// Forecast implements api.CampaignDesk.
func (d *Daemon) Forecast(ctx context.Context, name string, q api.ForecastQuery) (api.Forecast, error) {
	c, err := d.findCampaign(name)
	if err != nil {
		return api.Forecast{}, err
	}
	var cfg *config.Campaign
	var model pacing.Model
	err = c.ask(ctx, func() error {
		cfg = c.cfg
		if k, ok := c.pacer.(pacing.Keeper); ok {
			model = k.Model()
		}
		return nil
	})
	if err != nil {
		return api.Forecast{}, away(err)
	}
	seen, err := d.store.Counters(ctx, name)
	if err != nil {
		return api.Forecast{}, away(err)
	}
	p := &planner{cfg: cfg, rules: cfg.Rules(), policy: cfg.Policy(), model: &model, hours: map[string]func(time.Time) bool{}}
	w := &workload.Work{Start: time.Now().In(cfg.Zone()), Agents: q.Agents, Odds: p.odds, Retry: p.retry, PerDay: cfg.MaxAttemptsPerDay}
	if w.Agents == 0 {
		w.Agents = d.crewOf(c)
	}
	if q.Shift != "" {
		shift, err := gate.ParseWindow(q.Shift)
		if err != nil {
			return api.Forecast{}, api.Invalid("shift: %v", err)
		}
		w.Working = gate.Hours{shift}.Open
	}
	f := api.Forecast{Campaign: name, At: w.Start, Agents: w.Agents}
	f.Leads, err = p.pick(d.store.Leads(ctx, name, store.LeadFilter{}), w)
	if err != nil {
		return f, away(err)
	}
	f.Sampled, f.Barred = len(w.Leads), p.barred
	f.Calls = p.learned(w, seen)
	f.AnswerShare, f.HandlingS = w.Answers.Hits/w.Answers.Of, w.Handling.Mean
	course, err := w.Forecast(ctx, forecastRuns, uint64(w.Start.UnixNano()))
	switch {
	case errors.Is(err, workload.ErrWork):
		return f, api.Conflict("%v", err)
	case err != nil:
		return f, err
	}
	f.Course = *course
	return f, nil
}

// crewOf is how many agents are logged in for a campaign; or else how many it has.
func (d *Daemon) crewOf(c *campaign) int {
	all, here := 0, 0
	for state, n := range d.statusOf(c).Agents {
		all += n
		if state != api.AgentOffline {
			here += n
		}
	}
	if here > 0 {
		return here
	}
	return all
}

// planner tells a forecast what is known of a campaign's leads. It serves one forecast.
type planner struct {
	cfg    *config.Campaign
	rules  gate.Rules
	policy gate.Policy
	model  *pacing.Model
	leads  []lead.Lead // those that were picked
	kinds  []string    // of their numbers
	hours  map[string]func(time.Time) bool
	barred int
}

// pick picks leads that may be dialed yet at random, each with the same probability (Vitter's
// algorithm R, 1985), and returns how many there are.
func (p *planner) pick(all func(func(store.LeadStatus, error) bool), w *workload.Work) (total int, err error) {
	for s, err := range all {
		if err != nil {
			return 0, err
		}
		if s.State == store.Done || s.State == store.Withdrawn {
			continue
		}
		if v := gate.Judge(p.rules, &s.Lead, w.Start); v.Action == gate.Skip {
			p.barred++
			continue
		}
		if total++; len(p.leads) < forecastLeads {
			p.leads = append(p.leads, s.Lead)
		} else if i := rand.IntN(total); i < forecastLeads {
			p.leads[i] = s.Lead
		}
	}
	w.Each = max(float64(total)/float64(max(len(p.leads), 1)), 1)
	for i := range p.leads {
		l := &p.leads[i]
		p.kinds = append(p.kinds, lead.Kind(l.Number()))
		w.Leads = append(w.Leads, workload.Lead{
			Attempts: l.Attempts, Today: gate.Today(p.rules, l, w.Start), Outcomes: l.Outcomes, Due: l.Due, Hours: p.open(l), Index: i,
		})
	}
	return total, nil
}

// open is whether a lead may be called at an hour: in every zone in which they may be. It is
// reckoned once for all who are in the same.
func (p *planner) open(l *lead.Lead) func(time.Time) bool {
	zones := l.Zones(l.Number())
	if len(zones) == 0 {
		zones = []*time.Location{p.cfg.Zone()}
	}
	names := make([]string, len(zones))
	for i, z := range zones {
		names[i] = z.String()
	}
	key := strings.Join(names, " ")
	if p.hours[key] == nil {
		known := map[int64]bool{}
		p.hours[key] = func(at time.Time) bool {
			open, found := known[at.Unix()]
			if !found {
				open = !slices.ContainsFunc(zones, func(z *time.Location) bool { return !p.rules.Hours.Open(at.In(z)) })
				known[at.Unix()] = open
			}
			return open
		}
	}
	return p.hours[key]
}

func (p *planner) odds(l *workload.Lead, hour time.Time) float64 {
	of := &p.leads[l.Index]
	return p.model.AnswerOdds(&pacing.Lead{
		List: of.List, Hour: hourOf(hour), Attempt: ordinalOf(l.Attempts + 1), Number: p.kinds[l.Index],
		Previous: previousOf(&lead.Lead{Outcomes: l.Outcomes}),
	})
}

func (p *planner) retry(l *workload.Lead, e *workload.Ending) (time.Duration, bool) {
	of := p.leads[l.Index]
	of.Attempts, of.Outcomes, of.Callback = l.Attempts, l.Outcomes, lead.Callback{}
	now := time.Unix(0, 0)
	plan := gate.Next(p.policy, &of, &cdr.Record{Outcome: cdr.Outcome(e.Name), Number: of.Number(), Ordinal: l.Attempts + 1}, now)
	return plan.Due.Sub(now), !plan.Final
}

// usualEndings are of calls that nobody answers, before anything is known: worth so many
// calls.
var usualEndings = map[cdr.Outcome]float64{cdr.NoAnswer: 6, cdr.Busy: 1.5, cdr.Unreachable: 1.5, cdr.Rejected: 0.5, cdr.InvalidNumber: 0.5}

const (
	usualAnswers = 2.0 // people who answer of
	usualCalls   = 10.0
	usualAnswer  = 11.0 // seconds to the answer
	usualCycle   = 20.0 // to the end of a call without one
)

// learned fills in what is known of the campaign's calls, and returns how many they were.
func (p *planner) learned(w *workload.Work, seen map[string]int64) (calls int64) {
	answered := seen[string(cdr.Person)] + seen[string(cdr.Abandoned)]
	sum := 0.0
	for _, o := range cdr.All() {
		n := float64(seen[string(o)])
		if o != cdr.Skipped {
			calls += seen[string(o)]
		}
		switch o {
		case cdr.Person, cdr.Abandoned, cdr.Skipped, cdr.Cancelled, cdr.Interrupted:
			continue
		}
		if n += usualEndings[o]; n > 0 {
			w.Others = append(w.Others, workload.Ending{Name: string(o), Share: n})
			sum += n
		}
	}
	for i := range w.Others {
		w.Others[i].Share /= sum
	}
	w.Answers = workload.Share{Hits: float64(answered) + usualAnswers, Of: float64(calls) + usualCalls}
	w.Handling.Mean, w.Handling.Cases = p.model.HandlingTime()
	const enough = 20
	if bridged := float64(seen["bridged"]); w.Handling.Cases < enough && bridged > 0 {
		// What pacing has not learned the counters tell, but for the wrap-up.
		w.Handling = workload.Mean{Mean: max(float64(seen["talk_ms"])/1000/bridged, 1), Cases: bridged}
	}
	w.Pace = workload.Pace{Predictive: p.cfg.Mode == pacing.Predictive, Lines: p.cfg.Ratio, Answer: usualAnswer, Cycle: usualCycle}
	if answer, end, known := p.model.CallTimes(); known >= enough && answer > 0 && end > 0 {
		w.Pace.Answer, w.Pace.Cycle = answer, end
	}
	return calls
}
