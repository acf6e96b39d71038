package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"ringpace/media/record/chain"
)

// within is the environment variable that tells a test that it is run in a process of its
// own, as inAnotherProcess arranged.
const within = "RINGPACE_TEST_WITHIN"

// inAnotherProcess runs the test that calls it in a process with such attributes, and
// returns true there: the test goes on. Elsewhere it returns false, and the test is over.
func inAnotherProcess(t *testing.T, attributes *syscall.SysProcAttr, owner int) bool {
	t.Helper()
	if os.Getenv(within) == t.Name() {
		return true
	}
	dir, err := os.MkdirTemp("", "ringpace-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chown(dir, owner, owner); err != nil {
		t.Fatal(err)
	}
	// The path of the program may lead through what others cannot read.
	child := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout="+(6*patience).String())
	child.Env = append(os.Environ(), within+"="+t.Name(), "TMPDIR="+dir)
	child.Dir, child.SysProcAttr = dir, attributes
	out, err := child.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// tellWhenBroken has calls be recorded while the directory is broken, and mended: the
// alarm is raised, and ends, and nothing is lost of a call that is up then, of one that was
// ringing and is answered meanwhile, and of one that is over before the directory is mended.
// Where a call that begins would make the directory anew, none does.
func tellWhenBroken(t *testing.T, dir string, anew bool, breakIt, mend func() error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newTestRecorder(t, Config{Dir: dir, Flush: 10 * ms})
		rec := start(t, r, Meta{ID: "up"})
		s := newSource(rec, rec.Customer(), 1)
		at := s.talk(0, 50)
		file := filepath.Join(dir, expand(r.cfg.Pattern, rec.meta))
		for deadline := time.Now().Add(patience); ; {
			if stat, err := os.Stat(file); err == nil && stat.Size() > 16_000 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("nothing is written")
			}
			await(t, "a tick", time.After(ms))
		}
		if r.Full() {
			t.Fatalf("an alarm before anything is broken: %s", r.Trouble())
		}
		if err := breakIt(); err != nil {
			t.Fatal(err)
		}
		awaitAlarm(t, r)
		at = s.talk(at, 50)
		var next, short *Recording
		var n *source
		if !anew {
			next, short = start(t, r, Meta{ID: "next"}), start(t, r, Meta{ID: "short"})
			n = newSource(next, next.Customer(), 2)
			n.talk(0, 25)
			newSource(short, short.Customer(), 3).talk(0, 50)
			if _, err := short.Close(); err == nil {
				t.Error("a recording that could not be written closes without an error")
			}
		}
		if err := mend(); err != nil {
			t.Fatal(err)
		}
		awaitAllClear(t, r)
		s.talk(at, 50)
		_, l, _ := closed(t, rec)
		equal(t, "left", l, s.octets(0, 24_000))
		kept := 1
		if !anew {
			n.talk(500*ms, 25)
			_, l, _ := closed(t, next)
			equal(t, "left", l, n.octets(0, 8000))
			if it := noted(t, r, "short"); it.Kind != chain.Kept || it.DurationMS != 1000 {
				t.Errorf("of the short call the chain has %+v", it)
			}
			kept = 3
		}
		if report := verified(t, dir); report.Kept != kept {
			t.Errorf("the chain has %+v", report)
		}
	})
}

// unprivileged are the attributes of a process of a user whom permissions hold back, and
// that user; root's own are what others are.
func unprivileged() (*syscall.SysProcAttr, int) {
	const nobody = 65534
	if uid := os.Getuid(); uid != 0 {
		return nil, uid
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}, nobody
}

func TestPermissionLost(t *testing.T) {
	attributes, owner := unprivileged()
	if !inAnotherProcess(t, attributes, owner) {
		return
	}
	dir := filepath.Join(t.TempDir(), "rec")
	everywhere := func(mode os.FileMode) func() error {
		return func() error {
			return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
				if err != nil || !d.IsDir() {
					return err
				}
				return os.Chmod(name, mode)
			})
		}
	}
	tellWhenBroken(t, dir, false, everywhere(0o550), everywhere(0o750))
}

// mayMount tells whether a process with such attributes may mount a file system, which
// containers mostly forbid, root or not.
func mayMount(attributes *syscall.SysProcAttr) bool {
	if os.Getenv(within) != "" {
		return true
	}
	probe := exec.Command("sh", "-c", "mount --make-rprivate / && mount -t tmpfs tmpfs /mnt")
	probe.SysProcAttr = attributes
	return probe.Run() == nil
}

// TestBrokenDisk breaks a file system of the test's own, in a mount namespace of its own.
func TestBrokenDisk(t *testing.T) {
	attributes := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if uid := os.Getuid(); uid != 0 {
		attributes.Cloneflags |= syscall.CLONE_NEWUSER
		attributes.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
	}
	mounts := mayMount(attributes)
	if mounts {
		if !inAnotherProcess(t, attributes, os.Getuid()) {
			return
		}
		if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name          string
		mounts        bool // the case needs a file system of its own
		anew          bool // who records makes the directory anew
		breakIt, mend func(dir string) error
	}{
		{"mounted read-only", true, false, func(dir string) error {
			return errors.Join(
				syscall.Mount(dir, dir, "", syscall.MS_BIND, ""),
				syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY, ""),
			)
		}, func(dir string) error { return syscall.Unmount(dir, 0) }},
		{"moved away", false, true, func(dir string) error { return os.Rename(dir, dir+".away") }, func(dir string) error {
			return os.Rename(dir+".away", dir)
		}},
		{"replaced by a file", false, false, func(dir string) error {
			return errors.Join(os.Rename(dir, dir+".away"), os.WriteFile(dir, nil, 0o755))
		}, func(dir string) error { return errors.Join(os.Remove(dir), os.Rename(dir+".away", dir)) }},
		{"without room", true, false, func(dir string) error {
			if err := os.WriteFile(dir+".large", make([]byte, 4<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
				return fmt.Errorf("the disk has room: %w", err)
			}
			return nil
		}, func(dir string) error { return os.Remove(dir + ".large") }},
		{"without room for more files", true, false, func(dir string) error {
			for n := range 200 {
				if err := os.WriteFile(fmt.Sprint(dir, ".", n), nil, 0o600); errors.Is(err, syscall.ENOSPC) {
					return nil
				}
			}
			return errors.New("there is always room for another file")
		}, func(dir string) error {
			list, err := filepath.Glob(dir + ".*")
			for _, name := range list {
				err = errors.Join(err, os.Remove(name))
			}
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			disk := t.TempDir()
			switch {
			case mounts:
				if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=2m,nr_inodes=100"); err != nil {
					t.Fatal(err)
				}
				defer func() {
					if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
						t.Error(err)
					}
				}()
			case c.mounts:
				t.Skip("this machine lets nobody mount a file system")
			}
			dir := filepath.Join(disk, "rec")
			tellWhenBroken(t, dir, c.anew, func() error { return c.breakIt(dir) }, func() error { return c.mend(dir) })
		})
	}
}
