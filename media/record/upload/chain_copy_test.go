package upload

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringpace/media/record/chain"
	"ringpace/media/record/upload/s3test"
)

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
