package dialer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"text/template"
	"time"

	"go.uber.org/goleak"

	"ringpace/dialer"
	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/dialer/lab"
	"ringpace/dialer/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	official = "+12025550100"
	patience = 30 * time.Second // for anything that must come; on a slow machine it comes late
)

// plan is what a test's floor is like. Zero values are a progressive campaign with
// callees who answer at once and wait for the agent to hang up.
type plan struct {
	Agents   int
	AgentSet string // further settings of every agent; default "wrap_up: 20s"
	Campaign string // further settings of the campaign, a line each
	Global   string // further sections
	Behave   func(number string) lab.Behaviour
	Ring     time.Duration
	Talk     time.Duration // callees hang up after it; 0: they wait for the agent
	RingFor  time.Duration // agents' phones
	NoCalls  bool          // the campaign does not start by itself
	NoLogin  bool          // nor do the agents log in

	Store    func(dir string) *store.Store // default: embedded
	Password string                        // that the daemon sends; default: the right one
}

// house is a floor under test: a carrier, a PBX, a daemon between them.
type house struct {
	t       *testing.T
	carrier *lab.Carrier
	pbx     *lab.PBX
	daemon  *dialer.Daemon
	cfg     *config.Config
	dir     string
	log     *logBuffer
	quit    func() // ends the daemon and waits for it
}

var settings = template.Must(template.New("").Parse(`
node: {id: test, data_dir: .}
http: {listen: "127.0.0.1:0"}
sip: {listen: ["udp://127.0.0.1:0"]}
media: {cooldown: 1s}
recording: {min_free: 16MiB, flush: 100ms}
{{.Global}}
agent_defaults: {auto_login: {{.AutoLogin}}}
trunks:
  - name: carrier
    server: "{{.Carrier}}"
    domain: carrier.example
    register: true
    username: bank
    password: {{.Password}}
    caller_ids: ["{{.Official}}"]
    identity: {assert: true}
    channels: 100
    calls_per_second: 200
peers:
  - {name: pbx, server: "{{.PBX}}"}
agents:
{{- range .Agents}}
  - {id: a{{.}}, extension: "{{.}}", {{$.AgentSet}}}
{{- end}}
campaigns:
  - name: test
    start: {{.Start}}
    region: US
    hours: always
    goodbye: 200ms
    ring_timeout: 3s
    compliance: {least_ring: 0s}
    {{.Campaign}}
`))

// build makes a house and waits until its trunk is registered and its agents are
// ready.
func build(t *testing.T, p plan) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir(), log: &logBuffer{}}
	logger := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if p.Behave == nil {
		p.Behave = func(string) lab.Behaviour { return lab.Person }
	}
	if p.AgentSet == "" {
		p.AgentSet = "wrap_up: 20s"
	}
	if p.Ring == 0 {
		p.Ring = 50 * time.Millisecond
	}
	var ends float64
	if p.Talk > 0 {
		ends = 1
	}
	var err error
	h.carrier, err = lab.NewCarrier(lab.CarrierConfig{
		Username: "bank", Password: "vault", ChallengeInvites: true, CallerIDs: []string{official},
		Behave: p.Behave, Ring: lab.Spread{Median: p.Ring}, SlowRing: lab.Spread{Median: time.Second},
		Talk: lab.Spread{Median: p.Talk}, CustomerEnds: ends,
		Patience: patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	var extensions []string
	for i := range p.Agents {
		extensions = append(extensions, fmt.Sprint(1001+i))
	}
	h.pbx, err = lab.NewPBX(lab.PBXConfig{Extensions: extensions, RingFor: p.RingFor})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := h.pbx.Close(ctx); err != nil {
			t.Error("PBX:", err)
		}
		if err := h.carrier.Close(ctx); err != nil {
			t.Error("carrier:", err)
		}
	})
	if p.Password == "" {
		p.Password = "vault"
	}
	var text bytes.Buffer
	if err := settings.Execute(&text, map[string]any{
		"Carrier": h.carrier.Addr(), "PBX": h.pbx.Addr(), "Official": official, "Agents": extensions, "Start": !p.NoCalls, "AutoLogin": !p.NoLogin,
		"AgentSet": p.AgentSet, "Campaign": p.Campaign, "Global": p.Global, "Password": p.Password,
	}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(h.dir, "ringpace.yaml")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if h.cfg, _, err = config.Load(path); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var s *store.Store
	if p.Store != nil {
		s = p.Store(h.dir)
	} else if s, err = store.OpenEmbedded(ctx, store.Config{Node: "test", JournalDir: filepath.Join(h.dir, "journal"), Logger: logger}); err != nil {
		t.Fatal(err)
	}
	if h.daemon, err = dialer.New(ctx, h.cfg, dialer.Options{Logger: logger, Version: "test", Store: s, Path: path}); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- h.daemon.Run(ctx) }()
	h.quit = func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Error("daemon:", err)
			}
		case <-time.After(patience):
			t.Fatal("the daemon does not end")
		}
		h.quit = func() {}
	}
	t.Cleanup(func() {
		if h.quit != nil {
			h.daemon.HangUp()
			h.quit()
		}
		if t.Failed() {
			t.Log(h.log.String())
		}
	})
	return h
}

// await waits until something is so.
func (h *house) await(what string, so func() bool) {
	h.t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		if time.Now().After(deadline) {
			h.t.Fatalf("in vain: %s", what)
		}
		<-tick.C
	}
}

// state is an agent's state.
func (h *house) state(id string) api.AgentState { return h.agent(id).State }

func (h *house) agent(id string) api.AgentStatus {
	h.t.Helper()
	s, err := h.daemon.Agent(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func (h *house) awaitAgent(id string, want api.AgentState) {
	h.t.Helper()
	h.await(fmt.Sprintf("agent %s %s", id, want), func() bool { return h.state(id) == want })
}

// load imports leads with these numbers: n means +1 202 555 01nn.
func (h *house) load(from, to int) {
	h.t.Helper()
	list := "phone,name\n"
	for i := from; i < to; i++ {
		list += fmt.Sprintf("%s,Person %d\n", number(i), i)
	}
	res, err := h.daemon.ImportLeads(h.t.Context(), "test", strings.NewReader(list), api.ImportOptions{List: "l"}, ignore)
	if err != nil || res.Added != to-from {
		h.t.Fatalf("imported %+v, error %v", res, err)
	}
}

var ignore = api.ImportWatch{Header: func([]string) {}, Progress: func(api.ImportProgress) {}, Reject: func(api.RejectedRow) {}}

func number(i int) string { return fmt.Sprintf("+1202555%04d", 100+i) }

// records are the campaign's call detail records so far.
func (h *house) records() []cdr.Record {
	h.t.Helper()
	page, err := h.daemon.CDRs(h.t.Context(), "test", "", 10_000)
	if err != nil {
		h.t.Fatal(err)
	}
	return page.Records
}

// awaitRecords waits for n records.
func (h *house) awaitRecords(n int) []cdr.Record {
	h.t.Helper()
	h.await(fmt.Sprintf("%d records", n), func() bool { return len(h.records()) >= n })
	recs := h.records()
	if len(recs) != n {
		h.t.Fatalf("%d records, want %d", len(recs), n)
	}
	return recs
}

// file reads the records of the JSONL file.
func (h *house) file() []cdr.Record {
	h.t.Helper()
	var recs []cdr.Record
	paths, err := filepath.Glob(filepath.Join(h.cfg.CDR.Dir, "*.jsonl"))
	if err != nil {
		h.t.Fatal(err)
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			h.t.Fatal(err)
		}
		for dec := json.NewDecoder(f); ; {
			var rec cdr.Record
			if err := dec.Decode(&rec); err == io.EOF {
				break
			} else if err != nil {
				h.t.Fatal(err)
			}
			recs = append(recs, rec)
		}
		_ = f.Close()
	}
	return recs
}

// logBuffer keeps what the daemon logs, for the report of a test that failed.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
