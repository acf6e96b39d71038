package sim

import (
	"fmt"
	"math"
	"strings"
	"unicode"

	"ringpace/configs/document"
)

// Faults is everything that is wrong with a scenario, by line. It wraps ErrScenario.
type Faults document.Problems

// Error writes one fault a line.
func (f Faults) Error() string { return document.Problems(f).Error() }

// Unwrap makes it one of ErrScenario.
func (f Faults) Unwrap() error { return ErrScenario }

// Bounds of what is played, far beyond any floor, so that a slip of the pen does not keep
// a machine busy for weeks.
const (
	MostAgents = 5000

	mostHours = 7 * 24
	mostTime  = 24 * 3600 // of one ring, talk, break …
	mostSigma = 4
	mostOdds  = 50
)

// Validate says what is wrong with a scenario: all of it, as Faults.
func (s *Scenario) Validate() error {
	var v validator
	v.all(s)
	if len(v.faults) == 0 {
		return nil
	}
	return v.faults
}

type validator struct{ faults Faults }

func (v *validator) fault(key, format string, args ...any) {
	v.faults = append(v.faults, document.Problem{Key: key, Text: fmt.Sprintf(format, args...)})
}

func (v *validator) all(s *Scenario) {
	if s.Name == "" || len(s.Name) > 60 || strings.ContainsFunc(s.Name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		v.fault("name", "a name has 1 to 60 octets, and shows")
	}
	if !within(s.Hours, 0, mostHours) || s.Hours == 0 {
		v.fault("day", "a day takes more than no time, and at most %dh", mostHours)
	}
	if !within(s.Ceiling, 0, 1) || s.Ceiling == 0 {
		v.fault("ceiling", "is a share above 0 and at most 1, such as 0.03 or 3%%")
	}
	v.crews(s)
	if b := s.Breaks; b != nil {
		v.distribution("breaks.every", &b.Every)
		v.distribution("breaks.last", &b.Last)
	}
	if !within(s.Speeds, 0, mostSigma) {
		v.fault("speeds", "is a standard deviation from 0 to %d", mostSigma)
	}
	v.fates(s)
	v.distribution("setup", &s.Setup)
	v.distribution("ring", &s.Ring)
	v.distribution("machine_ring", &s.MachineRing)
	v.distribution("failure", &s.Failure)
	v.time("give_up", s.GiveUp)
	v.time("patience", s.Patience)
	v.distribution("talk", &s.Talk)
	v.distribution("machine_talk", &s.MachineTalk)
	v.distribution("wrap_up", &s.WrapUp)
	if s.Talk.mean()+s.WrapUp.mean() < 1 {
		v.fault("talk", "with the wrap-up, a conversation takes at least 1s on average")
	}
}

func (v *validator) crews(s *Scenario) {
	if len(s.Crews) == 0 {
		v.fault("crews", "a day needs agents: write for example [{agents: 20}]")
	}
	sum := 0
	for i, c := range s.Crews {
		key := fmt.Sprintf("crews[%d]", i)
		if c.Agents < 1 || c.Agents > MostAgents {
			v.fault(key+".agents", "a crew has 1 to %d agents", MostAgents)
			continue
		}
		sum += c.Agents
		if !within(c.From, 0, s.Hours) || c.From == s.Hours {
			v.fault(key+".from", "is not within the day")
		}
		if c.To != 0 && (!within(c.To, c.From, s.Hours) || c.To == c.From) {
			v.fault(key+".to", "is after from, and at the end of the day at the latest")
		}
	}
	if sum > MostAgents {
		v.fault("crews", "there are more than %d agents", MostAgents)
	}
}

// fates checks what becomes of dials.
func (v *validator) fates(s *Scenario) {
	if len(s.People) == 0 {
		v.fault("people", "how many dials does a person answer? Write for example [{share: 0.2}]")
	}
	most, until := 0.0, 0.0
	for i, p := range s.People {
		key := fmt.Sprintf("people[%d]", i)
		v.share(key+".share", p.Share)
		most = max(most, p.Share)
		last := i == len(s.People)-1
		switch {
		case p.Until == 0 && !last:
			v.fault(key+".until", "is needed of all but the last")
		case p.Until != 0 && (!within(p.Until, until, s.Hours) || p.Until == until):
			v.fault(key+".until", "is after the one before, and at the end of the day at the latest")
		}
		until = p.Until
	}
	if s.Sine != nil {
		v.share("sine.amplitude", s.Sine.Amplitude)
		most += s.Sine.Amplitude
		if !within(s.Sine.Period, 0.01, mostHours) {
			v.fault("sine.period", "is between 36s and %dh", mostHours)
		}
	}
	v.share("machines", s.Machines)
	v.share("failures", s.Failures)
	v.share("missed", s.Missed)
	v.share("unreachable", s.Unreachable)
	v.share("silent", s.Silent)
	if s.Notice != nil {
		v.distribution("notice", s.Notice)
	} else if s.Unreachable > 0 {
		v.fault("unreachable", "until when does such a call end? Write for example notice: {constant: 10s}")
	}
	if sum := most + s.Machines + s.Failures + s.Unreachable; sum > 1+1e-9 {
		v.fault("people", "the shares of people at their most, machines, failures and unreachable come to %.4g; they may come to 1", sum)
	}
	v.leads(s, most)
}

// leads checks in what leads differ; most is the greatest share of people.
func (v *validator) leads(s *Scenario, most float64) {
	odds := func(key string, x float64) float64 {
		if !within(x, 0, mostOdds) {
			v.fault(key, "is a factor from 0 to %d, 1 being as usual", mostOdds)
		}
		return x
	}
	sum, best, seen := 0.0, 0.0, make(map[string]bool)
	for i := range s.Lists {
		l, key := &s.Lists[i], fmt.Sprintf("lists[%d]", i)
		if l.Name == "" || seen[l.Name] {
			v.fault(key+".name", "each list has a name of its own")
		}
		seen[l.Name] = true
		v.share(key+".share", l.Share)
		sum, best = sum+l.Share, max(best, odds(key+".odds", l.Odds))
		if l.Ring != nil {
			v.distribution(key+".ring", l.Ring)
		}
	}
	if len(s.Lists) > 0 {
		v.whole("lists", sum)
		most *= best
	}
	sum, best = 0, 0
	for i, a := range s.Attempts {
		key := fmt.Sprintf("attempts[%d]", i)
		v.share(key+".share", a.Share)
		sum, best = sum+a.Share, max(best, odds(key+".odds", a.Odds))
	}
	if len(s.Attempts) > 0 {
		v.whole("attempts", sum)
		most *= best
	}
	best = 0
	for i, x := range s.HourOdds {
		best = max(best, odds(fmt.Sprintf("hour_odds[%d]", i), x))
	}
	if len(s.HourOdds) > 0 {
		most *= max(best, 1) // after the last of them it is as usual
	}
	if most > 1+1e-9 {
		v.fault("people", "with the best odds of lists, attempts and hours, %.4g times all of the dials would be answered", most)
	}
}

// whole checks that shares of the same come to all of it.
func (v *validator) whole(key string, sum float64) {
	if math.Abs(sum-1) > 1e-6 {
		v.fault(key, "its shares come to %.6g, not to 1", sum)
	}
}

func (v *validator) share(key string, x float64) {
	if !within(x, 0, 1) {
		v.fault(key, "is a share from 0 to 1, such as 0.2 or 20%%")
	}
}

func (v *validator) time(key string, x float64) {
	if !within(x, 0, mostTime) {
		v.fault(key, "is a time from 0s to 24h")
	}
}

func (v *validator) distribution(key string, d *Distribution) {
	if len(d.Mix) == 0 {
		v.parts(key, d)
		return
	}
	if d.Lognormal != nil || d.Uniform != nil || d.Constant != 0 {
		v.fault(key, "has a mix or other parts, not both")
	}
	sum := 0.0
	for i := range d.Mix {
		p := &d.Mix[i]
		part := fmt.Sprintf("%s.mix[%d]", key, i)
		v.share(part+".share", p.Share)
		sum += p.Share
		if len(p.Mix) > 0 {
			v.fault(part+".mix", "a mix holds no mixes")
			continue
		}
		v.parts(part, &p.Distribution)
	}
	v.whole(key+".mix", sum)
}

func (v *validator) parts(key string, d *Distribution) {
	v.time(key+".constant", d.Constant)
	if l := d.Lognormal; l != nil {
		v.time(key+".lognormal.median", l.Median)
		if !within(l.Sigma, 0, mostSigma) {
			v.fault(key+".lognormal.sigma", "is a standard deviation from 0 to %d", mostSigma)
		}
	}
	if u := d.Uniform; u != nil {
		v.time(key+".uniform.low", u.Low)
		v.time(key+".uniform.high", u.High)
		if u.High < u.Low {
			v.fault(key+".uniform", "high is less than low")
		}
	}
}

// within says whether x is a number from low to high.
func within(x, low, high float64) bool { return x >= low && x <= high }
