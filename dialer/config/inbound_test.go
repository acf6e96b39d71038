package config

import (
	"slices"
	"testing"

	"ringpace/dialer/gate"
)

// TestInboundDefaults holds that a campaign's calls come in on the numbers that it shows,
// within its own hours.
func TestInboundDefaults(t *testing.T) {
	in := load(t, base).Campaigns[0].Inbound
	if !in.Enabled || !slices.Equal(in.Numbers, []string{"+442079460000"}) || in.Hours.String() != gate.Daytime().String() {
		t.Errorf("%+v", in)
	}
}

func TestBars(t *testing.T) {
	in := Inbound{Blocked: []string{"+12025550100", "+1900*"}}
	for number, want := range map[string]bool{"+12025550100": true, "+120255501001": false, "+19005551234": true, "+1902": false, "": false} {
		if in.Bars(number) != want {
			t.Errorf("%q barred: %v, want %v", number, !want, want)
		}
	}
}
