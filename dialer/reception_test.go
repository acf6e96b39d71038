package dialer

import (
	"strings"
	"testing"

	"ringpace/dialer/config"
)

func TestSameNumber(t *testing.T) {
	const own = "+442079460000"
	for written, want := range map[string]bool{
		own: true, "442079460000": true, "00442079460000": true, "02079460000": true, "020 7946 0000": true,
		"+442079460001": false, "2079460001": false, "bank": false, "": false, "+44207946000": false, "anonymous": false,
	} {
		if sameNumber(written, own) != want {
			t.Errorf("%q for %s: %v, want %v", written, own, !want, want)
		}
	}
}

func TestCallerNumber(t *testing.T) {
	for written, want := range map[string]string{
		"+442079460000": "+442079460000", "442079460000": "+442079460000", "00442079460000": "+442079460000",
		"02079460000": "+442079460000", "+12025550100": "+12025550100", "12025550100": "+12025550100",
		"": "", "anonymous": "", "1001": "", "asterisk": "", "+1": "",
	} {
		if got := callerNumber(written, "GB"); got != want {
			t.Errorf("%q is %q, want %q", written, got, want)
		}
	}
}

// FuzzCallerNumber holds that whatever a carrier writes is a number in E.164 or none.
func FuzzCallerNumber(f *testing.F) {
	f.Add("+442079460000")
	f.Add("0044 20 7946 0000;ext=5")
	f.Fuzz(func(t *testing.T, written string) {
		n := callerNumber(written, "GB")
		if n != "" && (n[0] != '+' || len(n) < 8 || len(n) > 16 || strings.Trim(n[1:], "0123456789") != "") {
			t.Errorf("%q is %q", written, n)
		}
	})
}

func TestScreen(t *testing.T) {
	in := config.DefaultInbound()
	in.Blocked = []string{"+1900*"}
	strict := in
	strict.Anonymous = config.AnonymousReject
	for _, c := range []struct {
		name     string
		in       *config.Inbound
		number   string
		draining bool
		rule     string
		status   int
	}{
		{"anybody", &in, "+12025550100", false, "", 0},
		{"blocked", &in, "+19005550100", false, "blocked", 603},
		{"hidden, and taken", &in, "", false, "", 0},
		{"hidden, and not taken", &strict, "", false, "anonymous", 433},
		{"shutting down", &in, "+12025550100", true, "draining", 503},
	} {
		if rule, status := screen(c.in, c.number, c.draining); rule != c.rule || status != c.status {
			t.Errorf("%s: %q %d, want %q %d", c.name, rule, status, c.rule, c.status)
		}
	}
}

func TestReceptionCountsByNumber(t *testing.T) {
	r := newReception(t.Context())
	if !r.enter("a", 1) || r.enter("a", 1) || !r.enter("b", 1) || !r.enter("a", 0) {
		t.Error("the limit does not hold for each number on its own, or 0 is a limit")
	}
	r.leave("a")
	r.leave("a")
	if !r.enter("a", 1) || len(r.busy) != 2 {
		t.Errorf("after they left: %v", r.busy)
	}
}
