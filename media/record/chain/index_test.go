package chain

import (
	"strings"
	"testing"
	"time"
)

func TestFind(t *testing.T) {
	a := newArchive(t)
	a.append(Entry{Kind: Held, ID: "two"})
	if err := a.log.Remove(Entry{Kind: Deleted, ID: "three", Path: "three.wav"}); err != nil {
		t.Fatal(err)
	}
	x, err := Load(a.root)
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		query Query
		want  string
	}{
		{Query{}, "one two four five six"},
		{Query{Gone: true}, "one two three four five six"},
		{Query{Words: []string{"o"}}, "one two four"},
		{Query{Words: []string{"o", ".wav", "f"}}, "four"},
		{Query{Held: true}, "two"},
		{Query{From: day}, "four five six"},
		{Query{To: day}, "one two"},
	} {
		var ids []string
		for _, it := range x.Find(c.query) {
			ids = append(ids, it.ID)
		}
		if got := strings.Join(ids, " "); got != c.want {
			t.Errorf("%+v finds %s, want %s", c.query, got, c.want)
		}
	}
}

func TestUnfinished(t *testing.T) {
	a := newArchive(t)
	a.append(Entry{Kind: Began, ID: "seven", Path: "seven.wav"})
	a.now = a.now.AddDate(0, 0, 1)
	a.keep("eight")
	list, err := Unfinished(a.root)
	if err != nil || len(list) != 1 || list[0].ID != "seven" {
		t.Errorf("%+v, %v", list, err)
	}
}
