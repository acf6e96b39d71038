package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"ringpace/media"
	"ringpace/media/record"
)

// newIdentity makes a key: its file, and the recipient.
func newIdentity(t *testing.T) (file, recipient string) {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "key.txt")
	if err := os.WriteFile(file, []byte(identity.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, identity.Recipient().String()
}

func TestRecordingsDecrypt(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	key, recipient := newIdentity(t)
	other, _ := newIdentity(t)
	r, err := record.New(record.Config{Dir: dir, Pattern: "{id}.wav", MinFree: 1, EncryptTo: []string{recipient}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, id := range []string{"01A", "01B"} {
		rec, err := r.Start(record.Meta{ID: id, Start: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		rec.Customer().Tap(&media.Packet{Codec: media.PCMA, Payload: []byte(strings.Repeat("hello", 32)), Arrival: time.Now()})
		if _, err := rec.Close(); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "01A.wav.age")
	for _, c := range []struct {
		args []string
		code int
		told string
	}{
		{[]string{"verify", "--dir", dir}, exitOK, "all is as it was recorded"},
		{[]string{"find", "--dir", dir}, exitOK, "kept, encrypted"},
		{[]string{"decrypt", file}, exitUsage, "--identity"},
		{[]string{"decrypt", "--identity", file, file}, exitFailure, "not an identity"},
		{[]string{"decrypt", "--identity", other, "--out", out, file}, exitFailure, "encrypted to others"},
		{[]string{"decrypt", "--identity", key, "--out", out, file}, exitOK, filepath.Join(out, "01A.wav")},
		{[]string{"decrypt", "--identity", key, "--out", out, file}, exitFailure, "is there already"},
		{[]string{"decrypt", "--identity", key, "--out", out, filepath.Join(out, "01A.wav")}, exitFailure, "is not encrypted"},
		{[]string{"decrypt", "--identity", key, "--out", out, "01B"}, exitUsage, "there is no file 01B; for an id, say where the recordings are"},
		{[]string{"decrypt", "--identity", key, "--out", out, "--dir", dir, "01C"}, exitState, "01C"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			code, out, errs := ringpace(nil, append([]string{"recordings"}, c.args...)...)
			if told := out + errs; code != c.code || !strings.Contains(told, c.told) {
				t.Errorf("code %d, want %d; %q is to be in\n%s", code, c.code, c.told, told)
			}
		})
	}
	code, told, _ := ringpace(nil, "recordings", "decrypt", "--identity", key, "--out", out, "--dir", dir, "--json", "01B")
	var rows []decryptedRow
	if err := json.Unmarshal([]byte(told), &rows); err != nil || code != exitOK || len(rows) != 1 || rows[0].ID != "01B" || !rows[0].Complete {
		t.Errorf("code %d, %v\n%s", code, err, told)
	}
	for _, id := range []string{"01A", "01B"} {
		b, err := os.ReadFile(filepath.Join(out, id+".wav"))
		if err != nil || !strings.HasPrefix(string(b), "RIFF") || !strings.Contains(string(b), "h\xd5e\xd5l\xd5l\xd5o\xd5") {
			t.Errorf("%s: %d octets, %v", id, len(b), err)
		}
	}
}
