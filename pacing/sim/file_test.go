package sim

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringpace/configs/document"
)

func TestPresetsAreSound(t *testing.T) {
	for _, s := range Presets() {
		if err := s.Validate(); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		if s.About == "" {
			t.Errorf("%s does not say what it is", s.Name)
		}
	}
}

func TestPresetsSurviveTheirFiles(t *testing.T) {
	for _, want := range Presets() {
		data, err := want.YAML()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "x.yaml")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Load(path)
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-preset +file):\n%s\n%s", want.Name, d, data)
		}
		// And so the days are the same.
		want.Hours, got.Hours = 0.3, 0.3
		for i := range want.Crews {
			want.Crews[i], got.Crews[i] = Crew{Agents: want.Crews[i].Agents}, Crew{Agents: got.Crews[i].Agents}
		}
		progressive, err := FindAlgorithm("progressive")
		if err != nil {
			t.Fatal(err)
		}
		a, errA := progressive.Run(&want, 7)
		b, errB := progressive.Run(&got, 7)
		if d := cmp.Diff(a, b); d != "" || errA != nil || errB != nil {
			t.Errorf("%s: %v %v\n%s", want.Name, errA, errB, d)
		}
	}
}

// A file tells what is particular to it, and the rest is as usual.
func TestShortFile(t *testing.T) {
	got, err := Parse("dir/night shift.yaml", []byte(`
crews: &c
  - agents: 7
    from: 30m
people:
  - {share: 12.5%, until: 4h}
  - share: 0.3
talk: {constant: 1m30s}
breaks: {every: {uniform: {low: 1h, high: 90m}}, last: {constant: 600s}}
`))
	if err != nil {
		t.Fatal(err)
	}
	want, _ := FindScenario("a20")
	want.Name, want.About = "night shift", ""
	want.Crews = []Crew{{Agents: 7, From: 0.5}}
	want.People = []Phase{{Share: 0.125, Until: 4}, {Share: 0.3}}
	want.Talk = Distribution{Constant: 90}
	want.Breaks = &Breaks{Every: Distribution{Uniform: &Range{3600, 5400}}, Last: Distribution{Constant: 600}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// The example of the README is a scenario, and shows every key there is.
func TestReadmeExample(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(readme), "```yaml\n# floor.yaml")
	example, _, _ = strings.Cut(example, "```")
	s, err := Parse("floor.yaml", []byte("#"+example))
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != "my floor" || s.Agents() != 20 || s.Crews[1].To != 6.5 || s.People[0].Share != 0.2 || s.Talk.Mix[1].Lognormal.Median != 130 {
		t.Errorf("%+v", s)
	}
	for _, f := range document.Fields(reflect.TypeFor[Scenario]()) {
		if key := name(f); key != "about" && !strings.Contains(example, "\n"+key+":") {
			t.Errorf("the example has no %s", key)
		}
	}
}

func TestFaultsPointIntoTheFile(t *testing.T) {
	const sound = "crews: [{agents: 3}]\npeople: [{share: 0.2}]\n"
	for _, c := range []struct{ file, want string }{
		{"", "f.yaml:1:1: crews: a day needs agents"},
		{"crews: [{agents: 3}]", "f.yaml:1:1: people: how many"},
		{"- 1", "f.yaml:1:1: a list where a mapping"},
		{"a: [", "not valid YAML"},
		{sound + "---\n" + sound, "f.yaml:4:6: a second document"},
		{sound + "agnets: 3", "f.yaml:3:1: agnets: unknown key"},
		{sound + "ring: {lognormal: {media: 2s}}", "f.yaml:3:20: ring.lognormal.media: unknown key; did you mean median?"},
		{sound + "ring: 7", "f.yaml:3:7: ring: \"7\" where a mapping"},
		{sound + "ring: {constant: 7}", `f.yaml:3:18: ring.constant: 7 has no unit; write 7s`},
		{sound + "ring: {constant: -7s}", "f.yaml:3:18: ring.constant: \"-7s\" is negative"},
		{sound + "ring: {uniform: {low: 7s, high: 2s}}", "f.yaml:3:8: ring.uniform: high is less than low"},
		{sound + "ring: {lognormal: {median: 7s, sigma: 9}}", "f.yaml:3:39: ring.lognormal.sigma: is a standard"},
		{sound + "talk:\n  mix:\n    - {share: 0.5, constant: 1m}\n    - {share: 0.4, constant: 2m}", "f.yaml:4:3: talk.mix: its shares come to 0.9"},
		{sound + "talk:\n  mix:\n    - share: 1\n      mix: []", "f.yaml:6:7: talk.mix[0].mix: a mix holds no mixes"},
		{sound + "talk: {constant: 1s, mix: [{share: 1, constant: 1m}]}", "f.yaml:3:1: talk: has a mix or other parts"},
		{sound + "talk: {constant: 0s}\nwrap_up: {constant: 0.5s}", "f.yaml:3:1: talk: with the wrap-up"},
		{sound + "machines: 90%", "f.yaml:2:1: people: the shares of people at their most, machines, failures and unreachable come to 1.2"},
		{sound + "unreachable: 10%", "f.yaml:3:14: unreachable: until when"},
		{sound + "unreachable: 60%\nnotice: {constant: 5s}", "f.yaml:2:1: people: the shares of people at their most, machines, failures and unreachable come to 1.2"},
		{sound + "unreachable: 5%\nnotice: {constant: -5s}", "f.yaml:4:20: notice.constant: "},
		{sound + "silent: 2", "f.yaml:3:9: silent: "},
		{sound + "lists:\n  - {name: a, share: 0.5, odds: 1}\n  - {name: a, share: 0.4, odds: 1}", "f.yaml:5:12: lists[1].name: each list has a name of its own"},
		{sound + "lists:\n  - {name: a, share: 0.5, odds: 1}\n  - {name: b, share: 0.4, odds: 1}", "f.yaml:3:1: lists: its shares come to 0.9"},
		{sound + "lists: [{name: a, share: 1, odds: -1}]", "f.yaml:3:35: lists[0].odds: is a factor"},
		{sound + "lists: [{name: a, share: 1, odds: 3}]\nhour_odds: [0.5, 2]", "f.yaml:2:1: people: with the best odds of lists, attempts and hours, 1.2 times"},
		{sound + "lists: [{name: a, share: 1, odds: 1, ring: {constant: -1s}}]", "f.yaml:3:55: lists[0].ring.constant"},
		{sound + "attempts: [{share: 0.3, odds: 1}]", "f.yaml:3:1: attempts: its shares come to 0.3"},
		{sound + "attempts: [{share: 1, odds: 6}]", "f.yaml:2:1: people: with the best odds"},
		{sound + "hour_odds: [1, 99]", "f.yaml:3:16: hour_odds[1]: is a factor"},
		{sound + "machines: 1.2", "f.yaml:3:11: machines: is a share from 0 to 1"},
		{sound + "machines: many", `f.yaml:3:11: machines: "many" is not a number`},
		{sound + "machines: [1]", "f.yaml:3:11: machines: a list where a single value"},
		{sound + "machines: 0.1\nmachines: 0.1", "f.yaml:4:1: machines: stands here twice"},
		{sound + "day: 0s", "f.yaml:3:6: day: "},
		{sound + "day: 200h", "f.yaml:3:6: day: "},
		{sound + "ceiling: 0", "f.yaml:3:10: ceiling: "},
		{sound + "sine: {amplitude: 0.1}", "f.yaml:3:1: sine.period: is between"},
		{sound + "speeds: -1", "f.yaml:3:9: speeds: "},
		{sound + "setup: *x", "f.yaml:3:8: setup: no anchor &x"},
		{"crews: 3", "f.yaml:1:8: crews: \"3\" where a list"},
		{"crews: [{agents: 0}]", "f.yaml:1:18: crews[0].agents: a crew has"},
		{"crews: [{agents: 2.5}]", `f.yaml:1:18: crews[0].agents: "2.5" is not a whole number`},
		{"crews: [{agents: 1, from: 8h}]", "f.yaml:1:27: crews[0].from: is not within the day"},
		{"crews: [{agents: 1, from: 2h, to: 1h}]", "f.yaml:1:35: crews[0].to: is after from"},
		{"crews: [{agents: 3000}, {agents: 3000}]", "f.yaml:1:1: crews: there are more"},
		{"people: [{share: 0.1}, {share: 0.2}]", "f.yaml:1:10: people[0].until: is needed"},
		{"people: [{share: 0.1, until: 2h}, {share: 0.2, until: 1h}]", "f.yaml:1:55: people[1].until: is after the one before"},
		{"name: \"a\\u0007b\"\n" + sound, "f.yaml:1:7: name: "},
	} {
		_, err := Parse("f.yaml", []byte(c.file))
		if !errors.Is(err, ErrScenario) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n\tgives  %v\n\tand not %s", c.file, err, c.want)
		}
	}
	_, err := Parse("f.yaml", []byte("agnets: 3\nday: 8\nmachines: x\n"))
	var faults Faults
	if !errors.As(err, &faults) || len(faults) != 3 || faults[2].Line != 3 {
		t.Errorf("not all faults at once, in order: %v", err)
	}
}

func FuzzScenario(f *testing.F) {
	for _, s := range Presets() {
		data, err := s.YAML()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("crews: &a [{agents: 3}]\npeople: [{share: 20%}]\nring: &r {mix: [*r, *r]}\nname: |\n  x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("f.yaml", data)
		if err != nil {
			if !errors.Is(err, ErrScenario) {
				t.Fatal(err)
			}
			return
		}
		written, err := s.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("f.yaml", written)
		if d := cmp.Diff(s, again); d != "" || err != nil {
			t.Fatalf("%v\n%s\n%s", err, d, written)
		}
	})
}
