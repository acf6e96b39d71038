package header

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseReasons(t *testing.T) {
	for in, want := range map[string][]Reason{
		"":               nil,
		"Q.850":          {{Protocol: "Q.850"}},
		"Q.850;cause=16": {{"Q.850", 16, ""}},
		` Q.850 ; cause = 17 ; text = "User \"busy\", really; yes" `: {{"Q.850", 17, `User "busy", really; yes`}},
		`SIP;cause=200;text="elsewhere",Q.850;cause=16`:              {{"SIP", 200, "elsewhere"}, {"Q.850", 16, ""}},
		"Q.850;cause=abc;foo=bar":                                    {{Protocol: "Q.850"}},
		"Q.850;cause=-4":                                             {{Protocol: "Q.850"}},
		`,,;cause=1`:                                                 nil,
		`Q.850;text="no end`:                                         {{"Q.850", 0, `"no end`}},
		"preemption;CAUSE=1;Text=plain":                              {{"preemption", 1, "plain"}},
		"Q.850;cause=99999999999999999999":                           {{Protocol: "Q.850"}},
	} {
		if diff := cmp.Diff(want, ParseReasons(in)); diff != "" {
			t.Errorf("%q: %s", in, diff)
		}
	}
}

func TestParseRetryAfter(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, " 5 ": 5 * time.Second, "18000;duration=3600": 5 * time.Hour,
		"120 (I'm in a meeting)": 2 * time.Minute, "-1": 0, "soon": 0, "99999999": 24 * time.Hour, "99999999999999": 0,
	} {
		if got := ParseRetryAfter(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func FuzzParseReasons(f *testing.F) {
	f.Add(`Q.850;cause=16;text="a\"b", SIP;cause=200`)
	f.Add(`"\`)
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range ParseReasons(s) {
			if r.Protocol == "" || r.Cause < 0 || r.Cause > 999 || len(r.Text) > 256 {
				t.Errorf("%q: %+v", s, r)
			}
		}
		if d := ParseRetryAfter(s); d < 0 || d > 24*time.Hour {
			t.Errorf("%q: %s", s, d)
		}
		if n := Q850(ParseReasons(s)); n < 0 || n > 127 {
			t.Errorf("%q: %d", s, n)
		}
		if strings.Join(Split(s, ';'), ";") != s {
			t.Errorf("%q is not split whole", s)
		}
	})
}
