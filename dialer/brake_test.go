package dialer

import (
	"testing"
	"time"

	"ringpace/sip"
)

func TestBrakeHonoursRetryAfter(t *testing.T) {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		f    sip.Failure
		want time.Duration
	}{
		{"a time", sip.Failure{Status: 503, RetryAfter: 7 * time.Second}, 7 * time.Second},
		{"an hour", sip.Failure{Status: 503, RetryAfter: time.Hour}, longestPause},
		{"none", sip.Failure{Status: 503, Phrase: "Service Unavailable"}, 0},
		{"of a callee who is busy", sip.Failure{Status: 486, RetryAfter: time.Minute}, 0},
	} {
		var b brake
		b.hear(c.f, 10, noon)
		if got := b.wait(noon); got != c.want {
			t.Errorf("%s: %v to wait, want %v", c.name, got, c.want)
		}
		until, why := b.slowed(noon)
		if until.IsZero() != (c.want == 0) || (why == "") != (c.want == 0) {
			t.Errorf("%s: slowed until %v since %q", c.name, until, why)
		}
		if got := b.wait(noon.Add(c.want)); got != 0 {
			t.Errorf("%s: %v to wait after that", c.name, got)
		}
	}
}

func TestBrakeHearsRateTexts(t *testing.T) {
	noon := time.Now()
	for text, slow := range map[string]bool{
		"CPS limit exceeded": true, "Too Many Calls": true, "Call rate exceeded": true, "Throttled": true, "Overloaded": true,
		"Service Unavailable": false, "Corporate line": false, "Moderate": false, "No circuit": false,
	} {
		var phrase, warning brake
		phrase.hear(sip.Failure{Status: 503, Phrase: text}, 10, noon)
		warning.hear(sip.Failure{Status: 500, Phrase: "Server Error", Warning: `399 sbc "` + text + `"`}, 10, noon)
		if (phrase.gap > 0) != slow || (warning.gap > 0) != slow {
			t.Errorf("%q: %v between calls as a phrase, %v as a warning", text, phrase.gap, warning.gap)
		}
	}
}

// A trunk at ten calls a second that is told to slow down has five of them, then two
// and a half, and comes back step by step where it hears no more of it.
func TestBrakeEases(t *testing.T) {
	now := time.Now()
	tooFast := sip.Failure{Status: 503, Phrase: "CPS exceeded"}
	var b brake
	b.hear(tooFast, 10, now)
	b.hear(tooFast, 10, now.Add(100*time.Millisecond)) // the same burst
	if b.gap != 200*time.Millisecond {
		t.Fatalf("%v between calls, want 200 ms", b.gap)
	}
	now = now.Add(2 * time.Second)
	b.hear(tooFast, 10, now)
	if b.gap != 400*time.Millisecond {
		t.Fatalf("%v between calls after another refusal, want 400 ms", b.gap)
	}
	b.last = now
	if got := b.wait(now.Add(time.Millisecond)); got != 399*time.Millisecond {
		t.Errorf("%v until the next call, want 399 ms", got)
	}
	for range 20 {
		b.hear(tooFast, 10, now)
		now = now.Add(2 * time.Second)
	}
	if b.gap != slowestGap {
		t.Errorf("%v between calls, want %v at most", b.gap, slowestGap)
	}
	b.gap, b.eased = 400*time.Millisecond, now
	for _, want := range []time.Duration{200 * time.Millisecond, 0, 0} {
		now = now.Add(easeAfter)
		if b.ease(10, now); b.gap != want {
			t.Errorf("%v between calls, want %v", b.gap, want)
		}
	}
	if until, why := b.slowed(now); !until.IsZero() || why != "" {
		t.Errorf("slowed until %v since %q, and it is not", until, why)
	}
}
