package sim

import (
	"slices"
	"testing"

	"ringpace/pacing"
)

// fickle dials one call at each decision, and arranges each batch backwards unless there
// are many agents. It notes whom it is shown first.
type fickle struct {
	few  int
	next []pacing.Lead
}

func (f *fickle) Decide(s pacing.Snapshot) pacing.Decision {
	f.next = append(f.next, s.Next[0])
	return pacing.Decision{Dial: 1}
}

func (f *fickle) Arrange(leads []pacing.Lead, agents int) (order []int) {
	if agents > f.few {
		return nil
	}
	for i := range leads {
		order = append(order, len(leads)-1-i)
	}
	return order
}

// TestLeadsAreDialedAsArranged holds that everybody is dialed once, batch by batch, in the order
// that the pacer has chosen within each, and that it is shown them in that order.
func TestLeadsAreDialedAsArranged(t *testing.T) {
	s := preset(t, "G")
	s.Hours = 200.0 / 3600
	for few, want := range map[int][]int{0: {0, 1, 35}, 10: {34, 33, 69}} {
		p := &fickle{few: few}
		d := foresight{}.of(&s, p, 1)
		floor := d.floor
		d.play()
		if len(p.next) != 200 || d.dials != 200 {
			t.Fatalf("%d decisions, %d dials", len(p.next), d.dials)
		}
		got := []int{0, 1, pacing.Batch}
		for i, at := range got {
			if lead, _ := floor.lead(want[i], 0); p.next[at] != lead {
				t.Errorf("few are %d: dial %d is of %v, want %v", few, at, p.next[at], lead)
			}
		}
	}
	l := line{batch: []int{34, 33}, after: 35}
	var taken []int
	for range 4 {
		taken = append(taken, l.take())
	}
	if !slices.Equal(taken, []int{34, 33, 35, 36}) || l.at(2) != 39 {
		t.Errorf("%v, then %d", taken, l.at(2))
	}
}

// TestArrangingPays holds that small teams gain by it where leads differ.
func TestArrangingPays(t *testing.T) {
	s := preset(t, "G").WithAgents(4)
	gain := 0.0
	const days = 4
	for seed := range uint64(days) {
		for name, sign := range map[string]float64{"predictive": 1, "without-arranging": -1} {
			a, err := FindAlgorithm(name)
			if err != nil {
				t.Fatal(err)
			}
			d, err := a.Run(&s, seed+1)
			if err != nil {
				t.Fatal(err)
			}
			gain += sign * d.Utilisation / days
		}
	}
	if gain < 0.003 {
		t.Errorf("arranging leads gains %.2f points", 100*gain)
	}
}
