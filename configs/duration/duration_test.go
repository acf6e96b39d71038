package duration

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	tests := []struct {
		in   string
		want time.Duration
		text string // "" is an error
	}{
		{"2s", 2 * time.Second, "2s"},
		{"90s", 90 * time.Second, "1m30s"},
		{"72h", 72 * time.Hour, "3d"},
		{"1d12h", 36 * time.Hour, "36h"},
		{"3d", 72 * time.Hour, "3d"},
		{"10m0s", 10 * time.Minute, "10m"},
		{"1h0m5s", time.Hour + 5*time.Second, "1h0m5s"},
		{"0", 0, "0s"},
		{"0s", 0, "0s"},
		{"0d", 0, ""},
		{"20ms", 20 * time.Millisecond, "20ms"},
		{"", 0, ""},
		{"5", 0, ""},
		{"-5s", 0, ""},
		{"1.5d", 0, ""},
		{"d", 0, ""},
		{"65536d", 0, ""},
		{"9999999h", 0, ""},
	}
	for _, tt := range tests {
		got, err := Parse(tt.in)
		if (err != nil) != (tt.text == "") || err == nil && (got != tt.want || Format(got) != tt.text) {
			t.Errorf("%q: %v (%s), %v", tt.in, got, Format(got), err)
		}
	}
}
