package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds what must come; on a busy machine it comes late.
const patience = 30 * time.Second

// noStore is a configuration whose Redis is not there: the daemon runs, tells so,
// and dials nothing.
const noStore = `
node: {id: test, data_dir: %q}
redis: {url: "redis://127.0.0.1:1"}
http: {listen: "127.0.0.1:0"}
sip: {listen: ["udp://127.0.0.1:0"]}
recording: {min_free: 1MiB}
logging: {level: %s, format: %s}
trunks:
  - {name: carrier, server: "127.0.0.1:1", register: false, caller_ids: ["+4930123456"]}
peers:
  - {name: pbx, server: "127.0.0.1:1"}
agents:
  - {id: "1001", name: Ada, extension: "1001"}
campaigns:
  - {name: activation, mode: progressive, region: DE}
`

func writeConfig(t *testing.T, path, dir, level, format string) {
	t.Helper()
	if err := os.WriteFile(path, fmt.Appendf(nil, noStore, dir, level, format), 0o600); err != nil {
		t.Fatal(err)
	}
}

// logLines reads a log line by line, and fails the test if what must come does not.
type logLines struct {
	t     *testing.T
	lines chan string
	seen  strings.Builder
}

func readLog(t *testing.T, r io.Reader) *logLines {
	l := &logLines{t: t, lines: make(chan string, 1000)}
	go func() {
		defer close(l.lines)
		for s := bufio.NewScanner(r); s.Scan(); {
			l.lines <- s.Text()
		}
	}()
	return l
}

func (l *logLines) until(pattern string) []string {
	l.t.Helper()
	re, deadline := regexp.MustCompile(pattern), time.After(patience)
	for {
		select {
		case line, open := <-l.lines:
			if !open {
				l.t.Fatalf("the log ended without %s:\n%s", pattern, l.seen.String())
			}
			l.seen.WriteString(line + "\n")
			if m := re.FindStringSubmatch(line); m != nil {
				return m
			}
		case <-deadline:
			l.t.Fatalf("no %s in the log:\n%s", pattern, l.seen.String())
		}
	}
}

func signalSelf(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), s); err != nil {
		t.Fatal(err)
	}
}

func TestServe(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ringpace.yaml")
	writeConfig(t, path, dir, "info", "text")
	r, w := io.Pipe()
	log := readLog(t, r)
	term := &terminal{in: strings.NewReader(""), out: io.Discard, err: w, getenv: func(string) string { return "" }, version: "v1"}
	code := make(chan int, 1)
	go func() {
		code <- run(context.Background(), term, commands(), []string{"serve", "--config", path})
		w.Close()
	}()
	server := log.until(`ringpace runs.* version=v1 .*api=(\S+)`)[1]

	ask := func(args ...string) (int, string) {
		code, out, errs := ringpace(nil, append(args, "--server", server, "--token", "")...)
		return code, out + errs
	}
	if code, out := ask("health"); code != exitOK {
		t.Errorf("health: code %d: %s", code, out)
	}
	if code, out := ask("health", "--ready"); code != exitFailure || !strings.Contains(out, "edis") {
		t.Errorf("health --ready: code %d: %s", code, out)
	}
	if code, out := ask("status"); code != exitOK || !strings.Contains(out, "activation") || !strings.Contains(out, "Ada") {
		t.Errorf("status: code %d: %s", code, out)
	}
	if code, out := ask("campaign", "status", "nonsense"); code != exitState {
		t.Errorf("unknown campaign: code %d: %s", code, out)
	}

	writeConfig(t, path, dir, "nonsense", "text")
	signalSelf(t, syscall.SIGHUP)
	log.until(`refused and the old one stays`)
	log.until(`ringpace.yaml:\d+:\d+: logging.level`)
	if code, out := ask("reload"); code != exitFailure || !strings.Contains(out, "logging.level") {
		t.Errorf("reload of a bad file: code %d: %s", code, out)
	}
	writeConfig(t, path, dir, "debug", "json")
	signalSelf(t, syscall.SIGHUP)
	log.until(`configuration changed.* key=logging.format .*applied=false`)

	signalSelf(t, syscall.SIGTERM)
	select {
	case c := <-code:
		if c != exitOK {
			t.Errorf("code %d", c)
		}
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
	log.until(`ringpace has ended`)
	if code, out := ask("health"); code != exitUnreachable {
		t.Errorf("after the end: code %d: %s", code, out)
	}
}

func TestServeRefusesABadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bad.yaml")
	writeConfig(t, path, t.TempDir(), "nonsense", "text")
	if code, _, errs := ringpace(nil, "serve", "--config", path); code != exitFailure || !strings.Contains(errs, "logging.level") {
		t.Errorf("code %d: %s", code, errs)
	}
	if code, _, errs := ringpace(nil, "serve"); code != exitUsage || !strings.Contains(errs, "--config") {
		t.Errorf("code %d: %s", code, errs)
	}
}

func TestServeTellsOfATakenPort(t *testing.T) {
	d := newDaemon(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "ringpace.yaml")
	taken := strings.TrimPrefix(d.URL, "http://")
	text := strings.Replace(fmt.Sprintf(noStore, dir, "info", "text"), "127.0.0.1:0", taken, 1)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := ringpace(nil, "serve", "--config", path); code != exitFailure || !strings.Contains(errs, "address already in use") {
		t.Errorf("code %d: %s", code, errs)
	}
}
