package record

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"ringpace/media/record/chain"
)

// open makes the recording's file. A path that is taken gets a number.
func (r *Recording) open() error {
	f, path, err := r.newFile()
	if err != nil {
		return err
	}
	r.sheet.path = path
	r.list()
	return r.sheet.timeline.begin(f)
}

// newFile makes a file for the recording, at its path or one beside it.
func (r *Recording) newFile() (f file, name string, err error) {
	for n := 1; ; n++ {
		name = r.recorder.pathOf(r.meta, n)
		f, err = r.recorder.create(r.recorder.nameOf(name))
		if err == nil {
			f, err = r.unsealed(f)
		}
		if err == nil || !errors.Is(err, os.ErrExist) || n > 99 {
			return f, name, err
		}
	}
}

// list notes in the chain that the recording's file is there. Where that fails, the
// alarm is raised, and the next flush tries again.
func (r *Recording) list() {
	_, err := r.recorder.chain.Append(chain.Entry{Kind: chain.Began, ID: r.meta.ID, Path: r.sheet.path, Start: r.meta.Start.UTC()})
	r.listed = err == nil
	if err != nil {
		r.recorder.disk.wrote(r.recorder.chainDir(), err)
		return
	}
	r.recorder.sealer.sync()
}

// pathOf is the n-th path that a recording may have, from 1.
func (r *Recorder) pathOf(m Meta, n int) string {
	name := expand(r.cfg.Pattern, m)
	if n > 1 {
		name = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, path.Ext(name)), n, path.Ext(name))
	}
	if r.readers != nil {
		name += encrypted
	}
	return name
}

// nameOf is the name of the file at a path.
func (r *Recorder) nameOf(path string) string {
	return filepath.Join(r.cfg.Dir, filepath.FromSlash(path))
}

// createFile makes a file, locked, and the directories above it.
func createFile(name string) (file, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return nil, err // not f, which would be a file that is not nil
	}
	// So that others can tell that it is being written. It holds until the file is closed.
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
