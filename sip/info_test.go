package sip

import (
	"strings"
	"testing"
)

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
