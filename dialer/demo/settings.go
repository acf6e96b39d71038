package demo

import (
	"bytes"
	"fmt"
	"net/netip"
	"path/filepath"
	"text/template"

	"ringpace/dialer/config"
)

const (
	account  = "northbank"       // at the lab carrier
	campaign = "activation"      // the one campaign
	realm    = "carrier.example" // the lab carrier's domain
)

// settings is the daemon's configuration for a demo: a file as operations would
// write it, but for the compressed times and the free ports.
var settings = template.Must(template.New("ringpace.yaml").Parse(`# Written by ringpace demo. Times are compressed: a real floor lets it ring for
# 30 s and gives its agents 30 s of wrap-up.
node:
  id: demo
  data_dir: .

http:
  listen: 127.0.0.1:0

sip:
  listen: ["udp://127.0.0.1:0"]

media:
  ports: 10000-19999
  cooldown: 1s

recording:
  min_free: 64MiB

trunks:
  - name: carrier
    server: "{{.Carrier}}"
    domain: {{.Realm}}
    register: true
    username: {{.Account}}
    password: {{.Password}}
    caller_ids: ["{{.Official}}"]
    display_name: North Bank
    identity: {assert: true}
    channels: {{.Channels}}
    calls_per_second: {{.CallsPerSecond}}

peers:
  - name: pbx
    server: "{{.PBX}}"

agent_defaults:
  wrap_up: 10s

agents:
{{- range .Agents}}
  - {id: {{.ID}}, name: {{.Name}}, extension: "{{.Extension}}"}
{{- end}}

campaigns:
  - name: {{.Campaign}}
    mode: {{.Mode}}
    ratio: {{.Ratio}}
    region: US
    hours: always
    ring_timeout: {{.RingTimeout}}
    max_attempts: 1
    max_attempts_per_day: 1
    compliance: {least_ring: 0s}
`))

// agentSetting is one agent of the demo.
type agentSetting struct{ ID, Name, Extension string }

// staff is n agents with names.
func staff(n int) []agentSetting {
	names := [...]string{
		"Amara", "Boris", "Chiara", "David", "Esra", "Farid", "Greta", "Hana", "Ivan", "Joana",
		"Karim", "Lucia", "Mateo", "Nadia", "Oskar", "Priya", "Quinn", "Rosa", "Sami", "Tomas",
	}
	agents := make([]agentSetting, n)
	for i := range agents {
		name := names[i%len(names)]
		if round := i / len(names); round > 0 {
			name = fmt.Sprintf("%s_%d", name, round+1)
		}
		extension := fmt.Sprint(1001 + i)
		agents[i] = agentSetting{ID: "a" + extension, Name: name, Extension: extension}
	}
	return agents
}

// configure makes the daemon's configuration, as text for the reader and loaded.
func configure(o Options, password string, carrier, pbx netip.AddrPort, agents []agentSetting) (text []byte, c *config.Config, err error) {
	var b bytes.Buffer
	err = settings.Execute(&b, map[string]any{
		"Carrier": carrier, "Realm": realm, "Account": account, "Password": password, "Official": official,
		"PBX": pbx, "Agents": agents, "Campaign": campaign, "Mode": o.Mode, "Ratio": o.Ratio,
		"RingTimeout": ringTimeout,
		// Neither limit is to bind: what is shown is the pacing.
		"Channels": 4*o.Agents + 20, "CallsPerSecond": min(10*o.Agents, 1000),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("demo: settings: %w", err)
	}
	c, _, err = config.Parse(filepath.Join(o.Dir, settingsName), b.Bytes())
	if err != nil {
		return nil, nil, fmt.Errorf("demo: settings: %w", err)
	}
	return b.Bytes(), c, nil
}
