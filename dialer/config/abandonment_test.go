package config

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"ringpace/configs/document"
	"ringpace/pacing"
)

// keyed is the base file with further keys of its campaign.
func keyed(keys string) string {
	return strings.Replace(base, "name: welcome", "name: welcome, "+keys, 1)
}

// TestPacingOfACampaign holds what the settings of predictive mode make of pacing.
func TestPacingOfACampaign(t *testing.T) {
	for _, c := range []struct {
		name, set string
		want      pacing.Config
		ceiling   Percent
	}{
		{"as it comes", "", pacing.Config{MaxRatio: 10, Target: 2.5 / 3, LeastRing: 15 * time.Second}, 0.03},
		{"tightened", ", max_ratio: 2.5, give_up: false, abandonment: {ceiling: 2%, target: 1%}", pacing.Config{MaxRatio: 2.5, Target: 0.5}, 0.02},
		{"another ceiling", ", abandonment: {ceiling: \"1 %\"}", pacing.Config{MaxRatio: 10, Target: 2.5 / 3, LeastRing: 15 * time.Second}, 0.01},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, warnings, err := Parse("test.yaml", []byte(keyed("mode: predictive"+c.set)))
			if err != nil || slices.ContainsFunc(warnings, func(p document.Problem) bool { return strings.HasPrefix(p.Key, "campaigns") }) {
				t.Fatal(err, warnings)
			}
			k := cfg.Campaigns[0]
			got := k.Pacing()
			if math.Abs(got.Target-c.want.Target) > 1e-9 {
				t.Errorf("aims at %v of the ceiling, want %v", got.Target, c.want.Target)
			}
			c.want.Target, c.want.Mode, c.want.Ratio, c.want.Patience = got.Target, pacing.Predictive, 1.5, 2*time.Second
			if got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			if k.Abandonment.Ceiling != c.ceiling {
				t.Errorf("ceiling %s, want %s", k.Abandonment.Ceiling, c.ceiling)
			}
		})
	}
}

// TestWarningsOfPredictiveSettings holds that a ceiling above the safe one is warned of,
// and so are settings that the mode does not use.
func TestWarningsOfPredictiveSettings(t *testing.T) {
	for set, want := range map[string]string{
		"mode: predictive, abandonment: {ceiling: 5%}": "campaigns[0].abandonment.ceiling: 5% is looser than the safe default (3%)",
		"mode: power, abandonment: {ceiling: 2%}":      "campaigns[0].abandonment: has no effect in mode power",
		"max_ratio: 3":   "campaigns[0].max_ratio: has no effect in mode progressive",
		"give_up: false": "campaigns[0].give_up: has no effect in mode progressive",
	} {
		_, warnings, err := Parse("test.yaml", []byte(keyed(set)))
		if err != nil || !slices.ContainsFunc(warnings, func(p document.Problem) bool { return strings.Contains(p.String(), want) }) {
			t.Errorf("%s: %v, %v, want %q", set, warnings, err, want)
		}
	}
}
