package dialer

import (
	"strings"
	"testing"
	"time"

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
		name   string
		in     *config.Inbound
		number string
		rule   string
		status int
	}{
		{"anybody", &in, "+12025550100", "", 0},
		{"blocked", &in, "+19005550100", "blocked", 603},
		{"hidden, and taken", &in, "", "", 0},
		{"hidden, and not taken", &strict, "", "anonymous", 433},
	} {
		if rule, status := screen(c.in, c.number); rule != c.rule || status != c.status {
			t.Errorf("%s: %q %d, want %q %d", c.name, rule, status, c.rule, c.status)
		}
	}
}

func TestReceptionCountsByNumber(t *testing.T) {
	r := newReception(t.Context())
	started := 0
	enter := func(number string, limit int, want string) {
		t.Helper()
		if rule, _ := r.enter(number, limit, func() { started++ }); rule != want {
			t.Errorf("a call to %s with a limit of %d: %q, want %q", number, limit, rule, want)
		}
	}
	enter("a", 1, "")
	enter("a", 1, "max_calls")
	enter("b", 1, "")
	enter("a", 0, "")
	r.leave("a")
	r.leave("a")
	enter("a", 1, "")
	r.close()
	enter("c", 0, "draining")
	if started != 4 || len(r.busy) != 2 {
		t.Errorf("%d calls started; %v", started, r.busy)
	}
}

// TestMisdialedCallsAreToldOfInTurn holds that many calls to numbers that are nobody's do
// not fill the log.
func TestMisdialedCallsAreToldOfInTurn(t *testing.T) {
	r := newReception(t.Context())
	now, told := time.Now(), 0
	for i := range 500 {
		if r.tells(now.Add(time.Duration(i) * tellEach / 100)) {
			told++
		}
	}
	if told != 5 {
		t.Errorf("the log is told of %d calls in 5 s", told)
	}
}

// TestElsewhere holds that a number of ours that came over a trunk which its campaign
// does not name is not called nobody's.
func TestElsewhere(t *testing.T) {
	own := config.Campaign{Name: "sales", Trunks: []string{"a"}, Inbound: config.Inbound{Enabled: true, Numbers: []string{"+442079460000"}}}
	off := own
	off.Name, off.Inbound.Enabled = "off", false
	for called, want := range map[string]string{"02079460000": "sales", "+442079460001": "", "": ""} {
		if got := elsewhere([]config.Campaign{off, own}, []string{called}); got != want {
			t.Errorf("%q is of %q, want %q", called, got, want)
		}
	}
}
