package srtptest_test

import (
	"bytes"
	"slices"
	"testing"

	"ringpace/media/srtptest"
)

// Packets that are not encrypted, or with another key, or were altered, are not taken for
// those that were sent.
func TestTellsForgeries(t *testing.T) {
	ours, theirs, other := srtptest.NewKey(), srtptest.NewKey(), srtptest.NewKey()
	near, err := srtptest.New(ours, theirs)
	if err != nil {
		t.Fatal(err)
	}
	far, err := srtptest.New(theirs, ours)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := srtptest.New(other, other)
	if err != nil {
		t.Fatal(err)
	}
	packet := append([]byte{0x80, 8, 0, 1, 0, 0, 0, 160, 0, 0, 0, 7}, bytes.Repeat([]byte{0x55}, 160)...)
	altered := slices.Clone(near.Seal(packet))
	altered[12] ^= 1 // the first sample
	for name, b := range map[string][]byte{"plain": packet, "another key": stranger.Seal(packet), "altered": altered} {
		if far.Open(b) != nil {
			t.Errorf("%s: taken", name)
		}
	}
	if got := far.Open(near.Seal(packet)); !bytes.Equal(got, packet) {
		t.Errorf("opened as % x", got)
	}
	if _, err := srtptest.New(ours, "short"); err == nil {
		t.Error("a short key is taken")
	}
}
