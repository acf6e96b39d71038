package lab

import (
	"fmt"
	"math"
	"testing"
	"time"

	"ringpace/dialer/cdr"
)

func TestMixKeepsItsShares(t *testing.T) {
	mix := DefaultMix()
	if err := mix.Validate(); err != nil {
		t.Fatal(err)
	}
	const calls = 20_000
	got := make(map[cdr.Outcome]float64)
	for i := range calls {
		got[mix.Of(7, fmt.Sprintf("+1555%07d", i)).Outcome()] += 1. / calls
	}
	for outcome, wish := range mix.Outcomes() {
		if five := 5 * math.Sqrt(wish*(1-wish)/calls); math.Abs(got[outcome]-wish) > five {
			t.Errorf("%s: share %.4f, wished %.4f ± %.4f", outcome, got[outcome], wish, five)
		}
	}
}

func TestMixIsRepeatable(t *testing.T) {
	mix := DefaultMix()
	differ := 0
	for i := range 500 {
		number := fmt.Sprintf("+1555%07d", i)
		first := mix.Of(1, number)
		if again := mix.Of(1, number); again != first {
			t.Fatalf("%s is %s, then %s with the same seed", number, first, again)
		}
		if mix.Of(2, number) != first {
			differ++
		}
	}
	if differ < 100 {
		t.Errorf("another seed changed only %d of 500 callees", differ)
	}
}

func TestMixPicksAtItsEdges(t *testing.T) {
	mix := Mix{{Busy, 0}, {Person, 1}, {NoAnswer, 1}, {Rejected, 0}}
	for u, want := range map[float64]Behaviour{0: Person, 0.4999: Person, 0.5: NoAnswer, math.Nextafter(1, 0): NoAnswer} {
		if got := mix.pick(u); got != want {
			t.Errorf("pick(%v) = %s, want %s", u, got, want)
		}
	}
}

func TestMixValidate(t *testing.T) {
	for name, mix := range map[string]Mix{
		"empty":     nil,
		"no weight": {{Person, 0}},
		"unknown":   {{"asleep", 1}},
		"negative":  {{Person, 1}, {Busy, -1}},
		"NaN":       {{Person, math.NaN()}},
	} {
		if mix.Validate() == nil {
			t.Errorf("%s mix is valid", name)
		}
	}
}

func TestSpread(t *testing.T) {
	s := Spread{Median: time.Second, Sigma: 0.7, Least: 300 * time.Millisecond, Most: 3 * time.Second}
	r := dice(1, "+15550100", "ring")
	below := 0
	for range 1000 {
		d := s.draw(r)
		if d < s.Least || d > s.Most {
			t.Fatalf("drew %v outside [%v, %v]", d, s.Least, s.Most)
		}
		if d < s.Median {
			below++
		}
	}
	if below < 400 || below > 600 {
		t.Errorf("%d of 1000 below the median", below)
	}
	if d := (Spread{Median: time.Second}).draw(r); d != time.Second {
		t.Errorf("without sigma: %v", d)
	}
}
