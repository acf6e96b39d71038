package lead

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	leads := []Lead{
		{
			ID: "7", List: "spring", Numbers: []string{"+442079460100", "+442079460101", "+442079460102"}, Priority: -3,
			Due: time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC), Deadline: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
			TimeZone: "Europe/London", Fields: map[string]string{"name": "Ada, \"of\"\nLondon", "sum": "=1+1", "姓名": "王芳"},
		},
		{ID: "@8", List: "spring", Numbers: []string{"+442079460103"}, Fields: map[string]string{"name": "-2+3", "sum": "'quoted'"}},
	}
	var b bytes.Buffer
	w, err := NewWriter(&b, 2, []string{"name", "sum", "姓名"})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range leads {
		l.Attempts, l.LastTry = 3, time.Unix(0, 0)
		if err := w.Write(&l, "ready"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, dangerous := range []string{",=", ",@", ",-2+3", "\n@"} {
		if strings.Contains(b.String(), dangerous) {
			t.Errorf("a spreadsheet would run %q in\n%s", dangerous, b.String())
		}
	}
	again, rejects := readAll(t, &b, Options{List: "spring"})
	if diff := cmp.Diff(leads, again); diff != "" || rejects != nil {
		t.Error(diff, rejects)
	}
}

func TestRejectsCanBeMendedAndReadAgain(t *testing.T) {
	r := NewReader(strings.NewReader("id,tel,=name\n7,12,=A1\n"), Options{Region: "GB"})
	header, err := r.Header()
	if err != nil {
		t.Fatal(err)
	}
	row, err := r.Next()
	if err != nil || row.Reason == "" {
		t.Fatalf("%+v, %v", row, err)
	}
	var b bytes.Buffer
	w, err := NewRejectWriter(&b, header)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(row.Line, row.Reason, row.Cells); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	want := "ringpace_line,ringpace_reason,id,tel,'=name\n2,\"tel: not a telephone number: \"\"12\"\" is not in the numbering plan of GB (+44)\",7,12,'=A1\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	leads, _ := readAll(t, strings.NewReader(strings.Replace(b.String(), ",12,", ",020 7946 0100,", 1)), Options{Region: "GB"})
	if diff := cmp.Diff([]Lead{{ID: "7", Numbers: []string{"+442079460100"}, Fields: map[string]string{"=name": "=A1"}}}, leads); diff != "" {
		t.Error(diff)
	}
}

// Any field survives the way out and in, and never begins like a formula.
func FuzzWriter(f *testing.F) {
	f.Add("Ada", "note")
	f.Add("=cmd|'/c calc'!A0", "'=")
	f.Add("a\nb\"c", "+")
	f.Fuzz(func(t *testing.T, value, id string) {
		clean := func(s string) bool {
			return utf8.ValidString(s) && s == strings.TrimSpace(s) && !strings.ContainsRune(s, utf8.RuneError) &&
				!strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f })
		}
		if !clean(value) || !clean(id) || value == "" || id == "" || strings.Contains(id, "\n") || len(id) > 100 || len(value) > 1000 {
			t.Skip("not what a lead holds")
		}
		l := Lead{ID: id, Numbers: []string{"+442079460100"}, Fields: map[string]string{"note": value}}
		var b bytes.Buffer
		w, err := NewWriter(&b, 1, []string{"note"})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(&l, "ready"); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		cells, err := csv.NewReader(bytes.NewReader(b.Bytes())).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(cells[1], func(s string) bool {
			return s != "" && strings.ContainsRune("=@\t\r", rune(s[0])) || strings.HasPrefix(s, "+") && !numeric.MatchString(s)
		}) {
			t.Errorf("a formula in %q", cells[1])
		}
		if strings.Count(value, "\n") >= maxLines {
			return
		}
		again, rejects := readAll(t, &b, Options{Encoding: UTF8})
		if diff := cmp.Diff([]Lead{l}, again); diff != "" || rejects != nil {
			t.Error(diff, rejects)
		}
	})
}
