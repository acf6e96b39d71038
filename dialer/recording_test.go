package dialer_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"ringpace/dialer/api"
	"ringpace/dialer/lab/tone"
	"ringpace/media/record"
)

// TestEncryptedRecording holds that a call is recorded so that only the recipients can read
// it, and that its record says so and what it sounds like all the same; and that recordings
// are of 16-bit samples where that is wanted.
func TestEncryptedRecording(t *testing.T) {
	t.Parallel()
	reviewer, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	recipients := "# reviewers\n" + reviewer.Recipient().String() + "\n"
	if err := os.WriteFile(filepath.Join(dir, "reviewers.txt"), []byte(recipients), 0o600); err != nil {
		t.Fatal(err)
	}
	h := build(t, plan{Agents: 1, Tones: true, AgentSet: "wrap_up: 0s", Dir: dir, Recording: "format: pcm16, encrypt_to: [reviewers.txt]"})
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentTalking)
	bridged := h.agent("a1001").Call.BridgedAt
	h.await("a second of conversation", func() bool { return time.Since(bridged) > time.Second })
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0].Recording
	if r == nil || !r.Encrypted || r.Quality == nil || r.Quality.Left.ActiveDBm0 == nil || !strings.HasSuffix(r.Path, ".wav.age") {
		t.Fatalf("%+v", r)
	}
	file, wav := filepath.Join(h.cfg.Recording.Dir, filepath.FromSlash(r.Path)), filepath.Join(dir, "plain.wav")
	if stat, err := os.Stat(file); err != nil || stat.Size() != r.Bytes {
		t.Errorf("%v, %v; the record says %d octets", stat, err, r.Bytes)
	}
	if _, err := record.Decrypt(file, wav, reviewer); err != nil {
		t.Fatal(err)
	}
	sound, err := tone.ReadFile(wav)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(wav); err != nil || binary.LittleEndian.Uint16(b[20:]) != 1 || binary.LittleEndian.Uint16(b[34:]) != 16 {
		t.Errorf("the file is no 16-bit PCM: % x, %v", b[:36], err)
	}
	for i, want := range []float64{calleeHz, phoneHz} {
		if got := tone.Dominant(sound.Channels[i], sound.Rate); got.Hz != want || got.Share < 0.8 {
			t.Errorf("channel %d holds %+v, want %v Hz", i, got, want)
		}
	}
	if sound.Duration().Milliseconds() != r.DurationMS {
		t.Errorf("it plays %v, its record says %d ms", sound.Duration(), r.DurationMS)
	}
}
