package record

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"ringpace/media/record/chain"
	"ringpace/media/record/vault"
)

// filesWith are the files below a directory that hold some octets.
func filesWith(t *testing.T, dir string, octets []byte) (names []string, all int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		all++
		if bytes.Contains(b, octets) {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names, all
}

// TestNothingInPlainText looks for what was said, in each file that there is, while a call
// is recorded and after it.
func TestNothingInPlainText(t *testing.T) {
	r := newTestRecorder(t, kind{encrypted: true}.of(Config{Flush: 10 * ms, Pattern: "{id}.wav"}))
	rec := start(t, r, Meta{ID: "s"})
	s := newSource(rec, rec.Customer(), 1)
	s.talk(0, 200)
	said := make([]byte, 0, 200) // as it stands between silence of the agent
	for _, b := range s.octets(8000, 100) {
		said = append(said, b, silence(1)[0])
	}
	name := r.nameOf("s.wav.age")
	for deadline := time.Now().Add(patience); ; {
		if _, err := os.Stat(name); err == nil && headed(t, name) {
			if bytes.Contains(contents(t, name), said) {
				break // so it would be found
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("what came was not written")
		}
		await(t, "a tick", time.After(ms))
	}
	if names, all := filesWith(t, r.cfg.Dir, said); len(names) > 0 || all < 2 {
		t.Errorf("during the call %q of %d files have what was said", names, all)
	}
	sum, _, _ := closed(t, rec)
	if names, all := filesWith(t, r.cfg.Dir, said); len(names) > 0 || all < 2 {
		t.Errorf("after it %q of %d files have what was said", names, all)
	}
	if !sum.Encrypted || !sum.Measured || sum.Path != "s.wav.age" {
		t.Errorf("%+v", sum)
	}
	// The finished file is one of age, and nothing else is needed.
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plain, err := age.Decrypt(f, reviewer())
	if err != nil {
		t.Fatal(err)
	}
	var wav bytes.Buffer
	if _, err := wav.ReadFrom(plain); err != nil || !bytes.Equal(wav.Bytes(), contents(t, name)) {
		t.Errorf("by age: %d octets, %v", wav.Len(), err)
	}
	if w, err := parseWave(wav.Bytes()); err != nil || !w.complete {
		t.Errorf("%+v, %v", w, err)
	}
	checkDigest(t, rec, sum)
	verified(t, r.cfg.Dir)
}

// TestChainFailsAfterSealing: the line is tried again, the file stays as it is, also where
// memory is short.
func TestChainFailsAfterSealing(t *testing.T) {
	r, disk := newFaultyRecorder(t, kind{encrypted: true}.of(Config{Flush: 10 * ms, Memory: 1}))
	rec := start(t, r, Meta{ID: "c"})
	s := newSource(rec, rec.Customer(), 1)
	s.talk(0, 50)
	await(t, "a write", disk.writes)
	aside := r.chainDir() + "-aside"
	if err := os.Rename(r.chainDir(), aside); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.chainDir(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	sum, err := rec.Close()
	if err == nil || !r.Full() {
		t.Fatalf("closed without a line in the chain, alarm %q", r.Trouble())
	}
	if err := errors.Join(os.Remove(r.chainDir()), os.Rename(aside, r.chainDir())); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; {
		x, err := chain.Load(r.cfg.Dir)
		if err != nil {
			t.Fatal(err)
		}
		if it, ok := x.ID("c"); ok && it.Kind == chain.Kept {
			if it.SHA256 != sum.SHA256 || it.Path != sum.Path {
				t.Errorf("the chain has %+v, the summary %+v", it, sum)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("there is no line")
		}
		await(t, "a tick", time.After(50*ms))
	}
	verified(t, r.cfg.Dir)
	l, _ := split(t, r.nameOf(sum.Path))
	equal(t, "left", l, s.octets(0, 8000))
}

// TestDiedWhileSealing: of a process that died at one of the steps of sealing, the next
// leaves a recording that verifies, and nothing else.
func TestDiedWhileSealing(t *testing.T) {
	at := kind{encrypted: true}.of(Config{Flush: 10 * ms, Pattern: "{id}.wav"})
	r := newTestRecorder(t, at)
	rec := start(t, r, Meta{ID: "d", Start: time.Now()})
	s := newSource(rec, rec.Customer(), 1)
	s.talk(0, 50)
	name := r.nameOf("d.wav.age")
	var unsealed []byte
	for deadline := time.Now().Add(patience); ; {
		if _, err := os.Stat(name); err == nil && headed(t, name) {
			if w, err := parseWave(contents(t, name)); err == nil && w.frames >= 8000 {
				if unsealed, err = os.ReadFile(name); err != nil {
					t.Fatal(err)
				}
				break
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("what came was not written")
		}
		await(t, "a tick", time.After(ms))
	}
	sum, _, _ := closed(t, rec)
	sealed, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		step          string
		file, beside  []byte
		took          time.Duration
		nothingToRead bool
	}{
		{"while the sealed file was written", unsealed, sealed[:len(sealed)/2], 0, false},
		{"before it took its place", unsealed, sealed, 0, false},
		{"before the chain had it", sealed, nil, sum.Duration, false},
		{"before anything was written", unsealed[:200], nil, 0, true},
	} {
		t.Run(c.step, func(t *testing.T) {
			at.Dir = t.TempDir()
			l, err := chain.Open(at.Dir)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := l.Append(chain.Entry{Kind: chain.Began, ID: "d", Path: "d.wav.age", Start: sum.Start}); err != nil {
				t.Fatal(err)
			}
			l.Close()
			name := filepath.Join(at.Dir, "d.wav.age")
			if err := os.WriteFile(name, c.file, 0o600); err != nil {
				t.Fatal(err)
			}
			if c.beside != nil {
				if err := os.WriteFile(name+sealing, c.beside, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			newTestRecorder(t, at)
			x, err := chain.Load(at.Dir)
			if err != nil {
				t.Fatal(err)
			}
			it, ok := x.ID("d")
			if c.nothingToRead {
				if !ok || it.Kind != chain.Lost || !strings.Contains(it.Why, "damaged") {
					t.Errorf("in the chain: %+v", it)
				}
				return
			}
			if _, err := os.Stat(name + sealing); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("what it was at lies there still: %v", err)
			}
			l1, _ := split(t, name)
			equal(t, "left", l1[len(l1)-8000:], s.octets(0, 8000))
			took := duration(int64(len(l1)))
			if !ok || it.Kind != chain.Salvaged || it.DurationMS != took.Milliseconds() || c.took != 0 && c.took != took {
				t.Errorf("in the chain: %+v; the file lasts %v", it, took)
			}
			if report := verified(t, at.Dir); report.Kept != 1 {
				t.Errorf("%+v", report)
			}
		})
	}
}

func TestDecryptRefuses(t *testing.T) {
	r := newTestRecorder(t, kind{encrypted: true}.of(Config{Pattern: "{id}.wav"}))
	rec := start(t, r, Meta{ID: "x"})
	newSource(rec, rec.Customer(), 1).talk(0, 10)
	sum, _, _ := closed(t, rec)
	name, dir := r.nameOf(sum.Path), t.TempDir()
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	wav := filepath.Join(dir, "x.wav")
	if _, err := Decrypt(name, wav, other); !errors.Is(err, vault.ErrNotFor) {
		t.Errorf("for another: %v", err)
	}
	if _, err := os.Stat(wav); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something is there: %v", err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(dir, "cut.wav.age")
	if err := os.WriteFile(cut, b[:len(b)-9], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Decrypt(cut, wav, reviewer()); !errors.Is(err, vault.ErrDamaged) {
		t.Errorf("cut off: %v", err)
	}
	if _, err := Decrypt(name, wav, reviewer()); err != nil {
		t.Error(err)
	}
	if _, err := Decrypt(name, wav, reviewer()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file that is there: %v", err)
	}
	if _, err := Decrypt(wav, filepath.Join(dir, "y.wav"), reviewer()); !errors.Is(err, vault.ErrNotEncrypted) {
		t.Errorf("of a plain one: %v", err)
	}
	if _, err := New(Config{Dir: dir, EncryptTo: []string{"age1nobody"}}); !errors.Is(err, vault.ErrRecipient) {
		t.Errorf("to nobody: %v", err)
	}
}
