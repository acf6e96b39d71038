package upload

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
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

// archive is a recorder that only keeps.
type archive struct {
	t    testing.TB
	dir  string
	log  *chain.Log
	kept chan struct{}
}

func newArchive(t testing.TB, dir string) *archive {
	t.Helper()
	log, err := chain.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return &archive{t: t, dir: dir, log: log, kept: make(chan struct{}, 1)}
}

func (a *archive) Kept() <-chan struct{} { return a.kept }

func (a *archive) Uploaded(e chain.Entry, object string) error {
	_, err := a.log.Append(chain.Entry{Kind: chain.Uploaded, ID: e.ID, Path: e.Path, Bytes: e.Bytes, SHA256: e.SHA256, Object: object})
	return err
}

func (a *archive) Clear(e chain.Entry) error {
	return a.log.Remove(chain.Entry{Kind: chain.Cleared, ID: e.ID, Path: e.Path, Object: e.Object})
}

func (a *archive) SyncChain() error { return a.log.Sync() }

// said is what a recording holds: more than goes into one write.
func said(id string) []byte { return bytes.Repeat([]byte("what was said in "+id+"\n"), 4_000) }

// placeOf is where a recording lies.
func placeOf(id string) string { return "welcome/2026-03-09/" + id + ".wav" }

// keep makes recordings.
func (a *archive) keep(kind chain.Kind, ids ...string) {
	a.t.Helper()
	for _, id := range ids {
		name := filepath.Join(a.dir, filepath.FromSlash(placeOf(id)))
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			a.t.Fatal(err)
		}
		if err := os.WriteFile(name, said(id), 0o600); err != nil {
			a.t.Fatal(err)
		}
		sum := sha256.Sum256(said(id))
		_, err := a.log.Append(chain.Entry{
			Kind: kind, ID: id, Path: placeOf(id), Start: time.Now().UTC(), Bytes: int64(len(said(id))), SHA256: hex.EncodeToString(sum[:]),
		})
		if err != nil {
			a.t.Fatal(err)
		}
	}
	select {
	case a.kept <- struct{}{}:
	default:
	}
}

// verified holds the directory against its chain.
func (a *archive) verified() *chain.Report {
	a.t.Helper()
	r, err := chain.Verify(context.Background(), a.dir, chain.Options{})
	if err != nil {
		a.t.Fatal(err)
	}
	if !r.OK() {
		a.t.Errorf("verify finds %+v", r.Findings)
	}
	return r
}

func (a *archive) exists(id string) bool {
	_, err := os.Stat(filepath.Join(a.dir, filepath.FromSlash(placeOf(id))))
	return err == nil
}

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

// TestFaults: whatever passes is tried again, what lasts is told with what to do.
func TestFaults(t *testing.T) {
	refuse := func(status int, code string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			s3test.Refuse(w, status, code)
			return true
		}
	}
	for _, c := range []struct {
		name  string
		fault func(w http.ResponseWriter, r *http.Request) bool
		told  string // the alarm; "" for none
	}{
		{"an error within", refuse(http.StatusInternalServerError, "InternalError"), ""},
		{"too much", refuse(http.StatusServiceUnavailable, "SlowDown"), ""},
		{"a proxy that fails", func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusBadGateway)
			return true
		}, ""},
		{"cut off in the middle", func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPut {
				return false
			}
			_, _ = r.Body.Read(make([]byte, 1000))
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				conn.Close()
			}
			return true
		}, ""},
		{"cut off before the answer", func(w http.ResponseWriter, _ *http.Request) bool { panic(http.ErrAbortHandler) }, ""},
		{"no such key", refuse(http.StatusForbidden, "InvalidAccessKeyId"), "recording.upload.access_key"},
		{"a wrong key", refuse(http.StatusForbidden, "SignatureDoesNotMatch"), "recording.upload.secret_key"},
		{"no right", refuse(http.StatusForbidden, "AccessDenied"), "s3:PutObject"},
		{"no bucket", refuse(http.StatusNotFound, "NoSuchBucket"), "there is no bucket calls"},
		{"another region", refuse(http.StatusBadRequest, "AuthorizationHeaderMalformed"), "recording.upload.region"},
		{"a wrong clock", refuse(http.StatusForbidden, "RequestTimeTooSkewed"), "NTP"},
		{"full", func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPut {
				return false
			}
			s3test.Refuse(w, http.StatusInsufficientStorage, "XMinioStorageFull")
			return true
		}, "make room"},
		{"some other refusal", refuse(http.StatusForbidden, "Whatever"), "refuses uploads to bucket calls"},
		{"a refusal of this one", refuse(http.StatusBadRequest, "KeyTooLongError"), "not uploaded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, a := s3test.New(t), newArchive(t, t.TempDir())
			s.Before(c.fault)
			a.keep(chain.Kept, "one", "two")
			u := begin(t, a, configFor(a, s), quick())
			eventually(t, "it is tried more than once", func() bool { return u.Stats().Failed >= 3 })
			if c.told == "" && u.Trouble() != "" || c.told != "" && !strings.Contains(u.Trouble(), c.told) {
				t.Errorf("told: %q, want %q", u.Trouble(), c.told)
			}
			if got := u.Stats(); got.Waiting != 2 || got.Oldest.IsZero() || got.Uploaded != 0 {
				t.Errorf("figures: %+v", got)
			}
			s.Before(nil)
			eventually(t, "both are uploaded", func() bool { return u.Stats().Uploaded == 2 })
			if !stored(s, "one") || !stored(s, "two") || u.Trouble() != "" {
				t.Errorf("stored: %v, trouble %q", s.Keys(), u.Trouble())
			}
			a.verified()
		})
	}
}

func TestWrongCredentials(t *testing.T) {
	for _, c := range []struct {
		change func(*Config)
		told   string
	}{
		{func(c *Config) { c.AccessKey = "AKOTHER" }, "access_key"},
		{func(c *Config) { c.SecretKey = "guess" }, "secret_key"},
		{func(c *Config) { c.Region = "us-east-1" }, "recording.upload.region"},
		{func(c *Config) { c.Bucket = "other" }, "no bucket other"},
		{func(c *Config) { c.Endpoint = strings.Replace(c.Endpoint, "http:", "https:", 1) }, "does not speak TLS"},
	} {
		t.Run(c.told, func(t *testing.T) {
			t.Parallel()
			s, a := s3test.New(t), newArchive(t, t.TempDir())
			a.keep(chain.Kept, "one")
			cfg := configFor(a, s)
			c.change(&cfg)
			u := begin(t, a, cfg, quick())
			eventually(t, "the alarm", func() bool { return strings.Contains(u.Trouble(), c.told) })
			if len(s.Keys()) > 0 || !a.exists("one") {
				t.Errorf("stored: %v", s.Keys())
			}
		})
	}
}

// TestLongOutage: a fault that may pass raises the alarm once it lasts.
func TestLongOutage(t *testing.T) {
	s, a := s3test.New(t), newArchive(t, t.TempDir())
	s.Close()
	a.keep(chain.Kept, "one")
	p := quick()
	p.silence = 50 * ms
	u := begin(t, a, configFor(a, s), p)
	eventually(t, "an alarm", func() bool { return strings.Contains(u.Trouble(), "nothing is uploaded") })
}

// TestSlowStorage: what gets on may take its time, what does not is given up.
func TestSlowStorage(t *testing.T) {
	s, a := s3test.New(t), newArchive(t, t.TempDir())
	ended := make(chan struct{})
	t.Cleanup(func() { close(ended) })
	s.Before(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return false
		}
		select {
		case <-r.Context().Done():
		case <-ended:
		}
		return true
	})
	a.keep(chain.Kept, "one")
	p := quick()
	p.stall = 50 * ms
	u := begin(t, a, configFor(a, s), p)
	eventually(t, "it is given up", func() bool { return u.Stats().Failed >= 2 })
	s.Before(nil)
	eventually(t, "it is uploaded", func() bool { return stored(s, "one") })
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

func TestCleared(t *testing.T) {
	for name, keep := range map[string]time.Duration{"at once": 0, "later": ms} {
		t.Run(name, func(t *testing.T) {
			s, a := s3test.New(t), newArchive(t, t.TempDir())
			a.keep(chain.Kept, "one", "held")
			if _, err := a.log.Append(chain.Entry{Kind: chain.Held, ID: "held", By: "counsel"}); err != nil {
				t.Fatal(err)
			}
			c := configFor(a, s)
			c.Clear, c.KeepLocal = true, keep
			u := begin(t, a, c, quick())
			eventually(t, "the file is removed", func() bool { return !a.exists("one") })
			eventually(t, "both are uploaded", func() bool { return u.Stats().Uploaded == 2 })
			if r := a.verified(); r.Cleared != 1 || r.Uploaded != 2 || r.Kept != 1 || r.Gone != 0 || !stored(s, "one") {
				t.Errorf("%+v", r)
			}
			if !a.exists("held") {
				t.Error("what is under legal hold was removed")
			}
			if _, err := chain.Hold(a.dir, []string{"held"}, "counsel", "closed", true); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the released one is removed", func() bool { return !a.exists("held") })
			// Fetched back for listening it is no stranger, unless it is another.
			name := filepath.Join(a.dir, filepath.FromSlash(placeOf("one")))
			u.Close()
			if err := os.WriteFile(name, said("one"), 0o600); err != nil {
				t.Fatal(err)
			}
			a.verified()
			if err := os.WriteFile(name, said("two"), 0o600); err != nil {
				t.Fatal(err)
			}
			if r, err := chain.Verify(t.Context(), a.dir, chain.Options{}); err != nil || len(r.Findings) != 1 || r.Findings[0].Kind != chain.Altered {
				t.Errorf("another in its place: %+v, %v", r, err)
			}
		})
	}
}

// TestOnlyWhatIsProven: nothing is noted, and no file removed, that the storage does not
// have.
func TestOnlyWhatIsProven(t *testing.T) {
	for name, store := range map[string]func(s *s3test.Server, key string){
		"it forgets": func(*s3test.Server, string) {},
		"it errs": func(s *s3test.Server, key string) {
			other := said("one")
			other[len(other)/2]++
			s.Put(key, other)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, a := s3test.New(t), newArchive(t, t.TempDir())
			s.Before(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodPut {
					return false
				}
				w.Header().Set("ETag", `"whatever"`)
				store(s, strings.TrimPrefix(r.URL.Path, "/"+s3test.Bucket+"/"))
				return true
			})
			a.keep(chain.Kept, "one")
			c := configFor(a, s)
			c.Clear = true
			u := begin(t, a, c, quick())
			eventually(t, "it is tried again", func() bool { return u.Stats().Failed >= 2 })
			if r := a.verified(); r.Uploaded != 0 || !a.exists("one") {
				t.Errorf("%+v", r)
			}
		})
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

func TestChainIsCopied(t *testing.T) {
	s, a := s3test.New(t), newArchive(t, t.TempDir())
	a.keep(chain.Kept, "one")
	day := chain.Folder + "/" + time.Now().UTC().Format(time.DateOnly) + ".jsonl"
	copied := func() bool {
		here, err := os.ReadFile(filepath.Join(a.dir, day))
		o, ok := s.Object("site-1/" + day)
		return err == nil && ok && bytes.Equal(here, o.Body)
	}
	u := begin(t, a, configFor(a, s), quick())
	eventually(t, "the chain is copied with the line of the upload", func() bool { return u.Stats().Uploaded == 1 && copied() })
	a.keep(chain.Kept, "two")
	eventually(t, "and what follows", func() bool { return u.Stats().Uploaded == 2 && copied() })
	u.Close()
	puts := s.Puts("site-1/" + day)
	again := begin(t, a, configFor(a, s), quick())
	a.keep(chain.Kept, "three")
	eventually(t, "and what follows a restart", func() bool { return again.Stats().Uploaded == 1 && copied() })
	if again.Tampered() != "" || u.Tampered() != "" {
		t.Errorf("told: %q, %q", u.Tampered(), again.Tampered())
	}
	if s.Puts("site-1/"+day) == puts {
		t.Error("the last copy was not made by it")
	}
	again.Close()

	// What is off site can be verified by itself, with nothing of here.
	offsite := t.TempDir()
	for _, key := range s.Keys() {
		o, _ := s.Object(key)
		name := filepath.Join(offsite, strings.TrimPrefix(key, "site-1/"))
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, o.Body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := chain.Verify(t.Context(), offsite, chain.Options{}); err != nil || !r.OK() || r.Kept != 3 {
		t.Errorf("off site: %+v, %v", r, err)
	}

	// Somebody who can write here takes a recording out of the history.
	before, _ := s.Object("site-1/" + day)
	forged := bytes.ReplaceAll(before.Body, []byte(`"one"`), []byte(`"eno"`))
	if err := os.WriteFile(filepath.Join(a.dir, day), append(forged, forged...), 0o600); err != nil {
		t.Fatal(err)
	}
	third := begin(t, a, configFor(a, s), quick())
	eventually(t, "it is told", func() bool { return strings.Contains(third.Tampered(), day) })
	if after, _ := s.Object("site-1/" + day); !bytes.Equal(after.Body, before.Body) {
		t.Error("the copy was replaced by what was forged")
	}
}

func TestChecks(t *testing.T) {
	for endpoint, good := range map[string]bool{
		"https://s3.example.com": true, "http://127.0.0.1:9000/": true, "s3.example.com": false, "ftp://x": false,
		"https://": false, "https://x/bucket": false, "https://key:secret@x": false, "": false,
	} {
		if _, _, err := ParseEndpoint(endpoint); (err == nil) != good {
			t.Errorf("endpoint %q: %v", endpoint, err)
		}
	}
	for prefix, good := range map[string]bool{
		"": true, "calls": true, "a/b-c_1.2": true, "/a": false, "a/": false, "../a": false, "a//b": false, "a b": false, ".": false,
	} {
		if err := CheckPrefix(prefix); (err == nil) != good {
			t.Errorf("prefix %q: %v", prefix, err)
		}
	}
	for bucket, good := range map[string]bool{"calls": true, "my.calls-1": true, "Calls": false, "a": false, "": false, "a/b": false} {
		if err := CheckBucket(bucket); (err == nil) != good {
			t.Errorf("bucket %q: %v", bucket, err)
		}
	}
}

func TestPause(t *testing.T) {
	u := &Uploader{pace: usualPace()}
	for faults, most := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 6: 32 * time.Second, 20: 5 * time.Minute, 1000: 5 * time.Minute} {
		seen := map[time.Duration]bool{}
		for range 100 {
			d := u.pause(faults)
			if d < most/2 || d > most {
				t.Fatalf("after %d faults %v, want up to %v", faults, d, most)
			}
			seen[d] = true
		}
		if len(seen) < 2 {
			t.Errorf("after %d faults always the same pause", faults)
		}
	}
}
