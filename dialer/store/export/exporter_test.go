package export

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
	"ringpace/dialer/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// streams is a source in memory.
type streams struct {
	mu      sync.Mutex
	records map[string][]store.StreamRecord
	away    error
	seq     int
}

func (s *streams) Node() string { return "n1" }

func (s *streams) Drain(context.Context) error { return nil }

func (s *streams) Campaigns(context.Context) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range s.records {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, s.away
}

func (s *streams) CDRs(_ context.Context, campaign, after string, n int) ([]store.StreamRecord, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var page []store.StreamRecord
	for _, rec := range s.records[campaign] {
		if later(rec.StreamID, after) && len(page) < n {
			page = append(page, rec)
		}
	}
	return page, s.away
}

// add writes n records of a campaign and returns their ids.
func (s *streams) add(campaign, node string, n int) (ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.seq++
		id := fmt.Sprintf("A%05d", s.seq)
		s.records[campaign] = append(s.records[campaign], store.StreamRecord{
			StreamID: fmt.Sprintf("%d-%d", 9+s.seq/3, s.seq%3), // 9 < 10 as numbers only
			Record:   cdr.Record{ID: id, Campaign: campaign, Node: node, Outcome: cdr.Busy},
		})
		ids = append(ids, id)
	}
	return ids
}

func (s *streams) setAway(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = err
}

// session runs an exporter over dir until what the source has is flushed.
func session(t *testing.T, source Source, cfg Config) {
	t.Helper()
	e, err := Open(source, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	ran := make(chan error, 1)
	go func() { ran <- e.Run(ctx) }()
	if err := e.Flush(ctx); err != nil {
		t.Errorf("Flush: %v", err)
	}
	cancel()
	if err := <-ran; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// exported returns the ids in the files, in order.
func exported(t *testing.T, dir string) (ids []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "cdr-*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(file)
		for lines.Scan() {
			var rec store.StreamRecord
			if err := json.Unmarshal(lines.Bytes(), &rec); err != nil {
				t.Errorf("%s: %v: %s", path, err, lines.Bytes())
			}
			ids = append(ids, rec.ID)
		}
		file.Close()
	}
	return ids
}

func TestExportGoesOnWhereItStopped(t *testing.T) {
	dir := t.TempDir()
	source := &streams{records: make(map[string][]store.StreamRecord)}
	want := source.add("a", "n1", 1200) // more than two pages
	want = append(want, source.add("b", "n1", 3)...)
	source.add("b", "n2", 5) // another node's
	session(t, source, Config{Dir: dir})
	if got := exported(t, dir); !slices.Equal(got, want) {
		t.Fatalf("first run: %d records, want %d", len(got), len(want))
	}
	session(t, source, Config{Dir: dir})
	want = append(want, source.add("a", "n1", 2)...)
	session(t, source, Config{Dir: dir})
	if got := exported(t, dir); !slices.Equal(got, want) {
		t.Fatalf("third run: %d records, want %d", len(got), len(want))
	}
}

func TestTornLineIsWrittenAnew(t *testing.T) {
	dir := t.TempDir()
	source := &streams{records: make(map[string][]store.StreamRecord)}
	want := source.add("a", "n1", 10)
	session(t, source, Config{Dir: dir})
	path := filepath.Join(dir, "cdr-000001.jsonl")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{1, 2, 40, len(text) / 2, len(text)} {
		if err := os.WriteFile(path, text[:len(text)-cut], 0o644); err != nil {
			t.Fatal(err)
		}
		session(t, source, Config{Dir: dir})
		if got := exported(t, dir); !slices.Equal(got, want) {
			t.Errorf("%d bytes torn off: got %v, want %v", cut, got, want)
		}
	}
}

func TestCursorsOutliveDeletedFiles(t *testing.T) {
	dir := t.TempDir()
	source := &streams{records: make(map[string][]store.StreamRecord)}
	cfg := Config{Dir: dir, MaxBytes: 500, MaxFiles: 2}
	source.add("rare", "n1", 1) // in the first file, soon deleted
	session(t, source, cfg)
	for range 5 {
		source.add("busy", "n1", 10)
		session(t, source, cfg)
	}
	paths, _ := filepath.Glob(filepath.Join(dir, "cdr-*.jsonl"))
	if len(paths) != 2 {
		t.Errorf("%d files, want 2: %v", len(paths), paths)
	}
	got := exported(t, dir)
	if slices.Contains(got, "A00001") {
		t.Errorf("the rare campaign's record was exported again")
	}
	if got[len(got)-1] != "A00051" {
		t.Errorf("last record %s, want A00051", got[len(got)-1])
	}
	if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
		t.Errorf("records out of order or twice: %v", got)
	}
}

func TestExportWaitsForRedis(t *testing.T) {
	dir := t.TempDir()
	source := &streams{records: make(map[string][]store.StreamRecord), away: store.ErrAway}
	want := source.add("a", "n1", 3)
	e, err := Open(source, Config{Dir: dir, Every: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	ran := make(chan error, 1)
	go func() { ran <- e.Run(ctx) }()
	if err := e.Flush(ctx); !errors.Is(err, store.ErrAway) {
		t.Errorf("Flush while away: %v, want ErrAway", err)
	}
	source.setAway(nil)
	if err := e.Flush(ctx); err != nil {
		t.Errorf("Flush: %v", err)
	}
	if got := exported(t, dir); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	cancel()
	<-ran
	if err := e.Flush(t.Context()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Flush after the end: %v, want ErrClosed", err)
	}
}

// A disk that takes half a line leaves no half line behind.
func TestFailedWriteLeavesNoTrace(t *testing.T) {
	dir := t.TempDir()
	f, err := openFiles(dir, 1<<20, 10)
	if err != nil {
		t.Fatal(err)
	}
	rec := store.StreamRecord{StreamID: "1-1", Record: cdr.Record{ID: "A", Campaign: "a"}}
	if err := f.write(rec); err != nil {
		t.Fatal(err)
	}
	if _, err := f.file.WriteString(`{"stream_id":"1-2","id":"B`); err != nil {
		t.Fatal(err)
	}
	if err := f.cut(); err != nil {
		t.Fatal(err)
	}
	rec.StreamID, rec.ID = "1-2", "B"
	if err := f.write(rec); err != nil {
		t.Fatal(err)
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
	if got := exported(t, dir); !slices.Equal(got, []string{"A", "B"}) {
		t.Errorf("got %v", got)
	}
}

// From the end of an attempt to its line in the file.
func TestExportFromAStore(t *testing.T) {
	s, err := store.OpenEmbedded(t.Context(), store.Config{Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	ctx := t.Context()
	epoch, err := s.Acquire(ctx, "c", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	leads := make([]lead.Lead, 20)
	for i := range leads {
		leads[i] = lead.Lead{ID: fmt.Sprint("L", i), Numbers: []string{fmt.Sprint("+4930", i)}}
	}
	if _, _, err := s.AddLeads(ctx, "c", leads); err != nil {
		t.Fatal(err)
	}
	claimed, err := s.Claim(ctx, "c", epoch, len(leads), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range claimed {
		id := "A" + l.ID
		ordinal, err := s.StartAttempt(ctx, store.Start{ID: id, Campaign: "c", Epoch: epoch, Lead: l, Number: l.Number()})
		if err != nil {
			t.Fatal(err)
		}
		rec := cdr.Record{ID: id, Campaign: "c", LeadID: l.ID, Ordinal: ordinal, Outcome: cdr.Person}
		if err := s.Finish(rec, store.Next{Final: true}); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	session(t, s, Config{Dir: dir})
	if got := exported(t, dir); len(got) != len(leads) {
		t.Errorf("%d lines, want %d", len(got), len(leads))
	}
}

func FuzzOpenAnyFile(f *testing.F) {
	f.Add([]byte(`{"stream_id":"1-1","campaign":"a"}` + "\n" + `{"stream_id":"`))
	f.Add([]byte("\n\n\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		path := filepath.Join(dir, "cdr-000007.jsonl")
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		files, err := openFiles(dir, 1<<20, 10)
		if err != nil {
			t.Fatal(err)
		}
		if err := files.close(); err != nil {
			t.Fatal(err)
		}
		if kept, err := os.ReadFile(path); err != nil || len(kept) > 0 && kept[len(kept)-1] != '\n' {
			t.Errorf("kept %q, %v", kept, err)
		}
	})
}
