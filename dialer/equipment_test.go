package dialer

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/media/record"
	"ringpace/media/record/chain"
)

// TestClearedRecordingOfACrash: the record of a call that a crash cut short names its
// recording also where that has been uploaded, and its file removed, meanwhile.
func TestClearedRecordingOfACrash(t *testing.T) {
	e := &equipment{recordings: t.TempDir()}
	l, err := chain.Open(e.recordings)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const object = "s3://calls/test/01A.wav.age"
	for _, line := range []chain.Entry{
		{Kind: chain.Salvaged, ID: "01A", Path: "01A.wav.age", DurationMS: 61_000, Bytes: 7, SHA256: "ab"},
		{Kind: chain.Uploaded, ID: "01A", Path: "01A.wav.age", SHA256: "ab", Object: object},
		{Kind: chain.Cleared, ID: "01A", Path: "01A.wav.age", Object: object},
		{Kind: chain.Kept, ID: "01B", Path: "01B.wav"},
		{Kind: chain.Deleted, ID: "01B", Path: "01B.wav"},
	} {
		if _, err := l.Append(line); err != nil {
			t.Fatal(err)
		}
	}
	got, err := e.salvageRecording(cdr.Record{ID: "01A"})
	want := cdr.Recording{Path: "01A.wav.age", Encrypted: true, Object: object, DurationMS: 61_000, Bytes: 7, SHA256: "ab"}
	if err != nil || got == nil || *got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for _, id := range []string{"01B", "01C"} {
		if got, err := e.salvageRecording(cdr.Record{ID: id}); err != nil || got != nil {
			t.Errorf("%s: %+v, %v", id, got, err)
		}
	}
}

// TestRefusedRecordingOfACrash: what a crash left of a recording that somebody refused
// goes, with a line of who did, also where the directory is a symbolic link.
func TestRefusedRecordingOfACrash(t *testing.T) {
	root, link := t.TempDir(), filepath.Join(t.TempDir(), "recordings")
	if err := os.Symlink(root, link); err != nil {
		t.Fatal(err)
	}
	r, err := record.New(record.Config{Dir: link, Pattern: "{id}.wav", MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, id := range []string{"01A", "01B", "01C", "01D", "01E"} {
		rec, err := r.Start(record.Meta{ID: id})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := rec.Close(); err != nil {
			t.Fatal(err)
		}
	}
	e := &equipment{recordings: link, recorder: r, keepUnbridged: true}
	third := func(outcome cdr.Outcome, reason string) []cdr.Transfer {
		return []cdr.Transfer{
			{Consent: cdr.ConsentTold, Outcome: cdr.TransferConnected},
			{Consent: cdr.ConsentRefused, Outcome: outcome, Reason: reason},
		}
	}
	for _, c := range []struct {
		id, why   string
		customer  cdr.Consent
		transfers []cdr.Transfer
	}{
		{"01A", whyRefused, cdr.ConsentRefused, nil},
		{"01C", whyPartyRefused, cdr.ConsentTold, third(cdr.TransferConnected, "")},
		{"01D", whyRefused, cdr.ConsentRefused, third(cdr.TransferFailed, whyLetGo)}, // and the customer afterwards
		{"01E", whyPartyRefused, cdr.ConsentTold, third(cdr.TransferFailed, "they hung up")},
	} {
		if got, err := e.salvageRecording(cdr.Record{ID: c.id, Consent: c.customer, Transfers: c.transfers}); got != nil || err != nil {
			t.Errorf("refused: %+v, %v", got, err)
		}
		x, err := chain.Load(link)
		if err != nil {
			t.Fatal(err)
		}
		if it, ok := x.ID(c.id); !ok || it.Ended.Why != c.why {
			t.Errorf("of %s the chain has %+v", c.id, it)
		}
	}
	if got, err := e.salvageRecording(cdr.Record{ID: "01B", Consent: cdr.ConsentTold, Transfers: third(cdr.TransferFailed, whyLetGo)}); err != nil || got == nil || got.Path != "01B.wav" {
		t.Errorf("%+v, %v", got, err)
	}
	for id, want := range map[string]bool{"01A": false, "01B": true, "01C": false, "01D": false, "01E": false} {
		if _, err := os.Stat(filepath.Join(root, id+".wav")); (err == nil) != want {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// TestRecordTellsWhatIsLacking holds that what the disk did not take of a recording is in the
// call detail record, by the names that readers of it know.
func TestRecordTellsWhatIsLacking(t *testing.T) {
	e := &equipment{}
	of := func(s record.Summary) map[string]any {
		t.Helper()
		b, err := json.Marshal(cdr.Record{Recording: e.recordingOf(s)})
		var r struct{ Recording map[string]any }
		if err := errors.Join(err, json.Unmarshal(b, &r)); err != nil {
			t.Fatal(err)
		}
		return r.Recording
	}
	lacks := of(record.Summary{
		ID: "01A", Duration: time.Minute, Dropped: 7,
		Left: record.Channel{CutTotal: 40 * time.Millisecond}, Right: record.Channel{CutTotal: 20 * time.Millisecond},
		Unwritten: []record.Span{{At: time.Second, Length: 1500 * time.Millisecond}, {At: 9 * time.Second, Length: 250 * time.Millisecond}},
	})
	if lacks["unwritten_ms"] != 1750.0 || lacks["dropped"] != 7.0 || lacks["cut_ms"] != 60.0 {
		t.Errorf("%v", lacks)
	}
	for _, key := range []string{"unwritten_ms", "dropped", "cut_ms", "fault"} {
		if v, ok := of(record.Summary{ID: "01A", Duration: time.Minute})[key]; ok {
			t.Errorf("a whole recording has %s %v", key, v)
		}
	}
}

// TestEmptyRecordingOfACrash: a file to which a crash let nothing be written goes, with a
// line that says so, and its record tells of no recording.
func TestEmptyRecordingOfACrash(t *testing.T) {
	root := t.TempDir()
	r, err := record.New(record.Config{Dir: root, Pattern: "{id}.wav", MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	l, err := chain.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Append(chain.Entry{Kind: chain.Began, ID: "01A", Path: "01A.wav"}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "01A.wav")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	e := &equipment{recordings: root, recorder: r, keepUnbridged: true}
	if got, err := e.salvageRecording(cdr.Record{ID: "01A"}); got != nil || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	x, err := chain.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	if it, ok := x.ID("01A"); !ok || it.Gone != chain.Discarded || it.Ended.Why == "" {
		t.Errorf("the chain has %+v", it)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file: %v", err)
	}
}
