package demo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab"
)

// Result is what a demo came to. It rests on what is left for anyone to look at
// (the files of records and recordings, the carrier's own notes) wherever that
// is possible, not on the daemon's counters.
type Result struct {
	Leads      int                 `json:"leads"`
	Attempts   int                 `json:"attempts"`          // calls that the carrier was asked for, those that it refused included
	Outcomes   map[cdr.Outcome]int `json:"outcomes"`          // of the records
	Bridged    int                 `json:"bridged"`           // records of calls that were joined with an agent
	Abandoned  int                 `json:"abandoned"`         // records with that outcome
	Share      float64             `json:"abandoned_share"`   // of those who answered, 0 to 1
	Ceiling    float64             `json:"abandoned_ceiling"` // mode predictive: what that share may be at most; 0 in others
	Recordings int                 `json:"recordings"`        // files
	CDRs       int                 `json:"cdrs"`              // lines of the JSONL files
	CallerID   string              `json:"caller_id"`         // as the carrier saw it; several with commas

	AnswerToAgentMS Percentiles `json:"answer_to_agent_ms"` // answer to the first agent packet sent, where an agent was free at the answer
	HeardAgentMS    Percentiles `json:"heard_agent_ms"`     // of the same calls: 200 sent to the first sound at the callee's ear
	Waited          int         `json:"waited"`             // the other bridged calls: an agent became free in time
	WaitedMS        Percentiles `json:"waited_ms"`          // of those: answer to the first agent packet sent
	DurationS       float64     `json:"duration_s"`

	Mode        string                  `json:"mode"`
	Agents      int                     `json:"agents"`
	Utilisation Utilisation             `json:"utilisation"`
	Wished      map[cdr.Outcome]float64 `json:"wished"`          // share of calls by what the carrier was told, 0 to 1
	Carrier     map[lab.Behaviour]int   `json:"carrier"`         // calls by what the callee did
	Produced    map[cdr.Outcome]int     `json:"produced"`        // calls by the name that is due to what the callee did
	Faults      []string                `json:"faults"`          // where the sums do not add up; empty when all is well
	Ended       string                  `json:"ended"`           // complete or stopped
	Trace       *api.Trace              `json:"trace,omitempty"` // of the first call that reached an agent, where it was asked for
	Dir         string                  `json:"directory"`       // holds all of the below
	RecordingIn string                  `json:"recording_dir"`
	CDRIn       string                  `json:"cdr_dir"`
}

// How a demo ended.
const (
	complete = "complete" // every lead was called
	stopped  = "stopped"  // somebody had enough of it
)

// Percentiles are in milliseconds.
type Percentiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

func percentilesOf(d []time.Duration) Percentiles {
	l := lab.Summarise(d)
	ms := func(d time.Duration) float64 { return float64(d.Round(time.Microsecond)) / float64(time.Millisecond) }
	return Percentiles{P50: ms(l.P50), P99: ms(l.P99)}
}

// Utilisation is what the agents did with their time from the first call to the
// last, as shares of 0 to 1.
type Utilisation struct {
	Talking float64 `json:"talking"`
	WrapUp  float64 `json:"wrap_up"`
	Waiting float64 `json:"waiting"`
}

// examine fills in what records, recordings and the carrier tell, and notes each
// place where they contradict one another.
func (r *Result) examine(calls []lab.Call, seen lab.Report) error {
	records, err := readRecords(r.CDRIn)
	if err != nil {
		return err
	}
	if r.Recordings, err = countFiles(r.RecordingIn, ".wav"); err != nil {
		return err
	}
	r.CDRs = len(records)
	r.Outcomes = make(map[cdr.Outcome]int)
	byNumber := make(map[string]cdr.Record, len(records))
	var atOnce, later []time.Duration
	for _, rec := range records {
		r.Outcomes[rec.Outcome]++
		if rec.Bridged() {
			r.Bridged++
		}
		switch wait, ok := rec.Marks.AnswerToAgent(); {
		case ok && rec.Queued:
			later = append(later, wait)
		case ok:
			atOnce = append(atOnce, wait)
		}
		if other, ok := byNumber[rec.Number]; ok && other.ID == rec.ID {
			r.fault("the record of attempt %s was written twice", rec.ID)
		}
		byNumber[rec.Number] = rec
	}
	r.Abandoned = r.Outcomes[cdr.Abandoned]
	r.Share = round(float64(r.Abandoned) / float64(max(1, r.Bridged+r.Abandoned)))
	r.AnswerToAgentMS, r.WaitedMS, r.Waited = percentilesOf(atOnce), percentilesOf(later), len(later)
	r.Attempts = len(calls) + seen.Unauthorised
	for id, n := range seen.RefusedCallerIDs {
		r.Attempts += n
		r.fault("the carrier refused the caller ID %q %d times", id, n)
	}
	if seen.Unauthorised > 0 {
		r.fault("the carrier refused %d calls without registration", seen.Unauthorised)
	}
	r.compare(calls, byNumber)
	if r.Attempts != r.CDRs {
		r.fault("%d attempts and %d records", r.Attempts, r.CDRs)
	}
	if r.Bridged != r.Recordings {
		r.fault("%d calls were brought to an agent and %d were recorded", r.Bridged, r.Recordings)
	}
	return nil
}

// compare holds the carrier's notes of each call against its record.
func (r *Result) compare(calls []lab.Call, records map[string]cdr.Record) {
	r.Carrier, r.Produced = make(map[lab.Behaviour]int), make(map[cdr.Outcome]int)
	shown := make(map[string]bool)
	var heard []time.Duration
	for _, c := range calls {
		r.Carrier[c.Behaviour]++
		r.Produced[c.Outcome]++
		shown[c.CallerID] = true
		rec, ok := records[c.Number]
		switch {
		case !ok:
			r.fault("%s was called and has no record", c.Number)
			continue
		case !names(rec.Outcome, c):
			r.fault("%s was %s at the carrier (status %d) and is %s in its record", c.Number, c.Outcome, c.Status, rec.Outcome)
		}
		wait, ok := c.SoundAfter()
		switch {
		case ok && rec.Bridged() && rec.Queued:
		case ok && rec.Bridged():
			heard = append(heard, wait)
		case !ok && rec.Outcome == cdr.Abandoned && rec.HungUpBy == cdr.Ringpace:
			r.fault("%s was abandoned and did not hear the message", c.Number)
		}
	}
	r.HeardAgentMS = percentilesOf(heard)
	var ids []string
	for id := range shown {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	r.CallerID = strings.Join(ids, ",")
	if len(calls) > 0 && r.CallerID != official {
		r.fault("the carrier saw the caller ID %s, the official one is %s", r.CallerID, official)
	}
}

// names reports whether an outcome is the right word for what the carrier saw: a
// person whom no agent took in time is abandoned; a call that we gave up while it
// rang is cancelled, unless the ring timeout did it.
func names(o cdr.Outcome, c lab.Call) bool {
	switch o {
	case c.Outcome:
		return true
	case cdr.Abandoned:
		return c.Outcome == cdr.Person
	case cdr.Cancelled:
		return c.Status == 487
	}
	return false
}

func (r *Result) fault(format string, args ...any) {
	r.Faults = append(r.Faults, fmt.Sprintf(format, args...))
}

// readRecords reads every call detail record of the JSONL files in a directory.
func readRecords(dir string) ([]cdr.Record, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, fmt.Errorf("demo: records: %w", err)
	}
	var records []cdr.Record
	for _, name := range files {
		if records, err = appendRecords(records, name); err != nil {
			return nil, err
		}
	}
	return records, nil
}

func appendRecords(records []cdr.Record, name string) ([]cdr.Record, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("demo: records: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	err = cdr.Read(f, func(r *cdr.Record) error {
		records = append(records, *r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("demo: records: %s: %w", name, err)
	}
	return records, nil
}

// countFiles counts the files with that extension in a directory and all below it.
func countFiles(dir, extension string) (n int, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && filepath.Ext(path) == extension {
			n++
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("demo: recordings: %w", err)
	}
	return n, nil
}
