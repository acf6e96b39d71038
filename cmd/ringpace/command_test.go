package main

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// everyCommand lists the words that lead to each command, nouns included.
func everyCommand(path []string, table []*command) (list [][]string) {
	for _, c := range table {
		p := append(path[:len(path):len(path)], c.name)
		list = append(list, p)
		list = append(list, everyCommand(p, c.sub)...)
	}
	return list
}

func TestHelp(t *testing.T) {
	var b strings.Builder
	for _, words := range append([][]string{nil}, everyCommand(nil, commands())...) {
		code, out, errs := ringpace(nil, append([]string{"help"}, words...)...)
		if code != exitOK || errs != "" {
			t.Errorf("help %v: code %d %s", words, code, errs)
		}
		if len(words) > 0 {
			if _, flagged, _ := ringpace(nil, append(words, "--help")...); flagged != out {
				t.Errorf("%v --help differs from help %v", words, words)
			}
		}
		b.WriteString("$ ringpace " + strings.Join(append([]string{"help"}, words...), " ") + "\n" + out + "\n")
	}
	golden := filepath.Join("testdata", "help.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the help texts have changed; look at them and run: go test ./cmd/ringpace -update\n%s", b.String())
	}
	for n, line := range strings.Split(b.String(), "\n") {
		if len(line) > 120 {
			t.Errorf("line %d of the help texts is %d wide: %s", n+1, len(line), line)
		}
	}
}

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		args string
		sent string // the last request
		told string // in the answer
	}{
		{"status", "GET /v1/agents", "403 Forbidden: check the password"},
		{"health", "GET /healthz", "ok"},
		{"health --ready", "GET /readyz", "ready"},
		{"campaign status", "GET /v1/campaigns", "1 (3.2%)"},
		{"campaign status activation", "GET /v1/campaigns/activation", "30 person, 9 busy"},
		{"campaign start activation", "POST /v1/campaigns/activation/start", "running"},
		{"campaign stop activation", "POST /v1/campaigns/activation/stop", "activation"},
		{"explain activation", "GET /v1/campaigns/activation/explanation", "2 agents are free."},
		{"explain activation --lead 7", "GET /v1/campaigns/activation/leads/7/explanation", "486 Busy Here"},
		{"explain activation --lead 7", "GET /v1/campaigns/activation/leads/7/explanation", "customer -21.5 dBm0, talks 41 % from 0.5 s, 0.2 % clipped; agent not heard; silence 30 %, both 2 %"},
		{"reload", "POST /v1/reload", "at the next start"},
		{"leads status --campaign activation", "GET /v1/campaigns/activation/lead-counts", "1000"},
		{"leads status --campaign activation --lead 7", "GET /v1/campaigns/activation/leads/7", "+4930123456"},
		{"leads export --campaign activation", "GET /v1/campaigns/activation/leads", "7,+4930123456"},
		{"agent status", "GET /v1/agents", "talking, then paused"},
		{"agent status 1001", "GET /v1/agents/1001", "dispositions: sold, callback"},
		{"agent login 1001", "POST /v1/agents/1001/login", "1h00m"},
		{"agent logout 1001", "POST /v1/agents/1001/logout", "Ada"},
		{"agent ready 1001", "POST /v1/agents/1001/ready", "Ada"},
		{"agent pause 1001 --reason lunch", `POST /v1/agents/1001/pause {"reason":"lunch"}`, "Ada"},
		{"agent pause-recording 1001", "POST /v1/agents/1001/recording-pause", "recording paused since "},
		{"agent resume-recording 1001", "DELETE /v1/agents/1001/recording-pause", "Ada"},
		{"agent hangup 1001", "POST /v1/agents/1001/hangup", "Ada"},
		{"agent dispose 1001 --disposition sold", `POST /v1/agents/1001/dispose {"disposition":"sold"}`, "Ada"},
		{
			"agent dispose 1001 --disposition c --note n --callback 2026-07-02T15:30:00+02:00",
			`POST /v1/agents/1001/dispose {"disposition":"c","note":"n","callback":"2026-07-02T15:30:00+02:00"}`, "Ada",
		},
		{"agent preview 1001", "POST /v1/agents/1001/preview", "lead 7 of list july"},
		{"agent dial 1001", "POST /v1/agents/1001/dial", "Ada"},
		{"agent skip 1001", "POST /v1/agents/1001/skip", "Ada"},
		{"dnc add 030 031", `POST /v1/do-not-call/add {"numbers":["030","031"]}`, "2 numbers added"},
		{"dnc remove --campaign a 030", `POST /v1/do-not-call/remove {"campaign":"a","numbers":["030"]}`, "2 numbers removed"},
		{"dnc list", "GET /v1/do-not-call?campaign=", "+4930999"},
	} {
		t.Run(c.args, func(t *testing.T) {
			d := newDaemon(t)
			code, out, errs := ringpace(d, strings.Fields(c.args)...)
			sent, token := d.last()
			if code != exitOK || errs != "" {
				t.Errorf("code %d: %s", code, errs)
			}
			if sent != c.sent {
				t.Errorf("sent %q, want %q", sent, c.sent)
			}
			if token != "Bearer secret" {
				t.Errorf("showed %q", token)
			}
			if !strings.Contains(out, c.told) {
				t.Errorf("no %q in the answer:\n%s", c.told, out)
			}
			if strings.ContainsRune(out, 0x1b) {
				t.Errorf("a control sequence of a lead's reached the terminal: %q", out)
			}
			if strings.HasPrefix(c.args, "leads export") {
				return
			}
			code, out, _ = ringpace(d, append(strings.Fields(c.args), "--json")...)
			var v any
			if err := json.Unmarshal([]byte(out), &v); err != nil || code != exitOK {
				t.Errorf("--json: code %d, %v:\n%s", code, err, out)
			}
		})
	}
}

func TestExitCodes(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("trunkz: []\nredis: {url: 7}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   string
		refuse int
		code   int
		told   string
	}{
		{"", 0, exitUsage, "Commands:"},
		{"nonsense", 0, exitUsage, `no command "nonsense"`},
		{"campaign", 0, exitUsage, "start, stop, status"},
		{"campaign nonsense", 0, exitUsage, "start, stop, status"},
		{"campaign start", 0, exitUsage, "needs CAMPAIGN"},
		{"campaign start a b", 0, exitUsage, `"b" is too much`},
		{"recordings hold --dir .", 0, exitUsage, "needs ID"},
		{"status --nonsense", 0, exitUsage, "unknown flag"},
		{"leads import x.csv --campaign a", 0, exitUsage, "--list"},
		{"leads import x.csv --list a", 0, exitUsage, "--campaign"},
		{"leads export", 0, exitUsage, "--campaign"},
		{"agent dispose 1001", 0, exitUsage, "--disposition"},
		{"agent dispose 1001 --disposition x --callback soon", 0, exitUsage, "no time"},
		{"agent ready", 0, exitUsage, "name the agent"},
		{"completion tcsh", 0, exitUsage, "bash, zsh or fish"},
		{"help nonsense", 0, exitUsage, "nonsense"},
		{"status --server ftp://x", 0, exitUsage, "must be an address"},
		{"status --server 127.0.0.1:1", 0, exitUnreachable, "ringpace serve"},
		{"leads import missing.csv --campaign a --list l", 0, exitFailure, "missing.csv"},
		{"check missing.yaml", 0, exitFailure, "missing.yaml"},
		{"check " + bad, 0, exitFailure, "has "},
		{"check --json " + bad, 0, exitFailure, ""},
		{"status", http.StatusUnauthorized, exitRefused, "--token"},
		{"status", http.StatusForbidden, exitRefused, "That is refused."},
		{"status", http.StatusTooManyRequests, exitRefused, "That is refused."},
		{"campaign start a", http.StatusNotFound, exitState, "That is refused."},
		{"agent ready 1001", http.StatusConflict, exitState, "That is refused."},
		{"reload", http.StatusUnprocessableEntity, exitFailure, "  x.yaml:9:1: second"},
		{"status", http.StatusServiceUnavailable, exitFailure, "That is refused."},
		{"status", http.StatusInternalServerError, exitFailure, "That is refused."},
	} {
		t.Run(c.args+" "+http.StatusText(c.refuse), func(t *testing.T) {
			d := newDaemon(t)
			d.set(func() { d.refuse = c.refuse })
			code, _, errs := ringpace(d, strings.Fields(c.args)...)
			if code != c.code || !strings.Contains(errs, c.told) {
				t.Errorf("code %d, want %d: %s", code, c.code, errs)
			}
		})
	}
}

func TestNotReady(t *testing.T) {
	d := newDaemon(t)
	d.set(func() { d.ready = false })
	if code, out, _ := ringpace(d, "health", "--ready"); code != exitFailure || out != "not ready: no trunk is usable\n" {
		t.Errorf("code %d: %s", code, out)
	}
	if code, out, _ := ringpace(d, "health", "--ready", "--json"); code != exitFailure || !strings.Contains(out, "no trunk") {
		t.Errorf("code %d: %s", code, out)
	}
	code, out, _ := ringpace(d, "status")
	if code != exitOK || !strings.Contains(out, "because no trunk is usable") || !strings.Contains(out, "ALARM trunk_down:carrier for 1m30s") {
		t.Errorf("code %d: %s", code, out)
	}
	if strings.Count(out, "check the password") != 1 { // by the alarm, not by the table as well
		t.Errorf("%s", out)
	}
}

func TestAgentNeedNotNameItself(t *testing.T) {
	d := newDaemon(t)
	d.set(func() { d.me.Agent = "1001" })
	if code, _, errs := ringpace(d, "agent", "pause"); code != exitOK {
		t.Errorf("code %d: %s", code, errs)
	}
	if sent, _ := d.last(); sent != `POST /v1/agents/1001/pause {"reason":"break"}` {
		t.Errorf("sent %q", sent)
	}
	ringpace(d, "agent", "status")
	if sent, _ := d.last(); sent != "GET /v1/agents/1001" {
		t.Errorf("sent %q", sent)
	}
}

func TestFlagsBeforeEnvironment(t *testing.T) {
	d := newDaemon(t)
	if code, _, errs := ringpace(nil, "health", "--server", d.URL, "--token", "other"); code != exitOK {
		t.Errorf("code %d: %s", code, errs)
	}
	if _, token := d.last(); token != "Bearer other" {
		t.Errorf("showed %q", token)
	}
}

func TestImport(t *testing.T) {
	d := newDaemon(t)
	file := filepath.Join(t.TempDir(), "july.csv")
	if err := os.WriteFile(file, []byte("name,phone\nAda,030123456\nBob,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"leads", "import", file, "--campaign", "activation", "--list", "july", "--region", "DE", "--column", "Handy=phone"}
	code, out, errs := ringpace(d, args...)
	if code != exitOK || !strings.Contains(out, "added") || !strings.Contains(out, file+".rejects.csv") {
		t.Errorf("code %d: %s%s", code, out, errs)
	}
	if sent, _ := d.last(); sent != "POST /v1/campaigns/activation/leads?column=Handy%3Dphone&list=july&region=DE name,phone\nAda,030123456\nBob," {
		t.Errorf("sent %q", sent)
	}
	rejects, err := os.ReadFile(file + ".rejects.csv")
	if err != nil || !strings.Contains(string(rejects), "name,phone\n3,no number,Bob,\n") {
		t.Errorf("%v %q", err, rejects)
	}
	_, out, _ = ringpace(d, append(args, "--json")...)
	var report struct {
		Added       int
		RejectsFile string `json:"rejects_file"`
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || report.Added != 1 || report.RejectsFile != file+".rejects.csv" {
		t.Errorf("%v: %s", err, out)
	}
	code, _, _ = ringpace(d, "leads", "import", "-", "--campaign", "activation", "--list", "l", "--rejects", filepath.Join(t.TempDir(), "r.csv"))
	if sent, _ := d.last(); code != exitOK || !strings.HasSuffix(sent, "name,phone") {
		t.Errorf("from standard input: code %d, sent %q", code, sent)
	}
}

func TestExportAppearsWhole(t *testing.T) {
	d := newDaemon(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "out.csv")
	if code, _, errs := ringpace(d, "leads", "export", "--campaign", "activation", "--output", file); code != exitOK {
		t.Errorf("code %d: %s", code, errs)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "id,phone\n7,+4930123456\n" {
		t.Errorf("%v %q", err, got)
	}
	d.set(func() { d.refuse = http.StatusNotFound })
	if code, _, _ := ringpace(d, "leads", "export", "--campaign", "x", "--output", filepath.Join(dir, "no.csv")); code != exitState {
		t.Errorf("code %d", code)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "no.csv*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestTimesToCome(t *testing.T) {
	zone := time.FixedZone("CEST", 2*3600)
	now := time.Date(2026, 7, 1, 10, 0, 0, 0, zone)
	for in, want := range map[string]time.Time{
		"":                          {},
		"2h":                        now.Add(2 * time.Hour),
		"+90m":                      now.Add(90 * time.Minute),
		"15:30":                     time.Date(2026, 7, 1, 15, 30, 0, 0, zone),
		"9:00":                      time.Date(2026, 7, 2, 9, 0, 0, 0, zone), // it is past today
		"2026-07-02 15:30":          time.Date(2026, 7, 2, 15, 30, 0, 0, zone),
		"2026-07-02T15:30":          time.Date(2026, 7, 2, 15, 30, 0, 0, zone),
		"2026-07-02T15:30:00+08:00": time.Date(2026, 7, 2, 7, 30, 0, 0, time.UTC),
	} {
		if got, err := parseTime("--callback", in, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v %v, want %v", in, got, err, want)
		}
	}
	if _, err := parseTime("--callback", "-2h", now); err == nil {
		t.Error("a time in the past was taken")
	}
}

func TestShortDurations(t *testing.T) {
	for in, want := range map[time.Duration]string{
		-time.Second: "0s", 45 * time.Second: "45s", 90 * time.Second: "1m30s", 12 * time.Minute: "12m",
		3*time.Hour + 5*time.Minute: "3h05m", 52 * time.Hour: "2d4h",
	} {
		if got := short(in); got != want {
			t.Errorf("%v: %s, want %s", in, got, want)
		}
	}
}

func TestBashCompletes(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Fatal("this test needs bash: apt-get install -y bash")
	}
	_, script, _ := ringpace(nil, "completion", "bash")
	for line, want := range map[string]string{
		"ringpace lea":                   "leads",
		"ringpace leads i":               "import",
		"ringpace leads import --cam":    "--campaign",
		"ringpace agent pause 1001 --re": "--reason",
		"ringpace campaign ":             "start stop status",
		"ringpace completion z":          "zsh",
	} {
		words := strings.Fields(line)
		if strings.HasSuffix(line, " ") {
			words = append(words, "")
		}
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = shellQuote(w)
		}
		probe := script + "\nCOMP_WORDS=(" + strings.Join(quoted, " ") + "); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _ringpace; echo \"${COMPREPLY[*]}\"\n"
		out, err := exec.Command("bash", "--norc", "-c", probe).CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%q: %q %v, want %q", line, out, err, want)
		}
	}
}

func TestOtherShellsKnowEveryCommand(t *testing.T) {
	for _, shell := range []string{"zsh", "fish"} {
		_, script, _ := ringpace(nil, "completion", shell)
		for _, path := range everyCommand(nil, commands()) {
			if !strings.Contains(script, path[len(path)-1]) {
				t.Errorf("%s does not know %v", shell, path)
			}
		}
	}
}
