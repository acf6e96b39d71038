package sip

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseReasons(t *testing.T) {
	for in, want := range map[string][]reason{
		"":               nil,
		"Q.850":          {{protocol: "Q.850"}},
		"Q.850;cause=16": {{"Q.850", 16, ""}},
		` Q.850 ; cause = 17 ; text = "User \"busy\", really; yes" `: {{"Q.850", 17, `User "busy", really; yes`}},
		`SIP;cause=200;text="elsewhere",Q.850;cause=16`:              {{"SIP", 200, "elsewhere"}, {"Q.850", 16, ""}},
		"Q.850;cause=abc;foo=bar":                                    {{protocol: "Q.850"}},
		"Q.850;cause=-4":                                             {{protocol: "Q.850"}},
		`,,;cause=1`:                                                 nil,
		`Q.850;text="no end`:                                         {{"Q.850", 0, `"no end`}},
		"preemption;CAUSE=1;Text=plain":                              {{"preemption", 1, "plain"}},
		"Q.850;cause=99999999999999999999":                           {{protocol: "Q.850"}},
	} {
		if diff := cmp.Diff(want, parseReasons(in), cmp.AllowUnexported(reason{})); diff != "" {
			t.Errorf("%q: %s", in, diff)
		}
	}
}

func TestParseRetryAfter(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, " 5 ": 5 * time.Second, "18000;duration=3600": 5 * time.Hour,
		"120 (I'm in a meeting)": 2 * time.Minute, "-1": 0, "soon": 0, "99999999": 24 * time.Hour, "99999999999999": 0,
	} {
		if got := parseRetryAfter(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestCauseReason(t *testing.T) {
	for c, want := range map[Cause]string{
		0: `Q.850;cause=16;text="Normal call clearing"`, CauseNoAnswer: `Q.850;cause=19;text="No answer from user"`,
		99: `Q.850;cause=99;text="Cause 99"`, 500: `Q.850;cause=16;text="Cause 500"`,
	} {
		if c == 500 {
			if got := c.reason(); !strings.HasPrefix(got, "Q.850;cause=16;") {
				t.Errorf("%d: %s", c, got)
			}
			continue
		}
		if got := c.reason(); got != want {
			t.Errorf("%d: %s", c, got)
		}
	}
}

func FuzzParseReasons(f *testing.F) {
	f.Add(`Q.850;cause=16;text="a\"b", SIP;cause=200`)
	f.Add(`"\`)
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range parseReasons(s) {
			if r.protocol == "" || r.cause < 0 || r.cause > 999 || len(r.text) > 256 {
				t.Errorf("%q: %+v", s, r)
			}
		}
		if d := parseRetryAfter(s); d < 0 || d > 24*time.Hour {
			t.Errorf("%q: %s", s, d)
		}
		if n := q850(parseReasons(s)); n < 0 || n > 127 {
			t.Errorf("%q: %d", s, n)
		}
		if strings.Join(splitQuoted(s, ';'), ";") != s {
			t.Errorf("%q is not split whole", s)
		}
	})
}

func TestParseDTMF(t *testing.T) {
	for in, want := range map[string]rune{
		"Signal=5\r\nDuration=160\r\n": '5', "Signal= *\r\n": '*', "signal = d": 'D', "5": '5', "#\r\n": '#',
		"Signal=10": '*', "Signal=11": '#', "Duration=1\r\nSignal=0": '0', "": 0, "Signal=": 0, "Signal=12": 0, "x": 0,
	} {
		if got, ok := parseDTMF(in); got != want || ok != (want != 0) {
			t.Errorf("%q: %q %v", in, got, ok)
		}
	}
}

func FuzzParseDTMF(f *testing.F) {
	f.Add("Signal=5\r\nDuration=160\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		if d, ok := parseDTMF(s); ok != strings.ContainsRune("0123456789ABCD*#", d) {
			t.Errorf("%q: %q %v", s, d, ok)
		}
	})
}
