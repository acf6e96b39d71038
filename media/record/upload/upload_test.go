package upload

import (
	"bytes"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ringpace/media/record/chain"
	"ringpace/media/record/upload/s3test"
)

const (
	ms       = time.Millisecond
	patience = 10 * time.Second
)

// quick is a pace for tests: nothing is waited for long.
func quick() pace {
	return pace{
		look: 20 * ms, first: ms, longest: 10 * ms, silence: time.Hour, settle: time.Hour,
		copies: 20 * ms, sweep: 20 * ms, stall: patience,
	}
}

func configFor(a *archive, s *s3test.Server) Config { return configAt(a, s.URL) }

func configAt(a *archive, endpoint string) Config {
	return Config{
		Dir: a.dir, Endpoint: endpoint, Bucket: s3test.Bucket, Prefix: "site-1", Region: s3test.Region,
		AccessKey: s3test.AccessKey, SecretKey: s3test.SecretKey,
	}
}

func begin(t *testing.T, a *archive, c Config, p pace) *Uploader {
	t.Helper()
	u, err := start(c, a, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(u.Close)
	return u
}

// eventually waits until something is so.
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !so(); {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come about: %s", what)
		}
		<-time.After(5 * ms)
	}
}

// stored reports whether the storage has what a recording holds.
func stored(s *s3test.Server, id string) bool {
	o, ok := s.Object("site-1/" + placeOf(id))
	return ok && bytes.Equal(o.Body, said(id))
}

func TestUpload(t *testing.T) {
	for _, c := range []struct {
		name   string
		server func(*s3test.Server)
	}{
		{"a storage with checksums", func(*s3test.Server) {}},
		{"one whose checksums are all that there is", func(s *s3test.Server) {
			s.OpaqueETags = true
			s.Before(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodGet {
					s3test.Refuse(w, http.StatusForbidden, "AccessDenied")
				}
				return r.Method == http.MethodGet
			})
		}},
		{"one without", func(s *s3test.Server) { s.NoChecksums = true }},
		{"one that names nothing to prove it by", func(s *s3test.Server) { s.NoChecksums, s.OpaqueETags = true, true }},
		{"a key that may not read", func(s *s3test.Server) { s.WriteOnly = true }},
		{"a key that may not list", func(s *s3test.Server) { s.NoListing = true }},
		{"one that knows no conditions", func(s *s3test.Server) { s.Before(refusesConditions) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, a := s3test.New(t), newArchive(t, t.TempDir())
			c.server(s)
			a.keep(chain.Kept, "one", "two")
			u := begin(t, a, configFor(a, s), quick())
			a.keep(chain.Kept, "three")
			eventually(t, "all are uploaded", func() bool { return u.Stats().Uploaded == 3 && u.Stats().Waiting == 0 })
			for _, id := range []string{"one", "two", "three"} {
				if !stored(s, id) || !a.exists(id) {
					t.Errorf("%s: stored %v, here %v", id, stored(s, id), a.exists(id))
				}
			}
			if got := u.Stats(); got.Waiting != 0 || !got.Oldest.IsZero() || got.Failed != 0 || got.Bytes != uint64(len(said("one"))+len(said("two"))+len(said("three"))) {
				t.Errorf("figures: %+v", got)
			}
			if r := a.verified(); r.Uploaded != 3 || r.Kept != 3 || r.Cleared != 0 || u.Trouble() != "" {
				t.Errorf("%+v, trouble %q", r, u.Trouble())
			}
			x, err := chain.Load(a.dir)
			if err != nil {
				t.Fatal(err)
			}
			if it, ok := x.ID("two"); !ok || it.Uploaded.Object != "s3://calls/site-1/"+placeOf("two") || it.Uploaded.Object != u.Object(placeOf("two")) {
				t.Errorf("the chain has %+v", it)
			}
			o, _ := s.Object("site-1/" + placeOf("one"))
			if o.Header.Get("X-Amz-Meta-Ringpace-Sha256") == "" || o.Header.Get("Content-Type") != "audio/wav" {
				t.Errorf("stored with %v", o.Header)
			}
		})
	}
}

func TestUploadOverTLS(t *testing.T) {
	s, a := s3test.NewTLS(t), newArchive(t, t.TempDir())
	a.keep(chain.Kept, "one")
	c := configFor(a, s)
	u := begin(t, a, c, quick())
	eventually(t, "an alarm", func() bool { return strings.Contains(u.Trouble(), "recording.upload.ca_file") })
	c.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(c.CAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	begin(t, a, c, quick())
	eventually(t, "it is uploaded", func() bool { return stored(s, "one") })
	c.CAFile = "/nowhere"
	if _, err := Start(c, a); err == nil {
		t.Error("a CA file that is not there")
	}
}

// TestParallel: as many uploads as are allowed are under way, and no more.
func TestParallel(t *testing.T) {
	s, a := s3test.New(t), newArchive(t, t.TempDir())
	ids := []string{"1", "2", "3", "4", "5", "6", "7", "8"}
	a.keep(chain.Kept, ids...)
	var mu sync.Mutex
	now, most := 0, 0
	full := make(chan struct{})
	s.Before(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || strings.Contains(r.URL.Path, "/chain/") {
			return false
		}
		mu.Lock()
		if now++; now > most {
			if most = now; most == 3 {
				close(full)
			}
		}
		mu.Unlock()
		select {
		case <-full:
		case <-r.Context().Done():
		}
		mu.Lock()
		now--
		mu.Unlock()
		return false
	})
	c := configFor(a, s)
	c.Parallel = 3
	u := begin(t, a, c, quick())
	eventually(t, "all are uploaded", func() bool { return u.Stats().Uploaded == 8 })
	if most != 3 {
		t.Errorf("%d at a time, want 3", most)
	}
}

func TestOldestFirst(t *testing.T) {
	s, a := s3test.New(t), newArchive(t, t.TempDir())
	ids := []string{"c", "a", "d", "b"}
	a.keep(chain.Kept, ids...)
	var mu sync.Mutex
	var order []string
	s.Before(func(_ http.ResponseWriter, r *http.Request) bool {
		if mu.Lock(); r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, ".wav") {
			order = append(order, strings.TrimSuffix(filepath.Base(r.URL.Path), ".wav"))
		}
		mu.Unlock()
		return false
	})
	c := configFor(a, s)
	c.Parallel = 1
	u := begin(t, a, c, quick())
	eventually(t, "all are uploaded", func() bool { return u.Stats().Uploaded == 4 })
	if !slices.Equal(order, ids) {
		t.Errorf("in the order %v, want %v", order, ids)
	}
}

func TestRestart(t *testing.T) {
	s, a := s3test.New(t), newArchive(t, t.TempDir())
	a.keep(chain.Kept, "one", "two")
	u := begin(t, a, configFor(a, s), quick())
	eventually(t, "both are uploaded", func() bool { return u.Stats().Uploaded == 2 })
	u.Close()
	a.keep(chain.Kept, "three")
	again := begin(t, a, configFor(a, s), quick())
	eventually(t, "the third is uploaded", func() bool { return stored(s, "three") })
	eventually(t, "nothing waits", func() bool { return again.Stats().Waiting == 0 })
	if n := s.Puts("site-1/" + placeOf("one")); n != 1 || again.Stats().Uploaded != 1 {
		t.Errorf("the first was sent %d times, and the second uploader counts %+v", n, again.Stats())
	}
}

// TestCrashBeforeTheLine: what a crash kept from being noted is not sent again.
func TestCrashBeforeTheLine(t *testing.T) {
	s, a := s3test.New(t), newArchive(t, t.TempDir())
	a.keep(chain.Kept, "one")
	s.NoChecksums = true
	s.Put("site-1/"+placeOf("one"), said("one"))
	u := begin(t, a, configFor(a, s), quick())
	eventually(t, "it is noted", func() bool { return u.Stats().Uploaded == 1 })
	if n := s.Puts("site-1/" + placeOf("one")); n != 0 || a.verified().Uploaded != 1 {
		t.Errorf("it was sent %d times, or the chain says nothing of it", n)
	}
}

// TestWhatIsNotUploaded: an altered file, one that is gone, and one whose place is taken hold
// up no other, and are told.
func TestWhatIsNotUploaded(t *testing.T) {
	s, a := s3test.New(t), newArchive(t, t.TempDir())
	a.keep(chain.Kept, "altered", "gone", "taken", "well")
	if err := os.WriteFile(filepath.Join(a.dir, placeOf("altered")), []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(a.dir, placeOf("gone"))); err != nil {
		t.Fatal(err)
	}
	s.Put("site-1/"+placeOf("taken"), []byte("of another node"))
	u := begin(t, a, configFor(a, s), quick())
	eventually(t, "the last is uploaded and the others are told", func() bool { return stored(s, "well") && u.Stats().Stuck == 3 })
	if !strings.Contains(u.Trouble(), "3 recordings are not uploaded; the first, "+placeOf("altered")) {
		t.Errorf("told: %q", u.Trouble())
	}
	if o, _ := s.Object("site-1/" + placeOf("taken")); string(o.Body) != "of another node" {
		t.Error("another's object was written over")
	}
	if err := a.log.Remove(chain.Entry{Kind: chain.Deleted, ID: "gone", Path: placeOf("gone"), Why: "older than 90 days"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "one that was removed by rule is not missed", func() bool { return u.Stats().Waiting == 2 && u.Stats().Stuck == 2 })
}

// TestSalvagedWaits: what a crash cut off may still be discarded.
func TestSalvagedWaits(t *testing.T) {
	s, a := s3test.New(t), newArchive(t, t.TempDir())
	a.keep(chain.Salvaged, "cut")
	a.keep(chain.Kept, "whole")
	p := quick()
	u := begin(t, a, configFor(a, s), p)
	eventually(t, "the other is uploaded", func() bool { return stored(s, "whole") })
	eventually(t, "one waits", func() bool { return u.Stats().Waiting == 1 })
	if stored(s, "cut") {
		t.Error("it is uploaded at once")
	}
	u.Close()
	p.settle = ms
	begin(t, a, configFor(a, s), p)
	eventually(t, "it is uploaded in the end", func() bool { return stored(s, "cut") })
}
