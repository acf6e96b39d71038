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
