package dialer_test

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"text/template"
	"time"

	"ringpace/dialer/config"
	"ringpace/dialer/lab"
	"ringpace/media"
)

// plan is what a test's floor is like. Zero values are a progressive campaign with
// callees who answer at once and wait for the agent to hang up.
type plan struct {
	Node        string // default: test
	Agents      int
	FirstAgent  int    // extension of the first; default 1001
	AgentSet    string // further settings of every agent; default "wrap_up: 20s"
	Campaign    string // further settings of the campaign, a line each
	Global      string // further sections
	Trace       string // further settings of the trace
	Behave      func(number string) lab.Behaviour
	Ring        time.Duration
	Talk        time.Duration // callees hang up after it; 0: they wait for the agent
	RingFor     time.Duration // agents' phones
	RingTimeout time.Duration // of the campaign; default 3 s
	LeastRing   time.Duration // that the law asks for
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

var settings = template.Must(template.New("").Parse(`
node: {id: {{.Node}}, data_dir: .}
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
    compliance: {least_ring: {{.LeastRing}}}
    {{.Campaign}}
`))

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
		list = append(list, fmt.Sprint(cmp.Or(p.FirstAgent, 1001)+p.Agents+i))
	}
	return list
}

func (p *plan) extensions() []string {
	var list []string
	for i := range p.Agents {
		list = append(list, fmt.Sprint(cmp.Or(p.FirstAgent, 1001)+i))
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
		"Node": cmp.Or(p.Node, "test"), "Trunk": p.Trunk, "Trunks": p.Trunks, "At": cmp.Or(p.At, "127.0.0.1"), "Listen": p.Listen, "Peer": p.Peer, "Official": p.From, "Agents": p.extensions(), "Redis": p.Redis, "FullDisk": p.FullDisk, "RingTimeout": p.RingTimeout, "LeastRing": p.LeastRing,
		"Strangers": p.Strangers, "SIP": p.SIP, "SIPPort": p.SIPPort, "Media": p.Media, "Recording": p.Recording, "Hours": p.Hours, "Channels": p.Channels, "Rate": p.Rate, "Start": !p.NoCalls, "AutoLogin": !p.NoLogin, "AgentSet": p.AgentSet, "Campaign": p.Campaign, "Global": p.Global, "Trace": p.Trace,
	}); err != nil {
		h.t.Fatal(err)
	}
	h.path = filepath.Join(h.dir, "ringpace.yaml")
	if err := os.WriteFile(h.path, text.Bytes(), 0o600); err != nil {
		h.t.Fatal(err)
	}
}
