package lab

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"

	"ringpace/dialer/cdr"
)

// Behaviour is what a callee does with a call.
type Behaviour string

// The behaviours.
const (
	Person        Behaviour = "person"         // rings, answers, speaks, listens
	SlowPerson    Behaviour = "slow_person"    // the same after a long ring
	Busy          Behaviour = "busy"           // 486
	NoAnswer      Behaviour = "no_answer"      // rings until the caller gives up
	Rejected      Behaviour = "rejected"       // rings, then 603
	InvalidNumber Behaviour = "invalid_number" // 404
	Unreachable   Behaviour = "unreachable"    // 480
	Congestion    Behaviour = "congestion"     // 503
	EarlyBusy     Behaviour = "early_busy"     // busy tone as early media, then 486
	EarlyInvalid  Behaviour = "early_invalid"  // announcement as early media, then 404
)

// script is how a behaviour looks on the wire.
type script struct {
	outcome cdr.Outcome // what the caller must name it
	rings   bool        // 180 first
	early   bool        // 183 with SDP and an announcement first
	answers bool        // 200 in the end
	status  int         // the final response where it does not answer; 0: none
	phrase  string
}

func (b Behaviour) script() (script, bool) {
	switch b {
	case Person, SlowPerson:
		return script{outcome: cdr.Person, rings: true, answers: true}, true
	case Busy:
		return script{outcome: cdr.Busy, status: 486, phrase: "Busy Here"}, true
	case NoAnswer:
		return script{outcome: cdr.NoAnswer, rings: true}, true
	case Rejected:
		return script{outcome: cdr.Rejected, rings: true, status: 603, phrase: "Decline"}, true
	case InvalidNumber:
		return script{outcome: cdr.InvalidNumber, status: 404, phrase: "Not Found"}, true
	case Unreachable:
		return script{outcome: cdr.Unreachable, status: 480, phrase: "Temporarily Unavailable"}, true
	case Congestion:
		return script{outcome: cdr.Congestion, status: 503, phrase: "Service Unavailable"}, true
	case EarlyBusy:
		return script{outcome: cdr.Busy, early: true, status: 486, phrase: "Busy Here"}, true
	case EarlyInvalid:
		return script{outcome: cdr.InvalidNumber, early: true, status: 404, phrase: "Not Found"}, true
	}
	return script{}, false
}

// Outcome is the name that the caller's record must give to a call that met b.
func (b Behaviour) Outcome() cdr.Outcome {
	s, _ := b.script()
	return s.outcome
}

// Share is the weight of one behaviour in a mix.
type Share struct {
	Behaviour Behaviour
	Weight    float64 // not negative; shares are weights over their sum
}

// Mix is the callees of a carrier, by shares.
type Mix []Share

// DefaultMix is a list of households on a working day: two in five answer.
func DefaultMix() Mix {
	return Mix{
		{Person, 0.36},
		{SlowPerson, 0.03},
		{Busy, 0.12},
		{NoAnswer, 0.20},
		{Rejected, 0.07},
		{InvalidNumber, 0.06},
		{Unreachable, 0.07},
		{Congestion, 0.02},
		{EarlyBusy, 0.04},
		{EarlyInvalid, 0.03},
	}
}

// Validate reports a behaviour that does not exist, a negative weight, or a mix of
// no weight at all.
func (m Mix) Validate() error {
	for _, s := range m {
		if _, ok := s.Behaviour.script(); !ok {
			return fmt.Errorf("lab: no behaviour %q", s.Behaviour)
		}
		if s.Weight < 0 || math.IsNaN(s.Weight) || math.IsInf(s.Weight, 0) {
			return fmt.Errorf("lab: weight of %s is %v", s.Behaviour, s.Weight)
		}
	}
	if m.total() == 0 {
		return fmt.Errorf("lab: the mix has no weight")
	}
	return nil
}

func (m Mix) total() float64 {
	var sum float64
	for _, s := range m {
		sum += s.Weight
	}
	return sum
}

// Of is the behaviour of the callee with that number.
func (m Mix) Of(seed uint64, number string) Behaviour {
	return m.pick(dice(seed, number, "behaviour").Float64())
}

func (m Mix) pick(u float64) Behaviour {
	u *= m.total()
	var last Behaviour
	for _, s := range m {
		if s.Weight == 0 {
			continue
		}
		last = s.Behaviour
		if u -= s.Weight; u < 0 {
			break
		}
	}
	return last
}

// Outcomes is the share of calls, 0 to 1, that the caller must find under each
// outcome.
func (m Mix) Outcomes() map[cdr.Outcome]float64 {
	shares := make(map[cdr.Outcome]float64)
	total := m.total()
	for _, s := range m {
		if s.Weight > 0 {
			shares[s.Behaviour.Outcome()] += s.Weight / total
		}
	}
	return shares
}

// Spread is a lognormal time: most near the median, a few much longer.
type Spread struct {
	Median      time.Duration
	Sigma       float64       // of the logarithm; 0: always the median
	Least, Most time.Duration // bounds; Most 0: none
}

// Of is the time that a number has for a purpose: always the same for the same
// seed, number and purpose.
func (s Spread) Of(seed uint64, number, purpose string) time.Duration {
	return s.draw(dice(seed, number, purpose))
}

func (s Spread) draw(r *rand.Rand) time.Duration {
	d := time.Duration(float64(s.Median) * math.Exp(s.Sigma*r.NormFloat64()))
	d = max(d, s.Least)
	if s.Most > 0 {
		d = min(d, s.Most)
	}
	return d
}

// Chance throws the dice of a number for a purpose: true in that share of numbers,
// and always the same for the same seed, number and purpose.
func Chance(seed uint64, number, purpose string, share float64) bool {
	return dice(seed, number, purpose).Float64() < share
}

// dice are the random numbers of one callee for one purpose: the same for the same
// seed and number, whatever happens to other callees.
func dice(seed uint64, number, purpose string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(purpose))
	h.Write([]byte{0})
	h.Write([]byte(number))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}
