package upload

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringpace/media/record/chain"
	"ringpace/media/record/upload/s3test"
)

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
