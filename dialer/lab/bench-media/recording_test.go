package main

import (
	"path/filepath"
	"slices"
	"testing"

	"ringpace/dialer/lab/tone"
)

// channel is what a stream's packets sound like, from one number to before another.
func channel(s stream, from, to uint32) []int16 {
	var heard []int16
	for number := from; number < to; number++ {
		for _, octet := range s.payload(number) {
			heard = append(heard, tone.DecodeALaw(octet))
		}
	}
	return heard
}

func quiet(n int) []int16 { return slices.Repeat([]int16{tone.DecodeALaw(silence)}, n) }

// A recording must hold the samples that were sent, and no others.
func TestRecordingsAreComparedSampleBySample(t *testing.T) {
	t.Parallel()
	const s, from, to = 5, 10, 40
	whole := channel(s, 0, 50)
	altered := slices.Clone(whole)
	altered[20*samples+7]++
	tests := []struct {
		name  string
		heard []int16
		exact bool
	}{
		{"as it was sent", whole, true},
		{"behind silence", slices.Concat(quiet(77), whole), true},
		{"from the third packet on", whole[3*samples:], true},
		{"amid a packet", whole[3*samples+5:], true},
		{"one sample is off", altered, false},
		{"one sample is missing", slices.Concat(whole[:3000], whole[3001:]), false},
		{"one packet is silence", slices.Concat(whole[:20*samples], quiet(samples), whole[21*samples:]), false},
		{"two packets changed places", slices.Concat(channel(s, 0, 20), channel(s, 21, 22), channel(s, 20, 21), channel(s, 22, 50)), false},
		{"it begins too late", channel(s, 20, 50), false},
		{"it ends too early", channel(s, 0, 30), false},
		{"the other channel goes on", slices.Concat(whole, quiet(1000)), true},
		{"it goes on behind a gap", slices.Concat(whole, quiet(1000), channel(s, 57, 60)), false},
		{"another stream's", channel(s+1, 0, 50), false},
		{"nothing", nil, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if err := unbroken(test.heard, s, from, to); (err == nil) != test.exact {
				t.Errorf("%v", err)
			}
		})
	}
}

// Left is the customer's end, right the agent's.
func TestChannelsOfRecordings(t *testing.T) {
	t.Parallel()
	left, right := channel(streamOf(3, 0), 0, 50), channel(streamOf(3, 1), 0, 50)
	path := filepath.Join(t.TempDir(), "call.wav")
	for _, test := range []struct {
		channels [][]int16
		exact    bool
	}{{[][]int16{left, right}, true}, {[][]int16{right, left}, false}, {[][]int16{left}, false}} {
		if err := tone.WriteFile(path, tone.Sound{Rate: 8000, Channels: test.channels}); err != nil {
			t.Fatal(err)
		}
		if err := exact(path, 3, 10, 40); (err == nil) != test.exact {
			t.Errorf("%d channels: %v", len(test.channels), err)
		}
	}
}
