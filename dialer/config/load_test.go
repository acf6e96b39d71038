package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringpace/configs"
)

const base = `sip: {listen: ["udp://192.0.2.10:5060"]}
trunks:
  - {name: carrier, server: sip.example.com, caller_ids: ["+442079460000", "+442079460001"]}
peers:
  - {name: pbx, server: 192.0.2.20}
agents:
  - {id: anna, extension: 1001}
campaigns:
  - {name: welcome}
`

// parse is Parse of a text that need not be valid.
func parse(text string) (c *Config, warnings, faults []string) {
	c, w, err := Parse("test.yaml", []byte(text))
	for _, p := range w {
		warnings = append(warnings, p.String())
	}
	if err != nil {
		faults = strings.Split(err.Error(), "\n")
	}
	return c, warnings, faults
}

func load(t *testing.T, text string) *Config {
	t.Helper()
	c, _, faults := parse(text)
	if faults != nil {
		t.Fatal(strings.Join(faults, "\n"))
	}
	return c
}

// TestOtherAddress: audio of the family that the first listener is not of goes to the first
// listener that is, or where the file says.
func TestOtherAddress(t *testing.T) {
	both := strings.Replace(base, `5060"]`, `5060", "udp://[2001:db8::1]:5060", "tcp://[2001:db8::2]:5060"]`, 1)
	for text, want := range map[string]string{
		base: "invalid IP", both: "2001:db8::1", both + "media: {address: \"2001:db8::3\"}\n": "192.0.2.10",
		both + "media: {other_address: \"2001:db8::3\"}\n": "2001:db8::3",
	} {
		if got := load(t, text).Media.OtherAddress.String(); got != want {
			t.Errorf("the other address is %s, want %s, in\n%s", got, want, text)
		}
	}
}

func TestMinimalExampleIsCompleteAndShort(t *testing.T) {
	c, _, err := Load("../../configs/minimal.yaml")
	if err != nil {
		t.Fatal(err)
	}
	k, a := c.Campaigns[0], c.Agents[0]
	if k.CallerID != "+442079460000" || k.Region != "GB" || len(k.Trunks) != 1 || a.Peer != "pbx" || a.Campaigns[0] != k.Name ||
		c.Media.Address != c.SIP.Listen[0].Addr.Addr() || c.Recording.Dir != "/var/lib/ringpace/recordings" {
		t.Errorf("not filled in: %+v %+v", k, a)
	}
	lines := 0
	for line := range strings.Lines(configs.Minimal()) {
		if s := strings.TrimSpace(line); s != "" && !strings.HasPrefix(s, "#") {
			lines++
		}
	}
	if lines > 30 {
		t.Errorf("%d lines are no thirty", lines)
	}
}

func TestSoftphonesExampleIsComplete(t *testing.T) {
	c, _, err := Load("../../configs/softphones.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if a := c.Agents[0]; !a.Registers() || a.Password.Reveal() != "change-me" || !c.SIP.Registrar.Enabled || len(c.SIP.Listen) != 3 || c.SIP.Listen[2].Transport != WS {
		t.Errorf("%+v %+v", a, c.SIP)
	}
}

func TestLoadTellsWhatItCannotRead(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "none.yaml"), dir, os.DevNull} {
		if _, _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestRelativePathsBeginAtTheFile(t *testing.T) {
	const reader = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
	dir := t.TempDir()
	text := base + "node: {data_dir: data}\nrecording: {dir: calls, encrypt_to: [readers.txt, " + reader + "]}\n"
	if err := os.WriteFile(filepath.Join(dir, "r.yaml"), []byte(strings.Replace(text, "name: welcome", "name: welcome, message: hi.wav", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"hi.wav": "", "readers.txt": "# reviewers\n" + reader + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, _, err := Load(filepath.Join(dir, "r.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		c.Node.DataDir: "data", c.Recording.Dir: "calls", c.CDR.Dir: "data/cdr", c.Campaigns[0].Message: "hi.wav",
		c.Recording.EncryptTo[0]: "readers.txt",
	} {
		if got != filepath.Join(dir, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestAgentDefaultsHoldWhereverTheyStand(t *testing.T) {
	c := load(t, base+"agent_defaults: {mode: ring, wrap_up: 5s}\n")
	if a := c.Agents[0]; a.Mode != Ring || a.WrapUp != 5*time.Second || a.Name != "anna" || a.Extension != "1001" {
		t.Errorf("%+v", a)
	}
}

func TestSecretsFromElsewhere(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pw"), []byte("from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("RINGPACE_TEST_TOKEN", "from the environment")
	text := base + "redis: {password: {file: pw}}\nhttp: {tokens: [{name: a, role: admin, token: {env: RINGPACE_TEST_TOKEN}}]}\n"
	c, _, err := Parse(filepath.Join(dir, "r.yaml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if p, k := c.Redis.Password.Reveal(), c.HTTP.Tokens[0].Token.Reveal(); p != "from file" || k != "from the environment" {
		t.Errorf("%q, %q", p, k)
	}
}

func TestAnchorsAndMerges(t *testing.T) {
	c := load(t, strings.Replace(base, "  - {name: welcome}\n", `  - &base
    name: welcome
    mode: power
    ratio: 2
    retry: {busy: {max: 9}}
  - <<: *base
    name: second
    ratio: 1.2
`, 1))
	a, b := c.Campaigns[0], c.Campaigns[1]
	if a.Ratio != 2 || b.Ratio != 1.2 || b.Mode != "power" || b.Retry["busy"].Max != 9 || b.Retry["busy"].Delay != 10*time.Minute {
		t.Errorf("%+v\n%+v", a, b)
	}
}

func TestSentinelPutsTheDefaultAside(t *testing.T) {
	c := load(t, base+"redis: {sentinel: {master: mymaster, addrs: [\"192.0.2.31:26379\"]}}\n")
	if c.Redis.URL != "" {
		t.Errorf("%q", c.Redis.URL)
	}
}

func TestCompleteChecksWhatWasMadeInCode(t *testing.T) {
	c := Default()
	c.Trunks = []Trunk{DefaultTrunk()}
	c.Trunks[0].Name, c.Trunks[0].Server = "carrier", "192.0.2.30:5080"
	_, err := c.Complete()
	if err == nil || !strings.Contains(err.Error(), "sip.listen: there is none") || strings.HasPrefix(err.Error(), ":") {
		t.Errorf("%v", err)
	}
}

// Whatever stands in the file: an error or a configuration, never a panic, and
// what was read is valid when it is checked again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(base))
	f.Add([]byte(configs.Commented()))
	f.Add([]byte(configs.Minimal()))
	f.Add([]byte("a: &a [*a]\ntrunks: &b\n  - <<: [*b, {<<: *a}]\n"))
	f.Add([]byte("campaigns: [{hours: [mon 1:00-2:00], retry: {busy: {delay: 1d, max: -1}}, dispositions: [a, {name: b}]}]"))
	f.Add([]byte("http: {tokens: [{token: {file: x}}]}\n---\n? [a]\n: b\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, _, err := Parse("fuzz.yaml", data)
		if err != nil {
			return
		}
		if _, err := c.Complete(); err != nil {
			t.Errorf("valid, and then: %v", err)
		}
		if changes := Diff(c, c); len(changes) > 0 {
			t.Errorf("differs from itself: %v", changes)
		}
	})
}
