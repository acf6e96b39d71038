package sim

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"ringpace/pacing"
)

func TestTable(t *testing.T) {
	seeds := 4
	fmt.Sscan(os.Getenv("SEEDS"), &seeds)
	want := os.Getenv("SCEN")
	for _, s := range Presets() {
		if want != "" && !strings.Contains(","+want+",", ","+s.Name+",") {
			continue
		}
		line := s.Name
		for _, mode := range []pacing.Mode{pacing.Progressive, pacing.Predictive} {
			if os.Getenv("MODE") != "" && os.Getenv("MODE") != string(mode) {
				continue
			}
			var util, ab, worst, over, cph float64
			began := time.Now()
			for seed := range seeds {
				p, err := pacing.New(config(mode))
				if err != nil {
					t.Fatal(err)
				}
				d := Run(&s, p, uint64(seed+1))
				util += d.Utilisation / float64(seeds)
				ab += d.Abandonment() / float64(seeds)
				worst = max(worst, d.Abandonment())
				cph += float64(d.Conversations) / d.AgentHours / float64(seeds)
				if d.Abandonment() > 0.03 {
					over++
				}
			}
			line += fmt.Sprintf("  %s %.2f%% ab %.2f%% max %.2f%% over %g conv/h %.1f (%s/day)", mode, 100*util, 100*ab, 100*worst, over, cph, (time.Since(began) / time.Duration(seeds)).Round(time.Millisecond))
		}
		fmt.Println(line)
	}
}

func config(mode pacing.Mode) pacing.Config {
	c := pacing.Config{Mode: mode, Patience: 2 * time.Second}
	fmt.Sscan(os.Getenv("TARGET"), &c.Target)
	ring, ignore := 15.0, 0
	fmt.Sscan(os.Getenv("LEAST"), &ring)
	fmt.Sscan(os.Getenv("IGNORE"), &ignore)
	c.LeastRing, c.Ignore = time.Duration(ring*float64(time.Second)), pacing.Knowledge(ignore)
	return c
}
