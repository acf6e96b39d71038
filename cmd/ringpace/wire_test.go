package main

import (
	"strings"
	"testing"
)

func TestBansAndTrace(t *testing.T) {
	d := newDaemon(t)
	for _, c := range []struct {
		args    string
		request string
		shows   string
		code    int
	}{
		{"bans list", "GET /v1/bans", "198.51.100.7  scanner [2J", exitOK},
		{"bans add 198.51.100.7 --for 90s", "POST /v1/bans", "198.51.100.7 is not heard until", exitOK},
		{"bans add 198.51.100.7 --for 0s", "", "", exitUsage},
		{"bans lift 198.51.100.7", "DELETE /v1/bans/198.51.100.7", "198.51.100.7 is heard again", exitOK},
		{"trace 01HX", "GET /v1/calls/01HX/trace", "|<--- INVITE -----|  CSeq 1  PCMA", exitOK},
		{"trace 01HX --messages", "GET /v1/calls/01HX/trace", "          To: [2J", exitOK},
		{"trace 01HX --json", "GET /v1/calls/01HX/trace", `"label": "INVITE"`, exitOK},
		{"trace", "", "", exitUsage},
		{"trace ..", "", "", exitState},
		{"trace a/b", "", "", exitState},
	} {
		d.set(func() { d.requests = nil })
		code, out, errs := ringpace(d, strings.Fields(c.args)...)
		request, _ := d.last()
		if code != c.code || !strings.Contains(out, c.shows) || !strings.HasPrefix(request, c.request) || strings.Contains(out, "\x1b") {
			t.Errorf("%s: code %d, asked %q, shows %q %s", c.args, code, request, out, errs)
		}
	}
}

// An argument that is empty names nothing: the daemon is not asked.
func TestEmptyArgumentIsAFaultOfTheCommandLine(t *testing.T) {
	d := newDaemon(t)
	for _, args := range [][]string{
		{"trace", ""},
		{"bans", "lift", ""},
		{"agent", "status", ""},
		{"agent", "ready", ""},
		{"campaign", "start", ""},
		{"campaign", "status", ""},
		{"explain", ""},
	} {
		code, _, errs := ringpace(d, args...)
		if request, _ := d.last(); code != exitUsage || !strings.Contains(errs, "empty") || request != "" {
			t.Errorf("%q: code %d, asked %q, says %q", args, code, request, errs)
		}
	}
}
