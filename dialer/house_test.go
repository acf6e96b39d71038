package dialer_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/template"
	"time"

	"ringpace/dialer"
	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/dialer/lab"
	"ringpace/dialer/store"
	"ringpace/media"
)

const (
	official = "+12025550100"
	patience = 30 * time.Second // for anything that must come; on a slow machine it comes late
)

// plan is what a test's floor is like. Zero values are a progressive campaign with
// callees who answer at once and wait for the agent to hang up.
type plan struct {
	Agents      int
	AgentSet    string // further settings of every agent; default "wrap_up: 20s"
	Campaign    string // further settings of the campaign, a line each
	Global      string // further sections
	Trace       string // further settings of the trace
	Behave      func(number string) lab.Behaviour
	Ring        time.Duration
	Talk        time.Duration // callees hang up after it; 0: they wait for the agent
	RingFor     time.Duration // agents' phones
	RingTimeout time.Duration // of the campaign; default 3 s
	NoCalls     bool          // the campaign does not start by itself
	NoLogin     bool          // nor do the agents log in
	Tones       bool          // callees say calleeHz, and extension 1001 says phoneHz, 1002 100 Hz more, …
	Phones      int           // extensions beyond those of the agents

	Redis    string // URL of a real one; default: an embedded store
	Password string // that the daemon sends; default: the right one
	Trunk    string // settings of the trunk instead of the lab carrier's
	TrunkSet string // a further setting of the lab carrier's
	OverTCP  bool   // to the lab's carrier
	Trunks   string // further trunks, list entries indented by two
	Listen   string // further SIP listeners: , "tcp://…"
	Peer     string // settings of the peer instead of the lab PBX's
	From     string // caller ID; default: official
	Media    string // further settings of the audio
	Hours    string // of the campaign; default always
	Channels int    // of the trunk; default 400
	Rate     string // calls per second of the trunk; default 200
	Ports    int    // pairs of RTP ports that there are; default plenty
	FullDisk bool   // the disk has less space than is demanded
	Dir      string // data directory; default: a new one

	NoEvents bool // callees take no telephone events

	At               string     // host of the first SIP listener; default 127.0.0.1
	CarrierAt, PBXAt netip.Addr // of the lab; default 127.0.0.1

	Recording string // further settings of recordings
	Strangers string // sip.strangers; default reject
	SIP       string // further settings of signalling
	SIPPort   int    // default: a free one
}

// house is a floor under test: a carrier, a PBX, a daemon between them.
type house struct {
	t       testing.TB
	carrier *lab.Carrier
	pbx     *lab.PBX
	daemon  *dialer.Daemon
	cfg     *config.Config
	dir     string
	path    string // of the configuration
	log     *logBuffer
	killed  bool   // a daemon was killed: its calls cannot be ended in order
	quit    func() // ends the daemon and waits for it
}

var settings = template.Must(template.New("").Parse(`
node: {id: test, data_dir: .}
{{- if .Redis}}
redis: {url: "{{.Redis}}"}
{{- end}}
http: {listen: "127.0.0.1:0"}
sip: {listen: ["udp://{{.At}}:{{.SIPPort}}"{{.Listen}}]{{with .SIP}}, {{.}}{{end}}{{with .Strangers}}, strangers: {{.}}{{end}}}
media: {ports: 10000-19999, cooldown: 1s{{with .Media}}, {{.}}{{end}}}
recording: {min_free: {{if .FullDisk}}1000TiB{{else}}16MiB{{end}}, flush: 100ms{{with .Recording}}, {{.}}{{end}}}
trace: {messages: 2000{{with .Trace}}, {{.}}{{end}}}
{{.Global}}
agent_defaults: {auto_login: {{.AutoLogin}}}
trunks:
  - name: carrier
    {{.Trunk}}
    caller_ids: ["{{.Official}}"]
    identity: {assert: true}
    channels: {{.Channels}}
    calls_per_second: {{.Rate}}
{{.Trunks}}
peers:
  - {name: pbx, {{.Peer}}}
agents:
{{- range .Agents}}
  - {id: a{{.}}, extension: "{{.}}", {{$.AgentSet}}}
{{- end}}
campaigns:
  - name: test
    start: {{.Start}}
    region: US
    hours: {{.Hours}}
    goodbye: 200ms
    ring_timeout: {{.RingTimeout}}
    compliance: {least_ring: 0s}
    {{.Campaign}}
`))

// build makes a house and runs its daemon.
func build(t *testing.T, p plan) *house {
	t.Helper()
	h := &house{t: t, dir: p.Dir, log: &logBuffer{}}
	if h.dir == "" {
		h.dir = t.TempDir()
	}
	h.openLab(p)
	h.configure(p)
	h.start(p)
	return h
}

// openLab opens the carrier and the PBX that the plan does not bring itself.
func (h *house) openLab(p plan) {
	h.t.Helper()
	if p.Behave == nil {
		p.Behave = func(string) lab.Behaviour { return lab.Person }
	}
	if p.Ring == 0 {
		p.Ring = 50 * time.Millisecond
	}
	var ends float64
	if p.Talk > 0 {
		ends = 1
	}
	var err error
	if p.Trunk == "" {
		h.carrier, err = lab.NewCarrier(lab.CarrierConfig{
			Addr:      p.CarrierAt,
			Transport: p.transport(),
			NoEvents:  p.NoEvents,
			Username:  "bank", Password: "vault", ChallengeInvites: true, CallerIDs: []string{official},
			Behave: p.Behave, Ring: lab.Spread{Median: p.Ring}, SlowRing: lab.Spread{Median: time.Second},
			Talk: lab.Spread{Median: p.Talk}, CustomerEnds: ends, Patience: patience, Voice: p.calleeVoice(),
		})
		if err != nil {
			h.t.Fatal(err)
		}
		h.atEnd(h.carrier.Close)
	}
	if p.Peer == "" {
		h.pbx, err = lab.NewPBX(lab.PBXConfig{Addr: p.PBXAt, Extensions: append(p.extensions(), p.phones()...), RingFor: p.RingFor, Voice: p.phoneVoice()})
		if err != nil {
			h.t.Fatal(err)
		}
		h.atEnd(h.pbx.Close)
	}
}

func (h *house) atEnd(end func(context.Context) error) {
	h.t.Cleanup(func() {
		limit := patience
		if h.killed {
			limit = time.Second // nobody is there any more to answer a BYE
		}
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		if err := end(ctx); err != nil && !h.killed {
			h.t.Error(err)
		}
	})
}

// calleeHz and phoneHz are what is said on a floor with Tones.
const calleeHz, phoneHz = 440, 600

func sound(hz int) *media.Prompt {
	return media.PromptTone([]float64{float64(hz)}, -12, time.Second)
}

// someVoice is what callees say where it does not matter what.
var someVoice = sync.OnceValue(func() *media.Prompt { return lab.CalleeVoice(0) })

func (p *plan) calleeVoice() func(string) *media.Prompt {
	voice := someVoice()
	if p.Tones {
		voice = sound(calleeHz)
	}
	return func(string) *media.Prompt { return voice }
}

func (p *plan) phoneVoice() func(string) *media.Prompt {
	if !p.Tones {
		return nil
	}
	return func(extension string) *media.Prompt {
		n, _ := strconv.Atoi(extension)
		return sound(phoneHz + 100*(n%1000-1))
	}
}

func (p *plan) transport() string {
	if p.OverTCP {
		return "tcp"
	}
	return "udp"
}

// phones are extensions that are no agent's.
func (p *plan) phones() []string {
	var list []string
	for i := range p.Phones {
		list = append(list, fmt.Sprint(1001+p.Agents+i))
	}
	return list
}

func (p *plan) extensions() []string {
	var list []string
	for i := range p.Agents {
		list = append(list, fmt.Sprint(1001+i))
	}
	return list
}

// configure writes the daemon's configuration file and loads it.
func (h *house) configure(p plan) {
	h.t.Helper()
	h.rewrite(p)
	var err error
	if h.cfg, _, err = config.Load(h.path); err != nil {
		h.t.Fatal(err)
	}
}

// rewrite writes the configuration file.
func (h *house) rewrite(p plan) {
	h.t.Helper()
	if p.AgentSet == "" {
		p.AgentSet = "wrap_up: 20s"
	}
	if p.Password == "" {
		p.Password = "vault"
	}
	if p.Hours == "" {
		p.Hours = "always"
	}
	if p.Channels == 0 {
		p.Channels = 400
	}
	if p.Rate == "" {
		p.Rate = "200"
	}
	if p.RingTimeout == 0 {
		p.RingTimeout = 3 * time.Second
	}
	if p.From == "" {
		p.From = official
	}
	if p.Trunk == "" {
		p.Trunk = fmt.Sprintf("server: %q\n    domain: carrier.example\n    register: true\n    username: bank\n    password: %q\n    transport: %s\n    %s", h.carrier.Addr().String(), p.Password, p.transport(), p.TrunkSet)
	}
	if p.Peer == "" {
		p.Peer = fmt.Sprintf("server: %q", h.pbx.Addr().String())
	}
	if p.OverTCP {
		p.Listen += `, "tcp://127.0.0.1:0"`
	}
	var text bytes.Buffer
	if err := settings.Execute(&text, map[string]any{
		"Trunk": p.Trunk, "Trunks": p.Trunks, "At": cmp.Or(p.At, "127.0.0.1"), "Listen": p.Listen, "Peer": p.Peer, "Official": p.From, "Agents": p.extensions(), "Redis": p.Redis, "FullDisk": p.FullDisk, "RingTimeout": p.RingTimeout,
		"Strangers": p.Strangers, "SIP": p.SIP, "SIPPort": p.SIPPort, "Media": p.Media, "Recording": p.Recording, "Hours": p.Hours, "Channels": p.Channels, "Rate": p.Rate, "Start": !p.NoCalls, "AutoLogin": !p.NoLogin, "AgentSet": p.AgentSet, "Campaign": p.Campaign, "Global": p.Global, "Trace": p.Trace,
	}); err != nil {
		h.t.Fatal(err)
	}
	h.path = filepath.Join(h.dir, "ringpace.yaml")
	if err := os.WriteFile(h.path, text.Bytes(), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// start runs the daemon. It can be called again once quit has returned.
func (h *house) start(p plan) {
	h.t.Helper()
	logger := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ctx, cancel := context.WithCancel(context.Background())
	if p.Ports > 0 {
		first := freePorts(h.t, 2*p.Ports)
		h.cfg.Media.Ports = config.PortRange{Min: uint16(first), Max: uint16(first + 2*p.Ports - 1)}
	}
	options := dialer.Options{Logger: logger, Version: "test", Path: h.path}
	var err error
	if p.Redis == "" {
		options.Store, err = store.OpenEmbedded(ctx, store.Config{
			Node: "test", JournalDir: filepath.Join(h.dir, "journal"), Logger: logger, Timeout: patience, // it is never away
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
	if h.daemon, err = dialer.New(ctx, h.cfg, options); err != nil {
		h.t.Fatal(err)
	}
	if at, ok := h.daemon.SIPAddr("udp"); ok && h.pbx != nil {
		if err := h.pbx.Connect(at); err != nil {
			h.t.Fatal(err)
		}
	}
	done := make(chan error, 1)
	go func() { done <- h.daemon.Run(ctx) }()
	h.quit = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				h.t.Error("daemon:", err)
			}
		case <-time.After(patience):
			h.t.Fatal("the daemon does not end")
		}
	})
	quit := h.quit
	h.t.Cleanup(func() {
		h.daemon.HangUp()
		quit()
		if h.t.Failed() {
			h.t.Log(h.log.String())
		}
	})
}

// lastPort is the last port that freePorts has given away. They lie between those that
// the system hands out and those of the daemons' audio, and begin elsewhere for each
// process.
var lastPort atomic.Int32

func init() { lastPort.Store(20_000 + int32(os.Getpid()%1000)*10) }

// freePorts finds n ports in a row, the first of them even, that nobody uses and that no
// other test gets.
func freePorts(t testing.TB, n int) int {
	t.Helper()
next:
	for range 1000 {
		width := n + n%2
		first := int(lastPort.Add(int32(width))) - width
		if first+n > 32_000 {
			lastPort.Store(20_000)
			continue
		}
		for port := first; port < first+n; port++ {
			at := fmt.Sprintf("127.0.0.1:%d", port)
			u, err := net.ListenPacket("udp", at)
			if err != nil {
				continue next
			}
			_ = u.Close()
			l, err := net.Listen("tcp", at)
			if err != nil {
				continue next
			}
			_ = l.Close()
		}
		return first
	}
	t.Fatal("no free ports")
	return 0
}

// freePort is a port that a daemon can have again after a restart.
func freePort(t testing.TB) int {
	t.Helper()
	return freePorts(t, 1)
}

// await waits until something is so.
func (h *house) await(what string, so func() bool) {
	h.t.Helper()
	h.awaitFor(patience, what, so)
}

// awaitFor is await for what takes long by itself.
func (h *house) awaitFor(long time.Duration, what string, so func() bool) {
	h.t.Helper()
	deadline := time.Now().Add(long)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		if time.Now().After(deadline) {
			h.t.Fatalf("in vain: %s; %s", what, h.scene())
		}
		<-tick.C
	}
}

// scene tells how things stand, for the report of a test that failed.
func (h *house) scene() string {
	if h.daemon == nil {
		return "no daemon"
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	agents, _ := h.daemon.Agents(ctx)
	calls, _ := h.daemon.Calls(ctx)
	counts, err := h.daemon.LeadCounts(ctx, "test")
	x, _ := h.daemon.Explain(ctx, "test")
	text := fmt.Sprintf("leads %+v (%v); %s", counts.States, err, x.Summary)
	for _, a := range agents {
		text += fmt.Sprintf("\nagent %s %s (%s)", a.ID, a.State, a.Reason)
	}
	for _, c := range calls {
		text += fmt.Sprintf("\ncall %s to %s %s, %.0f s", c.ID, c.Number, c.State, c.AgeS)
	}
	return text
}

// line is the call that is up at an extension.
func (h *house) line(extension string) *lab.Line {
	h.t.Helper()
	line, err := h.pbx.Extension(extension).Line()
	if err != nil {
		h.t.Fatal(err)
	}
	return line
}

// press has a key sequence pressed at an extension's phone.
func (h *house) press(extension, keys string) {
	h.t.Helper()
	if err := h.line(extension).Press(keys); err != nil {
		h.t.Fatal(err)
	}
}

// hears holds that what comes to a phone's ear is as wanted: the level of that tone is
// well above the noise, or is not.
func (h *house) hears(who string, level func(hz int) float64, hz int, want bool) {
	h.t.Helper()
	h.await(fmt.Sprintf("%s hears %d Hz: %v", who, hz, want), func() bool { return level(hz) > -35 == want })
}

// customerHears is hears for the first lead.
func (h *house) customerHears(hz int, want bool) {
	h.t.Helper()
	h.hears("the customer", func(hz int) float64 { return h.carrier.Hears(number(0), hz) }, hz, want)
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
