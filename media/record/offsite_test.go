package record

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"ringpace/media/record/chain"
)

func TestUploadedAndCleared(t *testing.T) {
	r := newTestRecorder(t, Config{Flush: 10 * ms})
	for _, id := range []string{"a", "b"} {
		rec := start(t, r, Meta{ID: id})
		newSource(rec, rec.Customer(), 1).talk(0, 10)
		closed(t, rec)
		await(t, "the nudge", r.Kept())
	}
	if _, err := r.chain.Append(chain.Entry{Kind: chain.Held, ID: "b", By: "counsel"}); err != nil {
		t.Fatal(err)
	}
	b := chain.NewBacklog(r.cfg.Dir)
	if err := b.Read(); err != nil || b.Len() != 2 {
		t.Fatalf("%d wait, %v", b.Len(), err)
	}
	for _, want := range []error{nil, chain.ErrHeld} {
		e, _ := b.Next()
		if err := r.Uploaded(e, "s3://calls/"+e.Path); err != nil {
			t.Fatal(err)
		}
		if err := r.Clear(e); !errors.Is(err, want) {
			t.Errorf("Clear: %v, want %v", err, want)
		}
		if _, err := os.Stat(filepath.Join(r.cfg.Dir, e.Path)); (err == nil) != (want != nil) {
			t.Errorf("the file: %v", err)
		}
	}
	if report := verified(t, r.cfg.Dir); report.Uploaded != 2 || report.Cleared != 1 || report.Kept != 1 || report.Held != 1 {
		t.Errorf("%+v", report)
	}
}
