package main

import (
	"strings"
	"testing"
)

func TestForecast(t *testing.T) {
	d := newDaemon(t)
	code, out, errs := ringpace(d, "forecast", "activation", "--agents", "12", "--shift", "mon-fri 09:00-17:00")
	if code != exitOK || errs != "" {
		t.Fatalf("code %d: %s%s", code, out, errs)
	}
	for _, want := range []string{
		"activation: 9000 leads left, 12 agents; done at Wed 2026-03-04 11:20 (Wed 2026-03-04 09:05 to later than in 60 days)",
		"21.3 % of calls are answered by a person, who takes 98 s of an agent, by 4000 calls so far.",
		"1000 of the leads, picked at random, stand for all.", "1 lead more",
		"1800 (900-2700)  380 (190-570)  500 (250-750)  8500 (4250-12750)  60 (30-90)",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("without %q:\n%s", want, out)
		}
	}
	if request, _ := d.last(); !strings.Contains(request, "agents=12&shift=mon-fri+09%3A00-17%3A00") {
		t.Error(request)
	}
}
