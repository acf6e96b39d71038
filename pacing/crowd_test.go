package pacing

import (
	"math/rand/v2"
	"testing"
)

// TestCrowdAgreesWithItself holds the normal distribution of large crowds to the exact one
// of the same people, in the tails that decide; and that who was added can be taken out.
func TestCrowdAgreesWithItself(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	worst := 0.0
	for range 300 {
		places, n := 20+r.IntN(20), 60+r.IntN(30)
		exact, normal := crowd{}, crowd{}
		exact.reset(places, exactCrowd-places)
		normal.reset(places, exactCrowd)
		if !exact.exact || normal.exact {
			t.Fatal("a crowd is not of the kind that its size asks for")
		}
		var people []row
		for range n {
			var p row
			for k, at := 0, 0.0; k < steps; k++ {
				at = min(at+r.Float64()/60, 1)
				p[k] = at
			}
			people = append(people, p)
			exact.add(&p)
			normal.add(&p)
		}
		var a, b, again row
		exact.full(&a)
		normal.full(&b)
		for k := range a {
			if a[k] > 5e-3 && a[k] < 0.2 {
				worst = max(worst, max(a[k]/b[k], b[k]/a[k]))
			}
		}
		for _, c := range []*crowd{&exact, &normal} {
			c.full(&a)
			extra := people[r.IntN(n)]
			c.add(&extra)
			if !c.remove(&extra) {
				t.Fatal("who was added cannot be taken out")
			}
			c.full(&again)
			for k := range a {
				if d := a[k] - again[k]; d > 1e-9 || d < -1e-9 {
					t.Fatalf("risk %v, and %v after one has come and gone", a[k], again[k])
				}
			}
		}
	}
	if worst > 1.1 {
		t.Errorf("the normal distribution is off by a factor of %.3f", worst)
	}
}
