package cdr

import (
	"errors"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	const busy, person = `{"id":"1","outcome":"busy"}`, `{"stream_id":"7-0","id":"2","outcome":"person"}`
	cases := []struct{ name, text, ids, fault string }{
		{"whole", busy + "\n" + person + "\r\n", "1 2", ""},
		{"torn at the end, and blank", busy + "\n\n" + person[:9], "1", ""},
		{"not JSON", busy + "\n\nnonsense\n", "1", "line 3: no call detail record: invalid character"},
		{"not a record", busy + "\n[1]\n", "1", "line 2: no call detail record: json: cannot unmarshal array"},
		{"another outcome", `{"id":"1","outcome":"sold"}` + "\n", "", `line 1: no call detail record: no outcome "sold"`},
		{"not a time", `{"id":"1","outcome":"busy","marks":{"invite":"noon"}}` + "\n", "", "line 1: no call detail record: parsing time"},
		{"too long", busy + "\n" + strings.Repeat(" ", maxRecord+1) + "\n", "1", "line 2: more than 4194304 octets"},
		{"refused", busy + "\n" + `{"id":"stop","outcome":"busy"}` + "\n", "1", "line 2: enough"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var ids []string
			err := Read(strings.NewReader(c.text), func(r *Record) error {
				if r.ID == "stop" {
					return errors.New("enough")
				}
				ids = append(ids, r.ID)
				return nil
			})
			if got := strings.Join(ids, " "); got != c.ids {
				t.Errorf("read %q", got)
			}
			if (err == nil) != (c.fault == "") || err != nil && !strings.HasPrefix(err.Error(), c.fault) {
				t.Errorf("%v", err)
			}
		})
	}
}

// FuzzRead holds that whatever is read is a record.
func FuzzRead(f *testing.F) {
	f.Add(`{"id":"1","outcome":"busy","marks":{"invite":"2026-03-02T12:00:00Z"}}` + "\n")
	f.Add("{}\n[]\n\x00\n")
	f.Fuzz(func(t *testing.T, text string) {
		n := 0
		err := Read(strings.NewReader(text), func(r *Record) error {
			n++
			if !r.Outcome.Valid() {
				t.Errorf("outcome %q", r.Outcome)
			}
			return nil
		})
		if n > strings.Count(text, "\n") {
			t.Errorf("%d records in %d lines", n, strings.Count(text, "\n"))
		}
		if err != nil && !strings.HasPrefix(err.Error(), "line ") {
			t.Errorf("%v tells no line", err)
		}
	})
}
