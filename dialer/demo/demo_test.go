package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small is a demo that is over in some seconds.
func small(t *testing.T, out *bytes.Buffer) Options {
	o := Default()
	o.Leads, o.Agents, o.Talk, o.Seed, o.Dir, o.Out = 20, 4, 300*time.Millisecond, 7, t.TempDir(), out
	return o
}

func run(t *testing.T, o Options) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := Run(ctx, o); err != nil {
		log, _ := os.ReadFile(filepath.Join(o.Dir, logName))
		t.Fatalf("%v\n%s\n%s", err, o.Out, log)
	}
}

func TestTheSumsAddUp(t *testing.T) {
	for _, mode := range []string{"predictive", "power", "progressive", "preview"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			o := small(t, &out)
			o.Mode, o.JSON = mode, true
			run(t, o)
			t.Logf("%s", &out)
			var r Result
			d := json.NewDecoder(&out)
			d.DisallowUnknownFields()
			if err := d.Decode(&r); err != nil {
				t.Fatal(err)
			}
			if d.More() {
				t.Error("more than one JSON object")
			}
			sum := 0
			for _, n := range r.Outcomes {
				sum += n
			}
			if r.Leads != 20 || r.Attempts != 20 || r.CDRs != 20 || sum != 20 || r.Ended != "complete" {
				t.Errorf("%d leads, %d attempts, %d records, %d outcomes, %s", r.Leads, r.Attempts, r.CDRs, sum, r.Ended)
			}
			if r.Bridged != r.Recordings || r.Bridged+r.Abandoned != r.Produced[cdr.Person] || r.Bridged == 0 {
				t.Errorf("%d bridged, %d recordings, %d abandoned, the carrier had %d persons", r.Bridged, r.Recordings, r.Abandoned, r.Produced[cdr.Person])
			}
			for outcome, n := range r.Produced {
				if got := r.Outcomes[outcome]; outcome != cdr.Person && got != n {
					t.Errorf("the carrier produced %d %s, the records say %d", n, outcome, got)
				}
			}
			if r.CallerID != official {
				t.Errorf("caller ID %s", r.CallerID)
			}
			if share := float64(r.Abandoned) / float64(r.Bridged+r.Abandoned); math.Abs(r.Share-share) > 1e-4 || (r.Ceiling == 0.03) != (mode == "predictive") {
				t.Errorf("%d abandoned are a share of %v, under a ceiling of %v", r.Abandoned, r.Share, r.Ceiling)
			}
			if r.AnswerToAgentMS.P99 <= 0 || r.HeardAgentMS.P99 <= 0 || r.DurationS <= 0 {
				t.Errorf("answer to agent %+v, at the ear %+v, %v s", r.AnswerToAgentMS, r.HeardAgentMS, r.DurationS)
			}
		})
	}
}

// A demo of which no call reached an agent goes on all the same, and says that there is
// no ladder.
func TestLingersWithoutALadder(t *testing.T) {
	at := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}
	if text := lingering("", at); !strings.Contains(text, "no ladder") || strings.Contains(text, "ringpace trace") || !strings.Contains(text, "ringpace status --server http://127.0.0.1:8080") {
		t.Errorf("without a call: %s", text)
	}
	if text := lingering("01HX", at); strings.Contains(text, "no ladder") || !strings.Contains(text, "ringpace trace 01HX --server") {
		t.Errorf("with a call: %s", text)
	}
}

// stopper is a terminal before which somebody has enough at the first line.
type stopper struct {
	bytes.Buffer
	stop func()
}

func (s *stopper) Write(p []byte) (int, error) {
	s.stop()
	return s.Buffer.Write(p)
}

func TestStoppedDemoAddsUpToo(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out := &stopper{stop: cancel}
	o := small(t, nil)
	o.Leads, o.Out = 500, out
	if err := Run(ctx, o); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"Stopped before the end", "It adds up"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the summary does not say %q:\n%s", want, out)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "cdr"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Options){
		"too many leads":  func(o *Options) { o.Leads = MaxLeads + 1 },
		"no leads":        func(o *Options) { o.Leads = 0 },
		"negative leads":  func(o *Options) { o.Leads = -1 },
		"no agents":       func(o *Options) { o.Agents = 0 },
		"too many agents": func(o *Options) { o.Agents = maxAgents + 1 },
		"no time to talk": func(o *Options) { o.Talk = time.Millisecond },
		"endless talk":    func(o *Options) { o.Talk = time.Hour },
		"unknown mode":    func(o *Options) { o.Mode = "wild" },
		"no ratio":        func(o *Options) { o.Ratio = 0 },
	} {
		o := small(t, &bytes.Buffer{})
		spoil(&o)
		if err := Run(t.Context(), o); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	o := small(t, &bytes.Buffer{})
	o.Dir = full
	if err := Run(t.Context(), o); err == nil {
		t.Error("a directory that is in use: no error")
	}
}

func TestContradictionsAreFaults(t *testing.T) {
	now := time.Now()
	marks := cdr.Marks{Answered: now, AgentClaimed: now, AgentAudio: now.Add(time.Millisecond), TalkEnded: now.Add(time.Second)}
	person := cdr.Record{ID: "1", Number: "+12125550100", Outcome: cdr.Person, Marks: marks}
	call := lab.Call{Number: person.Number, CallerID: official, Outcome: cdr.Person, Status: 200, Answered: now}
	for _, c := range []struct {
		name       string
		records    []cdr.Record
		calls      []lab.Call
		seen       lab.Report
		recordings int
		faults     int
	}{
		{"all well", []cdr.Record{person}, []lab.Call{call}, lab.Report{}, 1, 0},
		{"no recording", []cdr.Record{person}, []lab.Call{call}, lab.Report{}, 0, 1},
		{"no record", nil, []lab.Call{call}, lab.Report{}, 0, 2},
		{"a record twice", []cdr.Record{person, person}, []lab.Call{call}, lab.Report{}, 2, 2},
		{"another name", []cdr.Record{{ID: "1", Number: person.Number, Outcome: cdr.Busy}}, []lab.Call{call}, lab.Report{}, 0, 1},
		{"abandoned without the message", []cdr.Record{{ID: "1", Number: person.Number, Outcome: cdr.Abandoned, HungUpBy: cdr.Ringpace}}, []lab.Call{call}, lab.Report{}, 0, 1},
		{"a caller ID that was refused", []cdr.Record{person, {ID: "2", Number: "+12125550101", Outcome: cdr.TrunkFailure}}, []lab.Call{call}, lab.Report{RefusedCallerIDs: map[string]int{"+1": 1}}, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			r := &Result{RecordingIn: filepath.Join(dir, "recordings"), CDRIn: dir}
			var lines bytes.Buffer
			for _, rec := range c.records {
				if err := json.NewEncoder(&lines).Encode(rec); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(dir, "cdr-000001.jsonl"), lines.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Join(dir, "recordings", "day"), 0o700); err != nil {
				t.Fatal(err)
			}
			for i := range c.recordings {
				if err := os.WriteFile(filepath.Join(dir, "recordings", "day", fmt.Sprintf("%d.wav", i)), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.examine(c.calls, c.seen); err != nil {
				t.Fatal(err)
			}
			if len(r.Faults) != c.faults {
				t.Errorf("%d faults, want %d: %q", len(r.Faults), c.faults, r.Faults)
			}
		})
	}
}
