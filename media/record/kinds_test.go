package record

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"filippo.io/age"

	"ringpace/media/record/vault"
)

// kind is a kind of file that a recorder can make.
type kind struct {
	name      string
	linear    bool
	encrypted bool
}

var kinds = []kind{
	{name: "G.711"},
	{name: "linear", linear: true},
	{name: "encrypted", encrypted: true},
	{name: "linear, encrypted", linear: true, encrypted: true},
}

// eachKind runs a test for files of every kind.
func eachKind(t *testing.T, test func(t *testing.T, as kind)) {
	for _, as := range kinds {
		t.Run(as.name, func(t *testing.T) {
			t.Parallel() // most of them wait
			test(t, as)
		})
	}
}

// of is a recorder's configuration for files of that kind.
func (as kind) of(cfg Config) Config {
	cfg.Linear = as.linear
	if as.encrypted {
		cfg.EncryptTo = []string{reviewer().Recipient().String()}
	}
	return cfg
}

// reviewer is who may read encrypted recordings.
var reviewer = sync.OnceValue(func() *age.X25519Identity {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		panic(err)
	}
	return identity
})

// contents are the WAV file that a file is, or holds encrypted.
func contents(t *testing.T, name string) []byte {
	t.Helper()
	if Encrypted(name) {
		plain := filepath.Join(t.TempDir(), "plain.wav")
		if d, err := Decrypt(name, plain, reviewer()); err != nil || d.ID == "" {
			t.Fatal(err)
		}
		name = plain
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// headed reports whether a file has come as far as its WAV header; one in plain text has
// it first.
func headed(t *testing.T, name string) bool {
	t.Helper()
	if !Encrypted(name) {
		return true
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(bytes.NewReader(b), int64(len(b)))
	return err == nil && (v.Sealed || v.Plain > 0)
}
