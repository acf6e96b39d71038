package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ringpace/pacing/sim"
)

// quickFile is a scenario of a few minutes.
func quickFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "quick.yaml")
	if err := os.WriteFile(path, []byte("day: 12m\ncrews: [{agents: 6}]\npeople: [{share: 0.2}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What others read by its keys: none of them may go.
func TestSimulateJSON(t *testing.T) {
	code, out, errs := ringpace(nil, "simulate", "--file", quickFile(t), "--algorithm", "predictive,progressive", "--seeds", "2", "--json")
	var got map[string]any
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitOK || errs != "" {
		t.Fatalf("code %d, %v: %s%s", code, err, out, errs)
	}
	if keys := strings.Join(slices.Sorted(maps.Keys(got)), " "); keys != "agents ceiling first_seed hours results scenario seeds" {
		t.Errorf("keys %s", keys)
	}
	if got["scenario"] != "quick" || got["seeds"] != 2.0 || got["agents"] != 6.0 || got["hours"] != 0.2 || got["ceiling"] != 0.03 || got["first_seed"] != 1.0 {
		t.Errorf("%v", got)
	}
	const common = "abandonment abandonment_ci95 abandonment_max abandonment_p95 algorithm conversations_per_h days " +
		"days_over_ceiling days_over_ceiling_count days_over_ceiling_upper95 dials_per_conversation " +
		"talk_min_per_h utilisation utilisation_ci95"
	for i, want := range []string{common + " versus_reference wait_p90_s wait_s", common + " wait_p90_s wait_s"} {
		r := got["results"].([]any)[i].(map[string]any)
		if keys := strings.Join(slices.Sorted(maps.Keys(r)), " "); keys != want {
			t.Errorf("keys %s\nwant %s", keys, want)
		}
		if r["algorithm"] != []string{"predictive", "progressive"}[i] {
			t.Errorf("%d is %v", i, r["algorithm"])
		}
		u, ci := r["utilisation"].(float64), r["utilisation_ci95"].([]any)
		if u <= 0.2 || u >= 1 || len(ci) != 2 || ci[0].(float64) >= u || ci[1].(float64) <= u {
			t.Errorf("utilisation %v %v", u, ci)
		}
	}
	versus := got["results"].([]any)[0].(map[string]any)["versus_reference"].(map[string]any)
	if keys := strings.Join(slices.Sorted(maps.Keys(versus)), " "); keys != "p p_holm reference utilisation utilisation_ci95" || versus["reference"] != "progressive" {
		t.Errorf("%v", versus)
	}
	// One day has no interval.
	_, out, _ = ringpace(nil, "simulate", "--file", quickFile(t), "--algorithm", "progressive", "--seeds", "1", "--json")
	if !strings.Contains(out, `"utilisation_ci95": null`) {
		t.Error(out)
	}
}

func TestSimulateMarkdown(t *testing.T) {
	code, out, errs := ringpace(nil, "simulate", "--file", quickFile(t), "--algorithm", "predictive,tuned,oracle-calls", "--seeds", "1", "--markdown")
	if code != exitOK || errs != "" {
		t.Fatalf("code %d: %s", code, errs)
	}
	for _, want := range []string{"| scenario | best tuned rival |", "| quick: ", "| `mean-matching-tuned` | "} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

func TestSimulateSeveral(t *testing.T) {
	svg := filepath.Join(t.TempDir(), "chart.svg")
	args := []string{"simulate", "--file", quickFile(t), "--agents", "2,6", "--algorithm", "progressive,predictive", "--seeds", "2", "--first-seed", "5", "--svg", svg}
	code, out, errs := ringpace(nil, append(args, "--json")...)
	var got struct {
		Scenarios []struct {
			Scenario  string
			Agents    int
			FirstSeed int `json:"first_seed"`
			Results   []struct{ Algorithm string }
		}
		Overall []struct {
			Algorithm string
			Days      int
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitOK || errs != "" {
		t.Fatalf("code %d, %v: %s%s", code, err, out, errs)
	}
	if s := got.Scenarios; len(s) != 2 || s[0].Agents != 2 || s[1].Agents != 6 || s[1].Scenario != "quick" || s[1].FirstSeed != 5 || s[1].Results[1].Algorithm != "predictive" {
		t.Errorf("%+v", got)
	}
	if o := got.Overall; len(o) != 2 || o[1].Algorithm != "predictive" || o[1].Days != 4 {
		t.Errorf("%+v", got)
	}
	drawn, err := os.ReadFile(svg)
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(bytes.NewReader(drawn)); err != io.EOF; {
		if _, err = d.Token(); err != nil && err != io.EOF {
			t.Fatal(err)
		}
	}
	if !strings.Contains(string(drawn), "<polyline") || !strings.Contains(string(drawn), ">predictive<") {
		t.Errorf("%s", drawn)
	}

	_, out, _ = ringpace(nil, append(args, "--csv")...)
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(rows) != 5 || rows[0][0] != "scenario" || rows[4][1] != "6" || rows[4][6] != "predictive" || rows[4][24] != "progressive" || rows[3][24] != "" {
		t.Errorf("%v %v", err, rows)
	}

	_, out, _ = ringpace(nil, args...)
	for _, want := range []string{"quick: 2 to 6 agents, 2 days of 12m, at most 3.0 % ", "AGENTS  ALGORITHM    UTILISATION %", "VS PROGRESSIVE", "UTILISATION %  quick/2  quick/6  DAYS OVER", "0 of 4", " ±"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestSimulateProgress(t *testing.T) {
	var out, errs bytes.Buffer
	term := &terminal{out: &out, err: &errs, getenv: func(string) string { return "" }, fancy: true}
	if code := run(context.Background(), term, commands(), []string{"simulate", "--file", quickFile(t), "--seeds", "1"}); code != exitOK || !strings.Contains(errs.String(), " of 2 days") {
		t.Errorf("code %d %q", code, errs.String())
	}
}

func TestSimulateLists(t *testing.T) {
	_, out, _ := ringpace(nil, "simulate", "--list")
	for _, want := range []string{"A20", "60 agents in staggered shifts", "progressive", "predictive"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	_, out, _ = ringpace(nil, "simulate", "--list", "--json")
	var got struct {
		Scenarios, Algorithms []struct{ Name, About string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Scenarios) < 9 || got.Scenarios[2].Name != "A20" || got.Algorithms[0].About == "" {
		t.Errorf("%v: %s", err, out)
	}
	_, out, _ = ringpace(nil, "simulate", "--dump", "c")
	if s, err := sim.Parse("x.yaml", []byte(out)); err != nil || s.Name != "C" || s.Breaks == nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestSimulateRefuses(t *testing.T) {
	faulty := filepath.Join(t.TempDir(), "faulty.yaml")
	if err := os.WriteFile(faulty, []byte("day: 8\nagnets: 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		told string
	}{
		{"--scenario X", exitUsage, `no preset "X"; there are A5, `},
		{"--dump X", exitUsage, "there are A5, "},
		{"--algorithm x", exitUsage, "predictive"},
		{"--scenario A20,A20", exitUsage, "scenario A20 with 20 agents twice"},
		{"--seeds 999999999999", exitUsage, "too many"},
		{"--algorithm progressive,progressive", exitUsage, "twice"},
		{"--reference ratio", exitUsage, "ratio is not among"},
		{"--seeds 0", exitUsage, "--seeds"},
		{"--agents 0", exitUsage, "--agents"},
		{"--agents 99999", exitUsage, "--agents"},
		{"--json --csv", exitUsage, "one of"},
		{"--markdown --json", exitUsage, "one of"},
		{"--file missing.yaml", exitFailure, "missing.yaml"},
		{"--file " + faulty, exitFailure, "has 2 faults:\n" + faulty + ":1:6: day: "},
		{"--file " + faulty, exitFailure, "\n" + faulty + ":2:1: agnets: unknown key"},
	} {
		code, out, errs := ringpace(nil, append([]string{"simulate"}, strings.Fields(c.args)...)...)
		if code != c.code || out != "" || !strings.Contains(errs, c.told) {
			t.Errorf("%s: code %d: %s%s", c.args, code, out, errs)
		}
	}
}
