package dialer

import (
	"strings"
	"testing"
)

// TestBansAreOfSources holds that a network is not taken for the one address that it is
// written with.
func TestBansAreOfSources(t *testing.T) {
	for written, want := range map[string]string{
		"198.51.100.7": "198.51.100.7", "198.51.100.7/32": "198.51.100.7", "2001:db8::1": "2001:db8::1",
		"2001:db8::/64": "2001:db8::", "198.51.100.0/24": "", "2001:db8::/32": "", "0.0.0.0/0": "", "carrier": "",
	} {
		a, err := source(written)
		switch {
		case want == "" && err == nil:
			t.Errorf("%s is taken for %s", written, a)
		case want == "" && strings.Contains(written, "/") && !strings.Contains(err.Error(), "sip.defence.deny"):
			t.Errorf("%s: %v does not say what to do", written, err)
		case want != "" && (err != nil || a.String() != want):
			t.Errorf("%s: %s, %v", written, a, err)
		}
	}
}
