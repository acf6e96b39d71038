package sim

import (
	"errors"
	"testing"
)

func TestEachAlgorithmPlaysADay(t *testing.T) {
	s := Presets()[0]
	s.Hours = 0.25
	seen := map[string]bool{}
	for _, a := range Algorithms() {
		t.Run(a.Name, func(t *testing.T) {
			if seen[a.Name] || a.About == "" {
				t.Fatalf("%q comes twice, or does not say what it is", a.Name)
			}
			seen[a.Name] = true
			found, err := FindAlgorithm(a.Name)
			if err != nil {
				t.Fatal(err)
			}
			d, err := found.Run(&s, 1)
			if err != nil {
				t.Fatal(err)
			}
			if d.Conversations == 0 || !(d.Utilisation > 0 && d.Utilisation <= 1) {
				t.Fatalf("%d conversations, utilisation %v", d.Conversations, d.Utilisation)
			}
		})
	}
	if _, err := FindAlgorithm("nonesuch"); !errors.Is(err, ErrAlgorithm) {
		t.Fatalf("%v, not ErrAlgorithm", err)
	}
}
