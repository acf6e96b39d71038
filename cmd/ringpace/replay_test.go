package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestReplay records a day and asks what another mode would have made of it.
func TestReplay(t *testing.T) {
	dir := t.TempDir()
	scenario, records := filepath.Join(dir, "floor.yaml"), filepath.Join(dir, "cdr.jsonl")
	if err := os.WriteFile(scenario, []byte("name: floor\nday: 20m\ncrews: [{agents: 6}]\npeople: [{share: 0.3}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := ringpace(nil, "simulate", "--file", scenario, "--algorithm", "progressive", "--seeds", "2", "--record", records); code != exitOK || out != "" || errs != "" {
		t.Fatalf("code %d: %s%s", code, out, errs)
	}
	args := []string{"simulate", "--replay", records, "--was", "mode=progressive", "--change", "mode=predictive", "--seeds", "4"}
	code, out, errs := ringpace(nil, append(args, "--json")...)
	var got struct {
		Campaign string
		Days     int
		Replays  int
		Figures  []map[string]any
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitOK || errs != "" {
		t.Fatalf("code %d, %v: %s%s", code, err, out, errs)
	}
	if got.Campaign != "floor" || got.Days != 2 || got.Replays != 4 || len(got.Figures) != 8 {
		t.Errorf("%+v", got)
	}
	utilisation := got.Figures[0]
	if keys := strings.Join(slices.Sorted(maps.Keys(utilisation)), " "); keys != "changed difference fits name recorded was" {
		t.Errorf("keys %s", keys)
	}
	if d := utilisation["difference"].(map[string]any); d["mean"].(float64) <= 0 || len(d["ci95"].([]any)) != 2 {
		t.Errorf("%v", utilisation)
	}
	code, out, errs = ringpace(nil, args...)
	if code != exitOK || errs != "" || !strings.HasPrefix(out, "floor: 2 days, ") || !strings.Contains(out, "REPLAYED AS IT WAS") || !strings.Contains(out, "utilisation %") {
		t.Errorf("code %d: %s%s", code, out, errs)
	}

	broken := filepath.Join(dir, "broken.jsonl")
	if err := os.WriteFile(broken, []byte(`{"outcome":"busy"}`+"\n{\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--replay", broken}, exitFailure, "broken.jsonl: line 2: no call detail record"},
		{[]string{"--replay", filepath.Join(dir, "none")}, exitFailure, "no such file"},
		{[]string{"--replay", records, "--campaign", "other"}, exitUsage, "no records of campaign other; there are of floor"},
		{[]string{"--replay", records, "--change", "mode=fast"}, exitUsage, `--change: settings: pacing: no mode "fast"`},
		{[]string{"--replay", records, "--change", "ring_timeout=10m"}, exitUsage, "no recorded call rang for longer than"},
		{[]string{"--replay", records, "--scenario", "A5"}, exitUsage, "--replay goes without"},
		{[]string{"--replay", "http://127.0.0.1:1"}, exitUsage, "needs --campaign"},
	} {
		code, _, errs := ringpace(nil, append([]string{"simulate"}, c.args...)...)
		if code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("%v: code %d: %s", c.args, code, errs)
		}
	}
}

// TestReplayFromADaemon reads the records by the API.
func TestReplayFromADaemon(t *testing.T) {
	d := newDaemon(t)
	code, _, errs := ringpace(nil, "simulate", "--replay", d.URL, "--campaign", "activation")
	if code != exitFailure || !strings.Contains(errs, "campaign activation: replay: 2 calls are too few") {
		t.Errorf("code %d: %s", code, errs)
	}
	if _, token := d.last(); token != "Bearer secret" {
		t.Errorf("the token is %q", token)
	}
}
