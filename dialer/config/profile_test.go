package config

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"ringpace/configs/document"
	"ringpace/dialer/cdr"
	"ringpace/dialer/gate"
	"ringpace/pacing"
)

// TestProfiles holds what each profile makes of a campaign of which nothing else is set.
func TestProfiles(t *testing.T) {
	type made struct {
		windows  string
		target   Percent
		wait     time.Duration
		from     string
		ring     time.Duration
		redial   time.Duration
		message  bool
		hours    string
		attempts int
	}
	const s, leave = time.Second, 72 * time.Hour
	both := "[{day 3%} {30_days 3%}]"
	for name, want := range map[string]made{
		"safe":       {both, 0.025, 2 * s, FromSpeech, 15 * s, leave, true, "08:00-20:00", 3},
		"us":         {"[{30_days 3%}]", 0.02901, 2 * s, FromGreeting, 15 * s, leave, true, "08:00-20:00", 3},
		"us_florida": {"[{30_days 3%}]", 0.02901, 2 * s, FromGreeting, 15 * s, leave, true, "08:00-20:00", 1},
		"uk":         {"[{day 3%}]", 0.02901, 2 * s, FromSpeech, 15 * s, leave, true, "08:00-20:00", 3},
		"ca":         {"[{month 5%}]", 0.04835, 2 * s, FromAnswer, 15 * s, leave, true, "mon-fri 09:00-21:30; sat,sun 10:00-18:00", 3},
		"au":         {both, 0.02901, 2 * s, FromSpeech, 15 * s, leave, true, "mon-fri 09:00-20:00; sat 09:00-17:00", 3},
		"cn":         {both, 0.02901, 2 * s, FromSpeech, 15 * s, leave, true, "08:00-20:00", 3},
	} {
		cfg, warnings, err := Parse("test.yaml", []byte(keyed("compliance: {profile: "+name+"}, mode: predictive")))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if slices.ContainsFunc(warnings, func(p document.Problem) bool { return strings.HasPrefix(p.Key, "campaigns") }) {
			t.Errorf("%s is warned of: %v", name, warnings)
		}
		k := &cfg.Campaigns[0]
		c := k.Compliance
		got := made{
			fmt.Sprint(k.Windows()), k.Abandonment.Target, c.LongestWait, c.WaitFrom, c.LeastRing, c.RedialAbandoned,
			c.MessageRequired, k.Hours.String(), k.MaxAttemptsPerDay,
		}
		if math.Abs(float64(got.target-want.target)) > 1e-9 {
			t.Errorf("%s aims at %v, want %v", name, got.target, want.target)
		}
		if got.target = want.target; got != want {
			t.Errorf("%s makes %+v, want %+v", name, got, want)
		}
		if r := k.Retry[cdr.Abandoned]; r.Delay < c.RedialAbandoned || k.Profile().Source == "" || k.Profile().Checked.IsZero() {
			t.Errorf("%s: retry %+v, source %q", name, r, k.Profile().Source)
		}
	}
	if len(Profiles()) != 7 {
		t.Errorf("there are %d profiles", len(Profiles()))
	}
}

// TestProfilesMayOnlyBeTightened holds that a campaign that is looser than its profile is
// refused, or warned of where the profile has no rule, and that a stricter one is neither.
func TestProfilesMayOnlyBeTightened(t *testing.T) {
	const fine, warned, refused = "", "looser than the safe default", "it may only be stricter"
	for _, c := range []struct {
		profile, law, rest, want string
	}{
		{"us", "least_ring: 14s", "", refused},
		{"us", "least_ring: 16s", "", fine},
		{"us", "longest_wait: 3s", "", refused},
		{"us", "longest_wait: 1s", "abandon_after: 1s", fine},
		{"us", "wait_from: speech", "", fine},
		{"us", "message_required: false", "", refused},
		{"us", "redial_abandoned: 1d", "", warned}, // it has no rule
		{"us", "", "hours: [\"08:00-21:00\"]", fine},
		{"us", "", "hours: [\"07:59-21:00\"]", refused},
		{"us", "", "abandonment: {ceiling: 3.1%}", refused},
		{"us", "", "abandonment: {ceiling: 1%}", fine},
		{"us", "", "max_attempts_per_day: 4", warned},
		{"us_florida", "", "hours: [\"08:00-20:30\"]", refused},
		{"us_florida", "", "max_attempts_per_day: 2", refused},
		{"uk", "wait_from: greeting", "", refused},
		{"uk", "wait_from: answer", "", fine},
		{"uk", "redial_abandoned: 71h", "", refused},
		{"uk", "", "abandonment: {ceiling: 5%}", refused},
		{"uk", "", "hours: [\"07:00-20:00\"]", warned},
		{"ca", "wait_from: speech", "", refused},
		{"ca", "least_ring: 10s", "", warned},
		{"ca", "message_required: false", "", warned},
		{"ca", "", "abandonment: {ceiling: 5%}", fine},
		{"ca", "", "abandonment: {ceiling: 6%}", refused},
		{"ca", "", "hours: [\"mon-fri 09:00-21:30\"]", fine},
		{"ca", "", "hours: always", refused},
		{"au", "", "abandonment: {ceiling: 5%}", warned},
		{"au", "longest_wait: 4s", "", warned},
		{"au", "", "hours: [\"sun 10:00-11:00\"]", refused},
		{"cn", "", "max_attempts_per_day: 6", fine},
		{"cn", "", "max_attempts_per_day: 7", refused},
		{"safe", "least_ring: 10s, longest_wait: 4s, wait_from: greeting, message_required: false, redial_abandoned: 1d", "", warned},
		{"safe", "", "abandonment: {ceiling: 5%}, hours: always, max_attempts_per_day: 9", warned},
		{"usa", "", "", "is not known"},
	} {
		law := "profile: " + c.profile
		if c.law != "" {
			law += ", " + c.law
		}
		keys := "compliance: {" + law + "}, mode: predictive"
		if c.rest != "" {
			keys += ", " + c.rest
		}
		_, warnings, err := Parse("test.yaml", []byte(keyed(keys)))
		told := fmt.Sprint(err)
		if c.want == warned || c.want == fine {
			told = ""
			for _, w := range warnings {
				if strings.HasPrefix(w.Key, "campaigns") {
					told += w.String()
				}
			}
			if err != nil {
				t.Errorf("%s is refused: %v", keys, err)
			}
		}
		if (c.want == "") != (told == "") || !strings.Contains(told, c.want) {
			t.Errorf("%s: told %q, want %q", keys, told, c.want)
		}
	}
}

// TestAggressivenessStaysWithinTheLaw holds that no setting of how hard a campaign dials
// makes it aim above its ceiling, or that above its profile's.
func TestAggressivenessStaysWithinTheLaw(t *testing.T) {
	last := 0.0
	for _, of := range []string{"1%", "20%", "50%", "99%", "100%"} {
		cfg, _, err := Parse("test.yaml", []byte(keyed("mode: predictive, compliance: {profile: uk}, abandonment: {aggressiveness: "+of+"}")))
		if err != nil {
			t.Fatal(err)
		}
		k := &cfg.Campaigns[0]
		share := k.Pacing().Target
		if share <= last || share > pacing.DefaultTarget+1e-12 || k.Abandonment.Ceiling != 0.03 {
			t.Errorf("%s: aims at %v of the ceiling %s after %v", of, share, k.Abandonment.Ceiling, last)
		}
		last = share
	}
	if math.Abs(last-pacing.DefaultTarget) > 1e-12 {
		t.Errorf("100%% aims at %v of the ceiling", last)
	}
}

// TestNonsenseOfPacing holds that settings that make no sense are refused, plainly.
func TestNonsenseOfPacing(t *testing.T) {
	for set, want := range map[string]string{
		"abandonment: {ceiling: 0%}":             "0%: no pacing ahead of agents can promise that nobody is ever abandoned",
		"abandonment: {ceiling: 100%}":           "100%: every call might be abandoned",
		"abandonment: {ceiling: 101%}":           `"101%" is not a share`,
		"abandonment: {ceiling: -3%}":            `"-3%" is not a share`,
		"abandonment: {ceiling: nan%}":           "is not a share",
		"abandonment: {ceiling: 3}":              "3 has no unit; write 3%",
		"abandonment: {target: 3.5%}":            "3.5% is above the ceiling of 3%; write less than that, such as 2.5%",
		"abandonment: {target: 0%}":              "0%; write the share that is aimed at",
		"abandonment: {ceiling: 1%, target: 2%}": "2% is above the ceiling of 1%",
		"abandonment: {aggressiveness: 0%}":      "choose mode progressive",
		"abandonment: {aggressiveness: 150%}":    `"150%" is not a share`,
		"max_ratio: -2":                          "-2; write how many calls may be in flight for each agent",
		"max_ratio: 0.5":                         "0.5; write how many calls may be in flight for each agent",
		"max_ratio: .inf":                        "is not a number",
		"max_in_flight: -1":                      "-1; write a number of calls",
		"compliance: {longest_wait: -1s}":        `"-1s" is negative`,
		"compliance: {wait_from: ringing}":       `"ringing" is not known`,
		"abandon_after: 5s":                      "5s is longer than compliance.longest_wait (2s)",
		"compliance: {profile: uk}, retry: {abandoned: {delay: 1d, max: 1}}": "1d is less than compliance.redial_abandoned (3d)",
	} {
		if _, _, err := Parse("test.yaml", []byte(keyed("mode: predictive, "+set))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", set, err, want)
		}
	}
}

// TestSafeHours holds that the profiles' hours are such as people are not woken in.
func TestSafeHours(t *testing.T) {
	civil := gate.Hours{{Days: gate.EveryDay, From: 8 * 60, To: 22 * 60}}
	for _, p := range Profiles() {
		if !p.Hours.Within(civil) {
			t.Errorf("%s: %s", p.Name, p.Hours)
		}
	}
}
