package main

import (
	"strings"
	"testing"
)

func TestDemo(t *testing.T) {
	code, out, errs := ringpace(nil, "demo", "--leads", "5", "--agents", "2", "--talk", "300ms", "--json", "--dir", t.TempDir())
	if code != exitOK || !strings.Contains(out, `"bridged"`) {
		t.Errorf("code %d: %s%s", code, out, errs)
	}
	if code, _, errs := ringpace(nil, "demo", "--leads", "-1"); code != exitUsage {
		t.Errorf("code %d: %s", code, errs)
	}
}

func TestDemoShowsACall(t *testing.T) {
	code, out, errs := ringpace(nil, "demo", "--leads", "6", "--agents", "2", "--talk", "200ms", "--trace", "--dir", t.TempDir())
	_, ladder, _ := strings.Cut(out, "\nCall ")
	for _, want := range []string{"agent ", "INVITE", "401 Unauthorized", "with credentials; PCMA PCMU at", "200 OK", "customer and agent hear each other", "BYE"} {
		if code != exitOK || !strings.Contains(ladder, want) {
			t.Errorf("code %d, no %q in %s%s", code, want, out, errs)
		}
	}
}
