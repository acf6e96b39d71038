package config

import (
	"flag"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringpace/configs"
	"ringpace/dialer/gate"
	"ringpace/media"
)

func TestEveryKeyIsExplained(t *testing.T) {
	meaning := comments(configs.Commented())
	known := make(map[string]bool)
	for _, e := range entries() {
		known[e.plain()] = true
		if text, ok := meaning[e.plain()]; !ok || text == "" {
			t.Errorf("%s: no comment in configs/ringpace.yaml (there: %v)", e.key, ok)
		}
	}
	for key := range meaning {
		if !known[key] {
			t.Errorf("%s: in configs/ringpace.yaml, and no key", key)
		}
	}
	if n := strings.Count(Reference(), "\n"); n != len(known)+2 {
		t.Errorf("the reference has %d lines for %d keys", n, len(known))
	}
}

// TestEveryToneCountryIsNamed holds the comment to what is known.
func TestEveryToneCountryIsNamed(t *testing.T) {
	if all := strings.Join(media.ToneCountries(), ", "); !strings.Contains(comments(configs.Commented())["media.tones.country"], ": "+all+". ") {
		t.Errorf("the comment on media.tones.country in configs/ringpace.yaml does not name %s", all)
	}
}

var update = flag.Bool("update", false, "write the configuration reference of README.md anew")

// TestReadmeTellsTheSame holds the README to the reference and to the least
// configuration. With -update it writes the reference there.
func TestReadmeTellsTheSame(t *testing.T) {
	const readme = "../../README.md"
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		table := regexp.MustCompile(`(?m)^\| key \| type \|.*\n(\|.*\n)*`)
		if !table.Match(text) {
			t.Fatalf("%s has no configuration reference", readme)
		}
		text = table.ReplaceAllLiteral(text, []byte(Reference()))
		if err := os.WriteFile(readme, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, part := range []string{Reference(), strings.TrimSpace(string(configs.Minimal()))} {
		if !strings.Contains(string(text), part) {
			t.Errorf("README.md lacks this:\n%s", part)
		}
	}
}

func TestCommentedExampleIsValid(t *testing.T) {
	if _, _, err := Load("../../configs/ringpace.yaml"); err != nil {
		t.Fatal(err)
	}
}

// The keys that are commented out are right too: with all of them the file has
// only the faults of ways that exclude one another.
func TestCommentedKeysAreValid(t *testing.T) {
	for _, name := range []string{"SENTINEL_PASSWORD", "REDIS_PASSWORD", "ADMIN_TOKEN", "ANNA_PASSWORD", "HEP_PASSWORD", "S3_ACCESS_KEY", "S3_SECRET_KEY"} {
		t.Setenv("RINGPACE_"+name, "0123456789abcdef "+name)
	}
	all := regexp.MustCompile(`(?m)^( *)#([a-z-])`).ReplaceAllString(configs.Commented(), "$1$2")
	_, _, faults := parse(all)
	expected := map[string]int{
		"redis: give exactly one of": 1, "http.tokens[0].agent: only a token of role agent": 1, "caller_ids: caller_id is given too": 1,
		"agents[0].password: is for agents of peer: registrar": 1, "_file: cannot be read": 7, // certificates of trunks, peers, listeners and the storage
	}
	for _, f := range faults {
		known := false
		for text := range expected {
			if strings.Contains(f, text) {
				expected[text]--
				known = true
			}
		}
		if !known {
			t.Error(f)
		}
	}
	for text, n := range expected {
		if n != 0 {
			t.Errorf("%d faults too few: %s", n, text)
		}
	}
}

// What stands after a colon is the default, but for the examples.
func TestCommentedValuesAreTheDefaults(t *testing.T) {
	got, _, err := Parse("/etc/ringpace/ringpace.yaml", []byte(configs.Commented()))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Node.ID, want.SIP.Listen, want.Media.Address, want.AgentDefaults.Peer = got.Node.ID, got.SIP.Listen, got.Media.Address, "pbx"
	want.AgentDefaults.Campaigns = []string{}
	want.Recording.Dir, want.CDR.Dir = "/var/lib/ringpace/recordings", "/var/lib/ringpace/cdr"
	want.Trunks, want.Peers, want.Agents, want.Campaigns = got.Trunks, got.Peers, got.Agents, got.Campaigns

	campaign, example := DefaultCampaign(), got.Campaigns[0]
	campaign.Name, campaign.Trunks, campaign.CallerID, campaign.Region = example.Name, example.Trunks, example.CallerID, example.Region
	campaign.TimeZone, campaign.Hours, campaign.Leads = example.TimeZone, example.Hours, example.Leads
	campaign.Inbound.Numbers, campaign.Inbound.Hours = example.Inbound.Numbers, example.Inbound.Hours // the campaign's own
	campaign.Consent, campaign.Language = example.Consent, example.Language                           // those of all
	campaign.Abandonment.settle(campaign.Profile())
	hidden := cmp.Comparer(func(a, b Secret) bool { return a.Reveal() == b.Reveal() })
	addresses := cmp.Exporter(func(t reflect.Type) bool {
		return strings.HasPrefix(t.String(), "netip.") || strings.HasPrefix(t.String(), "unique.")
	})
	if diff := cmp.Diff(want, got, hidden, addresses) + cmp.Diff(campaign, example, hidden); diff != "" {
		t.Error(diff)
	}
	if !got.Campaigns[0].Hours.Within(gate.Daytime()) {
		t.Error("the example's hours are not safe")
	}
}

// TestReadmeRecipes holds that every recipe for a trunk in the README is a valid part of
// a configuration, and not one to be warned of.
func TestReadmeRecipes(t *testing.T) {
	t.Setenv("CARRIER_PASSWORD", "0123456789")
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n### Recipes\n")
	section, _, _ = strings.Cut(section, "\n## ")
	recipes := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(section, -1)
	if len(recipes) < 6 {
		t.Errorf("%d recipes", len(recipes))
	}
	for _, r := range recipes {
		file := r[1] + "sip: {listen: [\"udp://192.0.2.10:5060\"]}\npeers: [{name: pbx, server: 192.0.2.30}]\nagents: [{id: anna, extension: 1001}]\n"
		if !strings.Contains(file, "campaigns:") {
			file += "campaigns: [{name: welcome}]\n"
		}
		_, warnings, faults := parse(file)
		for _, w := range append(faults, warnings...) {
			if !strings.Contains(w, "http.tokens") {
				t.Errorf("%s\n%s", w, r[1])
			}
		}
	}
}

// TestReadmeTellsOfDigests holds what the README says of agents' passwords: which digest
// is the default, why, and how to offer the stronger one.
func TestReadmeTellsOfDigests(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Softphones without a PBX\n")
	section, _, _ = strings.Cut(section, "\n## ")
	said := strings.Join(strings.Fields(section), " ")
	for _, words := range []string{strings.Join(DefaultRegistrar().Algorithms, ", ") + " is the default digest", "baresip 1.0", "SIPp 3.6"} {
		if !strings.Contains(said, words) {
			t.Errorf("not a word of %q", words)
		}
	}
	example := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(section)
	if example == nil {
		t.Fatal("no example")
	}
	cfg, _, faults := parse(example[1] + "  listen: [\"udp://192.0.2.10:5060\"]\ntrunks: [{name: carrier, server: 192.0.2.20, username: u, caller_ids: [\"+12025550100\"]}]\n" +
		"agents: [{id: anna, extension: 1001, password: secret-word}]\ncampaigns: [{name: welcome}]\n")
	if len(faults) > 0 || !slices.Equal(cfg.SIP.Registrar.Algorithms, []string{"SHA-256", "MD5"}) {
		t.Errorf("%q: %q", faults, cfg.SIP.Registrar.Algorithms)
	}
}
