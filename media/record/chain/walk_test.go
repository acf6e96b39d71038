package chain

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
)

// TestLinkedDirectory: a recording directory may be a symbolic link, and have links to
// directories elsewhere in it, even back to itself.
func TestLinkedDirectory(t *testing.T) {
	a := newArchive(t)
	disk := t.TempDir()
	if err := os.Rename(filepath.Join(a.root, "one.wav"), filepath.Join(disk, "one.wav")); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"big": disk, "again": a.root, "nowhere": "/does/not/exist"} {
		if err := os.Symlink(to, filepath.Join(a.root, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"back": a.root, "itself": disk} {
		if err := os.Symlink(to, filepath.Join(disk, name)); err != nil {
			t.Fatal(err)
		}
	}
	sum := sha256.Sum256([]byte("what was said in call one"))
	a.append(Entry{Kind: Deleted, ID: "one", Path: "one.wav"})
	a.append(Entry{Kind: Kept, ID: "one", Path: "big/one.wav", Bytes: 25, SHA256: hex.EncodeToString(sum[:])})
	link := filepath.Join(t.TempDir(), "recordings")
	if err := os.Symlink(a.root, link); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{a.root, link, link + "/"} {
		r, err := Verify(t.Context(), root, Options{})
		if err != nil || !r.OK() || r.Kept != 6 || r.Bytes == 0 {
			t.Errorf("%s: %+v, %v", root, r, err)
		}
	}
	if err := os.WriteFile(filepath.Join(disk, "one.wav"), []byte("what was said in call 0ne"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.write("seven.wav", []byte("what nobody said"))
	r, err := Verify(t.Context(), link, Options{})
	if err != nil || len(r.Findings) != 2 || r.Findings[0].Kind != Altered || r.Findings[0].Path != "big/one.wav" || r.Findings[1].Path != "seven.wav" {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestLinkedTwice: two folders of recordings are links to one directory, elsewhere or in the
// recording directory itself.
func TestLinkedTwice(t *testing.T) {
	for name, inside := range map[string]bool{"elsewhere": false, "inside": true} {
		t.Run(name, func(t *testing.T) {
			a := newArchive(t)
			disk := t.TempDir()
			if inside {
				disk = filepath.Join(a.root, "disk")
				if err := os.Mkdir(disk, 0o750); err != nil {
					t.Fatal(err)
				}
			}
			for _, folder := range []string{"sales", "service"} {
				if err := os.Symlink(disk, filepath.Join(a.root, folder)); err != nil {
					t.Fatal(err)
				}
				content := []byte("what was said in " + folder)
				sum := sha256.Sum256(content)
				path := folder + "/" + folder + ".wav"
				a.write(path, content)
				a.append(Entry{Kind: Kept, ID: folder, Path: path, Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:])})
			}
			for range 2 {
				if r := a.verify(Options{}); !r.OK() || r.Kept != 8 {
					t.Errorf("%+v", r)
				}
			}
			a.write("service/service.wav", []byte("what was said in SERVICE"))
			a.write("service/other.wav", []byte("what nobody said"))
			if r := a.verify(Options{}); len(r.Findings) != 2 {
				t.Errorf("%+v", r)
			}
			if err := os.Remove(filepath.Join(disk, "sales.wav")); err != nil {
				t.Fatal(err)
			}
			if r := a.verify(Options{}); len(r.Findings) != 3 {
				t.Errorf("%+v", r)
			}
		})
	}
}
