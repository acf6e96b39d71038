package upload

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"ringpace/media/record/chain"
	"ringpace/media/record/upload/s3test"
)

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
