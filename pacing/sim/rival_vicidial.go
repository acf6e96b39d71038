package sim

import (
	"time"

	"ringpace/pacing"
)

// vicidial paces as VICIdial's manuals say that it does; nothing of it comes from its
// code. The sources are its PREDICTIVE.txt (2006-08-29), the help of its campaign screen,
// and what its author and users wrote in its forum:
//
//   - The lines kept are the dial level times the agents who wait or talk; one who writes
//     up a call is paused. Calls that agents have are lines. With "available only tally"
//     neither those agents nor their calls count.
//   - The adaptive methods sample agents and calls each second. Each 15 s they change the
//     level by the difference between agents who wait for calls and calls that wait for
//     agents, less the target for it, as a share of the agents logged in. Intensity makes
//     rises greater, and falls smaller, by so many hundredths.
//   - Each minute they count the day's drops out of its answered calls. After 50 calls the
//     share bounds the level: ADAPT_HARD_LIMIT dials one line for each agent while it is
//     over the limit; so does ADAPT_TAPERED, whose limit is laxer in the first half of the
//     shift; ADAPT_AVERAGE lowers the level by as much as the share is over.
//   - The level is never below 1, nor above the maximum.
//
// Not published, and so chosen here: that the tapered limit falls evenly from twice the
// limit to the limit at half of the shift, and that the level moves by vicidialGain of the
// difference. The gain was fitted: of 0.05, 0.1, 0.3 and 1 it is the one with which
// ADAPT_TAPERED at its defaults came nearest to what another re-creation from the same
// sources had come to in the presets, so that their agreement proves nothing. The plain
// reading, a gain of 1, has lower utilisation where people answer often.
type vicidial struct {
	vicidialSettings
	method vicidialMethod
	shift  time.Duration // from the first decision to "latest server time"

	calls   int       // placed today
	began   time.Time // of the shift
	adapted time.Time // when the level was last changed
	counted time.Time // when drops were last counted
	sum     struct{ free, waiting, agents, samples float64 }
	day     struct {
		calls int
		share float64 // of answered calls that were dropped
	}
}

// vicidialSettings are a campaign's settings.
type vicidialSettings struct {
	level      float64 // auto dial level: lines for each agent
	available  bool    // available only tally
	limit      float64 // drop percentage limit, as a share
	most       float64 // maximum adapt dial level
	intensity  float64 // adapt intensity modifier, in hundredths
	difference float64 // dial level difference target: calls that wait, or less agents
}

// vicidialDefaults are the settings that a new campaign comes with.
func vicidialDefaults() vicidialSettings {
	return vicidialSettings{level: 1, limit: 0.03, most: 3}
}

type vicidialMethod uint8

const (
	vicidialRatio vicidialMethod = iota
	vicidialHardLimit
	vicidialTapered
	vicidialAverage
)

const (
	vicidialGain  = 0.3
	vicidialEvery = 15 * time.Second
	vicidialCount = time.Minute
	vicidialCalls = 50 // placed today, before drops are looked at
)

// Decide implements pacing.Pacer.
func (v *vicidial) Decide(s pacing.Snapshot) pacing.Decision {
	n := tally(&s)
	if v.method != vicidialRatio {
		v.adapt(&s, n)
	}
	agents, taken := n.free+n.talking, n.flight+n.talking
	if v.available {
		agents, taken = n.free, n.flight
	}
	d := dial(&s, lines(v.level, agents)-taken)
	v.calls += d.Dial
	return d
}

// adapt samples, and changes the level when it is time to.
func (v *vicidial) adapt(s *pacing.Snapshot, n crowd) {
	if v.began.IsZero() {
		v.began, v.adapted, v.counted = s.Now, s.Now, s.Now
	}
	v.sum.free += float64(n.free)
	v.sum.waiting += float64(n.waiting)
	v.sum.agents += float64(n.present())
	v.sum.samples++
	if s.Now.Sub(v.counted) >= vicidialCount {
		v.counted = s.Now
		v.day.calls, v.day.share = v.calls, dayShare(s)
	}
	if s.Now.Sub(v.adapted) < vicidialEvery {
		return
	}
	v.adapted = s.Now
	was := v.level
	v.level = v.wanted()
	if limit := v.limitAt(s.Now); v.day.calls > vicidialCalls && v.day.share > limit {
		if v.method == vicidialAverage {
			v.level = min(v.level, was) * limit / v.day.share
		} else {
			v.level = 1
		}
	}
	v.level = min(max(v.level, 1), v.most)
	v.sum = struct{ free, waiting, agents, samples float64 }{}
}

// wanted is the level that the samples ask for.
func (v *vicidial) wanted() float64 {
	if v.sum.agents == 0 {
		return v.level
	}
	idle := v.sum.free - v.sum.waiting + v.difference*v.sum.samples
	change := v.level * vicidialGain * idle / v.sum.agents
	if change > 0 {
		return v.level + change*(1+v.intensity/100)
	}
	return v.level + change*(1-v.intensity/100)
}

// limitAt is the share of drops that is borne.
func (v *vicidial) limitAt(now time.Time) float64 {
	if v.method != vicidialTapered || v.shift <= 0 {
		return v.limit
	}
	left := 1 - now.Sub(v.began).Seconds()/v.shift.Seconds()
	return v.limit * max(1, 2*left)
}
