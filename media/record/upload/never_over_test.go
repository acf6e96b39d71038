package upload

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"ringpace/media/record/chain"
	"ringpace/media/record/upload/s3test"
)

// refusesConditions is a storage that knows no conditional requests, and says so.
func refusesConditions(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("If-None-Match") == "" {
		return false
	}
	s3test.Refuse(w, http.StatusNotImplemented, "NotImplemented")
	return true
}

// silences are answers to a question for an object that do not say whether it is there.
var silences = map[string]func(w http.ResponseWriter){
	"an error within":      func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
	"too much":             func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) },
	"slower":               func(w http.ResponseWriter) { w.WriteHeader(http.StatusTooManyRequests) },
	"a request not liked":  func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadRequest) },
	"another place":        func(w http.ResponseWriter) { w.WriteHeader(http.StatusTemporaryRedirect) },
	"cut off":              func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	"not now":              func(w http.ResponseWriter) { w.WriteHeader(http.StatusConflict) },
	"a proxy's own answer": func(w http.ResponseWriter) { w.WriteHeader(http.StatusProxyAuthRequired) },
}

// TestObjectIsNotWrittenOver: whatever the storage says or does not say when it is asked for
// an object that is another node's recording, that stays.
func TestObjectIsNotWrittenOver(t *testing.T) {
	others := bytes.ToUpper(said("one")) // as long as ours
	type storage = s3test.Server
	type answer = func(w http.ResponseWriter, r *http.Request) bool
	asked := func(f func(w http.ResponseWriter)) answer {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodHead {
				return false
			}
			f(w)
			return true
		}
	}
	status := func(code int) answer { return asked(func(w http.ResponseWriter) { w.WriteHeader(code) }) }
	type row struct {
		server func(s *storage)
		answer answer
		told   string
	}
	rows := map[string]row{
		"not there, it says": {func(*storage) {}, status(http.StatusNotFound), "PreconditionFailed"},
		"not to be seen":     {func(*storage) {}, status(http.StatusForbidden), "grant it s3:GetObject"},
		"not to be seen, by one that knows no conditions": {func(*storage) {}, func(w http.ResponseWriter, r *http.Request) bool {
			return status(http.StatusForbidden)(w, r) || refusesConditions(w, r)
		}, "s3:ListBucket"},
		"not to be read": {func(s *storage) { s.NoChecksums, s.OpaqueETags, s.NoCondition = true, true, true }, func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet {
				return false
			}
			s3test.Refuse(w, http.StatusForbidden, "AccessDenied")
			return true
		}, "s3:GetObject"},
	}
	for name, silence := range silences {
		rows[name] = row{func(s *storage) { s.NoCondition = true }, asked(silence), ""}
	}
	for name, c := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, a := s3test.New(t), newArchive(t, t.TempDir())
			c.server(s)
			key := "site-1/" + placeOf("one")
			s.Put(key, others)
			s.Before(func(w http.ResponseWriter, r *http.Request) bool {
				return strings.HasSuffix(r.URL.Path, ".wav") && c.answer(w, r)
			})
			a.keep(chain.Kept, "one")
			u := begin(t, a, configFor(a, s), quick())
			eventually(t, "it fails and is told", func() bool { return u.Stats().Failed > 0 && strings.Contains(u.Trouble(), c.told) })
			if o, _ := s.Object(key); !bytes.Equal(o.Body, others) || s.Puts(key) > 0 || a.verified().Uploaded != 0 {
				t.Errorf("it was written over %d times, or noted as ours", s.Puts(key))
			}
		})
	}
}
