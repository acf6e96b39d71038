package main

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// Packets that are not encrypted, or with another key, or were altered, are not taken for
// those that were sent.
func TestSecretTellsForgeries(t *testing.T) {
	ours, theirs, other := newKey(), newKey(), newKey()
	near, err := newSecret(ours, theirs)
	if err != nil {
		t.Fatal(err)
	}
	far, err := newSecret(theirs, ours)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := newSecret(other, other)
	if err != nil {
		t.Fatal(err)
	}
	packet := newSource(1, rand.New(rand.NewPCG(1, 1))).next(0)
	altered := append([]byte(nil), near.seal(packet)...)
	altered[headerSize] ^= 1
	for name, b := range map[string][]byte{"plain": packet, "another key": stranger.seal(packet), "altered": altered} {
		if far.open(b) != nil {
			t.Errorf("%s: taken", name)
		}
	}
	if got := far.open(near.seal(packet)); !bytes.Equal(got, packet) {
		t.Errorf("opened as % x", got)
	}
	if _, err := newSecret(ours, "short"); err == nil {
		t.Error("a short key is taken")
	}
}
