package main

import (
	"fmt"
	"os"
	"slices"

	"ringpace/dialer/lab/chroot"
	"ringpace/dialer/lab/tone"
)

// recordingDir makes a directory for the recordings of one case. All of them are
// on the file system of the peers' root, where there is one.
func recordingDir() (string, error) {
	root, err := chroot.Root()
	if err != nil {
		return os.MkdirTemp("", "bench-media-")
	}
	return os.MkdirTemp(root+"/tmp", "ringpace-bench-media-")
}

// exact tells what is wrong with the recording of a call: on each channel, left the
// customer's and right the agent's, it must hold one packet after the other as they
// were sent, from silence to its end, and those from and to those numbers among them.
func exact(path string, call int, from, to uint32) error {
	sound, err := tone.ReadFile(path)
	if err != nil {
		return err
	}
	if len(sound.Channels) != 2 {
		return fmt.Errorf("%s has %d channels", path, len(sound.Channels))
	}
	for channel, heard := range sound.Channels {
		if err := unbroken(heard, streamOf(call, channel), from, to); err != nil {
			return fmt.Errorf("%s, channel %d: %w", path, channel, err)
		}
	}
	return nil
}

// unbroken tells what is wrong with one channel.
func unbroken(heard []int16, s stream, from, to uint32) error {
	at, number := find(heard, s)
	if at < 0 {
		return fmt.Errorf("no packet of stream %d is in it", s)
	}
	if number > from {
		return fmt.Errorf("it begins with packet %d, behind packet %d", number, from)
	}
	for ; at+samples <= len(heard) && is(heard[at:at+samples], s.payload(number)); at += samples {
		number++
	}
	if number < to {
		return fmt.Errorf("packet %d is not at sample %d as it was sent", number, at)
	}
	// The other channel may have had more: of what waits in the sockets of a full core when the
	// recordings are completed nobody says that it is recorded.
	rest := heard[at:]
	if slices.ContainsFunc(rest, func(v int16) bool { return v != tone.DecodeALaw(silence) }) {
		return fmt.Errorf("behind packet %d, the last, there are %d samples and not of silence", number-1, len(rest))
	}
	return nil
}

// silence is A-law for nothing.
const silence = 0xD5

// firstWithin is how far into a recording a channel begins, in packets, at most: the
// other leg's stream may begin earlier.
const firstWithin = 50

// find looks for the first whole packet of a stream. At is -1 if there is none.
func find(heard []int16, s stream) (at int, number uint32) {
	for number := range uint32(firstWithin) {
		payload := s.payload(number)
		for at := range min(firstWithin*samples, max(0, len(heard)-samples)) {
			if is(heard[at:at+samples], payload) {
				return at, number
			}
		}
	}
	return -1, 0
}

// is tells whether samples are those of a payload.
func is(heard []int16, payload []byte) bool {
	for i, v := range heard {
		if v != tone.DecodeALaw(payload[i]) {
			return false
		}
	}
	return true
}
