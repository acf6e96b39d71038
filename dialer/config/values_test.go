package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestParseSize(t *testing.T) {
	tests := []struct {
		in   string
		want Size
		text string // "" is an error
	}{
		{"2GiB", 2 << 30, "2GiB"},
		{"1.5MiB", 3 << 19, "1536KiB"},
		{"10 MB", 10_000_000, "10000000B"},
		{"512B", 512, "512B"},
		{"0B", 0, "0B"},
		{"1TiB", 1 << 40, "1TiB"},
		{"2", 0, ""},
		{"GiB", 0, ""},
		{"-1GiB", 0, ""},
		{"1e30TiB", 0, ""},
		{"NaNB", 0, ""},
	}
	for _, tt := range tests {
		got, err := parseSize(tt.in)
		if (err != nil) != (tt.text == "") || err == nil && (got != tt.want || got.String() != tt.text) {
			t.Errorf("%q: %d (%s), %v", tt.in, got, got, err)
		}
	}
}

func TestPortPairs(t *testing.T) {
	for text, want := range map[string]int{"20000-29999": 5000, "20001-20004": 1, "20000-20001": 1, "20001-20002": 0, "20001-20001": 0, "65534-65535": 1} {
		r, err := parsePortRange(text)
		if err != nil || r.Pairs() != want || r.String() != text {
			t.Errorf("%s: %d pairs, %v; want %d", r, r.Pairs(), err, want)
		}
	}
	for _, text := range []string{"", "20000", "20000-x", "20000-65536", "80-90", "0-0"} {
		if r, err := parsePortRange(text); err == nil {
			t.Errorf("%q is %v", text, r)
		}
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	c := Default()
	c.Redis.Password = NewSecret("hunter2")
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", c.Redis.Password, "config", c.Redis)
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	p := &c.Redis.Password
	for _, s := range []string{
		fmt.Sprint(*p), fmt.Sprint(p), fmt.Sprintf("%v %+v %#v %s %q %x %d", *p, *p, *p, *p, *p, *p, *p), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c.Redis),
		string(encoded), log.String(),
	} {
		if strings.Contains(s, "hunter2") || strings.Contains(s, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("printed: %s", s)
		}
	}
	if p.Reveal() != "hunter2" || !p.Set() || NewSecret("").Set() {
		t.Error("not kept")
	}
}
