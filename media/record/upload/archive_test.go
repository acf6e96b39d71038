package upload

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ringpace/media/record/chain"
)

// archive is a recorder that only keeps.
type archive struct {
	t    testing.TB
	dir  string
	log  *chain.Log
	kept chan struct{}
}

func newArchive(t testing.TB, dir string) *archive {
	t.Helper()
	log, err := chain.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return &archive{t: t, dir: dir, log: log, kept: make(chan struct{}, 1)}
}

func (a *archive) Kept() <-chan struct{} { return a.kept }

func (a *archive) Uploaded(e chain.Entry, object string) error {
	_, err := a.log.Append(chain.Entry{Kind: chain.Uploaded, ID: e.ID, Path: e.Path, Bytes: e.Bytes, SHA256: e.SHA256, Object: object})
	return err
}

func (a *archive) Clear(e chain.Entry) error {
	return a.log.Remove(chain.Entry{Kind: chain.Cleared, ID: e.ID, Path: e.Path, Object: e.Object})
}

func (a *archive) SyncChain() error { return a.log.Sync() }

// said is what a recording holds: more than goes into one write.
func said(id string) []byte { return bytes.Repeat([]byte("what was said in "+id+"\n"), 4_000) }

// placeOf is where a recording lies.
func placeOf(id string) string { return "welcome/2026-03-09/" + id + ".wav" }

// keep makes recordings.
func (a *archive) keep(kind chain.Kind, ids ...string) {
	a.t.Helper()
	for _, id := range ids {
		name := filepath.Join(a.dir, filepath.FromSlash(placeOf(id)))
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			a.t.Fatal(err)
		}
		if err := os.WriteFile(name, said(id), 0o600); err != nil {
			a.t.Fatal(err)
		}
		sum := sha256.Sum256(said(id))
		_, err := a.log.Append(chain.Entry{
			Kind: kind, ID: id, Path: placeOf(id), Start: time.Now().UTC(), Bytes: int64(len(said(id))), SHA256: hex.EncodeToString(sum[:]),
		})
		if err != nil {
			a.t.Fatal(err)
		}
	}
	select {
	case a.kept <- struct{}{}:
	default:
	}
}

// verified holds the directory against its chain.
func (a *archive) verified() *chain.Report {
	a.t.Helper()
	r, err := chain.Verify(context.Background(), a.dir, chain.Options{})
	if err != nil {
		a.t.Fatal(err)
	}
	if !r.OK() {
		a.t.Errorf("verify finds %+v", r.Findings)
	}
	return r
}

func (a *archive) exists(id string) bool {
	_, err := os.Stat(filepath.Join(a.dir, filepath.FromSlash(placeOf(id))))
	return err == nil
}
