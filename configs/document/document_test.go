package document

import (
	"errors"
	"strings"
	"testing"
)

// keysOf parses a mapping and lists its keys, merged ones among them.
func keysOf(d *Document, text string) string {
	body, ok := d.Parse([]byte(text))
	if !ok || body == nil {
		return ""
	}
	var words []string
	for _, p := range d.Pairs(body, "") {
		d.Note(p.Key, p.At, p.Value)
		if v := d.Resolve(p.Value, p.Key); v != nil {
			words = append(words, p.Key+"="+Text(v))
		}
	}
	return strings.Join(words, " ")
}

func TestPairs(t *testing.T) {
	for _, c := range []struct{ text, keys, problem string }{
		{"", "", ""},
		{"# nothing but a comment", "", ""},
		{"\uFEFFa: 1\nb: 0100\nc: +4930", "a=1 b=0100 c=+4930", ""},
		{"a: |\n  two\n  lines\n", "a=two\nlines\n", ""},
		{"a: &x 1\nb: *x\nc: !!str 7", "a=1 b=1 c=7", ""},
		{"a: *x", "", "f:1:4: a: no anchor &x in this file"},
		{"b: 2\n<<: {a: 1, b: 3}", "b=2 a=1", ""},
		{"<<: [{a: 1}, {a: 2, b: 3}]", "a=1 b=3", ""},
		{"a: 1\n<<: &y {<<: *y}", "", "f:2:13: more than 1000 merges (<<), or they lead in a circle"},
		{"a: 1\nb: 2\na: 3", "a=1 b=2", "f:3:1: a: stands here twice; keep one"},
		{"- a", "", "f:1:1: a list where a mapping (key: value) is wanted"},
		{"a: 1\n---\nb: 2", "", "f:3:2: a second document (---); there may be one only"},
		{"a: [", "", "not valid YAML: "},
	} {
		d := New("f")
		keys := keysOf(d, c.text)
		if c.problem == "" && len(d.Problems) > 0 || !strings.Contains(d.Problems.Error(), c.problem) {
			t.Errorf("%q: problems %v, want %q", c.text, d.Problems, c.problem)
		}
		if c.keys != "" && keys != c.keys {
			t.Errorf("%q: %q, want %q", c.text, keys, c.keys)
		}
	}
}

func TestPlaces(t *testing.T) {
	d := New("f")
	keysOf(d, "a: 1\nbc:\n  - 2\n")
	for key, want := range map[string]Place{"a": {1, 4}, "bc": {2, 1}, "bc[0].x": {2, 1}, "a.b.c": {1, 4}, "z": {1, 1}, "": {1, 1}} {
		if at := d.Nearest(key); at != want {
			t.Errorf("%q stands at %v, want %v", key, at, want)
		}
	}
	if !d.Given("bc") || d.Given("bc[0]") {
		t.Error("what was noted is given, and nothing else")
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		text       string
		int, float bool
	}{
		{"7", true, true},
		{"-3", true, true},
		{"2.5", false, true},
		{"1e3", false, true},
		{"99999999999", false, true},
		{".inf", false, false},
		{"true", false, false},
		{"x", false, false},
		{"[1]", false, false},
	} {
		d := New("f")
		body, _ := d.Parse([]byte(c.text))
		_, whole := d.Int(body, "k")
		_, number := d.Float(body, "k")
		if whole != c.int || number != c.float || len(d.Problems) != 2-count(whole, number) {
			t.Errorf("%s: whole %v, a number %v: %v", c.text, whole, number, d.Problems)
		}
	}
}

func count(all ...bool) (n int) {
	for _, is := range all {
		if is {
			n++
		}
	}
	return n
}

// TestLookAhead holds that a look ahead knows the anchors, and leaves nothing behind.
func TestLookAhead(t *testing.T) {
	d := New("f")
	body, _ := d.Parse([]byte("a: &x 1\nb: *x\nc: *y"))
	aside := d.Aside()
	for _, p := range aside.Pairs(body, "") {
		aside.Note(p.Key, p.At, p.Value)
		aside.Resolve(p.Value, p.Key)
	}
	if len(aside.Problems) != 1 || len(d.Problems) != 0 || d.Given("a") || !aside.Given("a") {
		t.Errorf("%v aside, %v in the document", aside.Problems, d.Problems)
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"agents", "campaigns", "trunks"}
	for word, want := range map[string]string{
		"agnets": "; did you mean agents?", "Trunk": "; did you mean trunks?",
		"zebra": "; known are agents, campaigns, trunks", strings.Repeat("x", 100): "; known are agents, campaigns, trunks",
	} {
		if got := Suggest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
	if got := Suggest("zebra", nil) + Suggest("zebra", strings.Split(strings.Repeat("words ", 40), " ")); got != "" {
		t.Errorf("without and with many known words: %q", got)
	}
}

func TestProblemsByPlace(t *testing.T) {
	ps := Problems{{File: "f", Line: 2, Column: 1, Text: "c"}, {File: "f", Line: 1, Column: 5, Text: "b"}, {File: "f", Line: 1, Column: 2, Key: "k", Text: "a"}}
	ps.Sort()
	var err error = ps
	var found Problems
	if want := "f:1:2: k: a\nf:1:5: b\nf:2:1: c"; err.Error() != want || !errors.As(err, &found) {
		t.Errorf("%v, want %s", err, want)
	}
}
