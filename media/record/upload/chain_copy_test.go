package upload

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ringpace/media/record/chain"
	"ringpace/media/record/upload/s3test"
)

// today is where the chain's lines of the day lie.
func today() string { return chain.Folder + "/" + time.Now().UTC().Format(time.DateOnly) + ".jsonl" }

// forge takes a recording out of the history here and returns what the storage has of it.
func forge(t *testing.T, s *s3test.Server, a *archive, day string) []byte {
	t.Helper()
	good, _ := s.Object("site-1/" + day)
	name := filepath.Join(a.dir, filepath.FromSlash(day))
	here, err := os.ReadFile(name)
	if err != nil || len(good.Body) == 0 {
		t.Fatalf("the storage has %d octets of the chain, here: %v", len(good.Body), err)
	}
	forged := bytes.ReplaceAll(here, []byte(`"one"`), []byte(`"eno"`))
	if err := os.WriteFile(name, append(forged, forged...), 0o600); err != nil {
		t.Fatal(err)
	}
	return good.Body
}

// copiedBy waits until the storage has the chain as it is here, with n uploads.
func copiedBy(t *testing.T, u *Uploader, s *s3test.Server, a *archive, day string, n uint64) {
	t.Helper()
	eventually(t, "the chain is copied", func() bool {
		here, err := os.ReadFile(filepath.Join(a.dir, filepath.FromSlash(day)))
		o, ok := s.Object("site-1/" + day)
		return u.Stats().Uploaded == n && err == nil && ok && bytes.Equal(here, o.Body)
	})
}

// forgedChain is an archive whose chain a storage has a copy of, and that was forged while
// nothing was uploaded; good is the copy.
func forgedChain(t *testing.T, s *s3test.Server, day string) (a *archive, good []byte) {
	t.Helper()
	a = newArchive(t, t.TempDir())
	a.keep(chain.Kept, "one")
	u := begin(t, a, configFor(a, s), quick())
	copiedBy(t, u, s, a, day, 1)
	u.Close()
	return a, forge(t, s, a, day)
}

func TestChainIsCopied(t *testing.T) {
	s, a, day := s3test.New(t), newArchive(t, t.TempDir()), today()
	a.keep(chain.Kept, "one")
	u := begin(t, a, configFor(a, s), quick())
	copiedBy(t, u, s, a, day, 1) // with the line of the upload
	a.keep(chain.Kept, "two")
	copiedBy(t, u, s, a, day, 2)
	u.Close()
	puts := s.Puts("site-1/" + day)
	again := begin(t, a, configFor(a, s), quick())
	a.keep(chain.Kept, "three")
	copiedBy(t, again, s, a, day, 1)
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

// TestForgedChainReplacesNothing: while the storage does not say what it has of the chain, it
// is sent nothing; once it does, it is told that the chain was rewritten.
func TestForgedChainReplacesNothing(t *testing.T) {
	for name, silence := range silences {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, day := s3test.New(t), today()
			s.NoCondition = true
			a, good := forgedChain(t, s, day)
			var asked atomic.Int32
			s.Before(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodHead || !strings.HasSuffix(r.URL.Path, ".jsonl") || asked.Add(1) > 2 {
					return false
				}
				silence(w)
				return true
			})
			u := begin(t, a, configFor(a, s), quick())
			eventually(t, "it is told", func() bool { return strings.Contains(u.Tampered(), day) })
			if o, _ := s.Object("site-1/" + day); !bytes.Equal(o.Body, good) {
				t.Error("the copy was replaced by what was forged")
			}
		})
	}
}

// TestForgedChainUnseen: a storage that says that there is no copy, or does not show it to
// our key for a while, has one nonetheless.
func TestForgedChainUnseen(t *testing.T) {
	for _, status := range []int{http.StatusNotFound, http.StatusForbidden} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			s, day := s3test.New(t), today()
			a, good := forgedChain(t, s, day)
			var sent atomic.Int32
			s.Before(func(w http.ResponseWriter, r *http.Request) bool {
				switch {
				case !strings.HasSuffix(r.URL.Path, ".jsonl"):
				case r.Method == http.MethodPut:
					sent.Add(1)
				case sent.Load() == 0:
					w.WriteHeader(status)
					return true
				}
				return false
			})
			u := begin(t, a, configFor(a, s), quick())
			eventually(t, "it is told", func() bool { return strings.Contains(u.Tampered(), day) })
			if o, _ := s.Object("site-1/" + day); !bytes.Equal(o.Body, good) || sent.Load() == 0 {
				t.Errorf("the copy was replaced by what was forged, or that was not tried (%d times)", sent.Load())
			}
		})
	}
}

// TestChainByAKeyThatMayNotRead: what the uploader has copied itself it knows without asking,
// and holds the chain against it.
func TestChainByAKeyThatMayNotRead(t *testing.T) {
	for name, noCondition := range map[string]bool{"with conditions": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, a, day := s3test.New(t), newArchive(t, t.TempDir()), today()
			s.WriteOnly, s.NoCondition = true, noCondition
			a.keep(chain.Kept, "one")
			u := begin(t, a, configFor(a, s), quick())
			copiedBy(t, u, s, a, day, 1)
			a.keep(chain.Kept, "two")
			copiedBy(t, u, s, a, day, 2)
			good := forge(t, s, a, day)
			eventually(t, "it is told", func() bool { return strings.Contains(u.Tampered(), day) })
			var asked atomic.Int32
			s.Before(func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodHead && strings.HasSuffix(r.URL.Path, ".jsonl") {
					asked.Add(1)
				}
				return false
			})
			for n := range int32(2) { // it grows, and is looked at again
				a.keep(chain.Kept, fmt.Sprint("more", n))
				eventually(t, "it is looked at", func() bool { return asked.Load() > n })
			}
			u.Close()
			if o, _ := s.Object("site-1/" + day); !bytes.Equal(o.Body, good) {
				t.Error("the copy was replaced by what was forged")
			}
		})
	}
}

// TestCopyByAnother: a copy that somebody else has written over since is told of, and left;
// one that is as it should be is not sent again after a restart.
func TestCopyByAnother(t *testing.T) {
	s, a, day := s3test.New(t), newArchive(t, t.TempDir()), today()
	a.keep(chain.Kept, "one")
	u := begin(t, a, configFor(a, s), quick())
	copiedBy(t, u, s, a, day, 1)
	u.Close()
	puts := s.Puts("site-1/" + day)
	copies := map[string]copied{}
	for range 2 { // what is known, and what is not
		again, err := start(configFor(a, s), a, usualPace())
		if err != nil {
			t.Fatal(err)
		}
		if err := again.copyDays(t.Context(), copies); err != nil || again.Tampered() != "" || s.Puts("site-1/"+day) != puts {
			t.Errorf("with all copied: %v, told %q, sent %d times, want %d", err, again.Tampered(), s.Puts("site-1/"+day), puts)
		}
		again.Close()
	}
	s.Put("site-1/"+day, []byte("of another\n"))
	a.keep(chain.Kept, "two")
	u = begin(t, a, configFor(a, s), usualPace())
	if err := u.copyDays(t.Context(), copies); err != nil || !strings.Contains(u.Tampered(), day) {
		t.Errorf("%v, told %q", err, u.Tampered())
	}
	if o, _ := s.Object("site-1/" + day); string(o.Body) != "of another\n" {
		t.Error("another's copy was written over")
	}
}

// TestOneCopyHoldsUpNoOther: a file of the chain whose copy may not be seen is told of, and
// those of other days are copied.
func TestOneCopyHoldsUpNoOther(t *testing.T) {
	s, a, day := s3test.New(t), newArchive(t, t.TempDir()), today()
	s.WriteOnly = true
	before := chain.Folder + "/2026-03-09.jsonl"
	if err := os.WriteFile(filepath.Join(a.dir, filepath.FromSlash(before)), []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Put("site-1/"+before, []byte("a copy"))
	a.keep(chain.Kept, "one")
	u := begin(t, a, configFor(a, s), quick())
	copiedBy(t, u, s, a, day, 1)
	err := u.copyDays(t.Context(), map[string]copied{})
	if err == nil || !strings.Contains(err.Error(), "2026-03-09.jsonl: ") || !strings.Contains(err.Error(), "grant it s3:GetObject") {
		t.Errorf("told: %v", err)
	}
	if o, _ := s.Object("site-1/" + before); string(o.Body) != "a copy" {
		t.Error("a copy that cannot be seen was written over")
	}
}
