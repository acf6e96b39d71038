package chain

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// folder makes the chain's folder if it is not there.
func (l *Log) folder() error {
	if err := os.MkdirAll(l.root, 0o750); err != nil {
		return err
	}
	err := os.Mkdir(l.dir, 0o750)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return l.own(func(uid, gid int) error { return os.Lchown(l.dir, uid, gid) })
}

// openFile opens a file of the chain, or makes it if flags say so.
func (l *Log) openFile(name string, flags int) (*os.File, error) {
	if flags&os.O_CREATE != 0 {
		f, err := os.OpenFile(name, flags|os.O_EXCL, 0o640)
		switch {
		case err == nil:
			if err := l.own(f.Chown); err != nil {
				return nil, errors.Join(err, f.Close())
			}
			return f, nil
		case !errors.Is(err, fs.ErrExist):
			return nil, err
		}
	}
	return os.OpenFile(name, flags, 0o640)
}

// own gives what root has just made to whom the recording directory belongs: a person who
// puts a recording under legal hold as root must not shut the daemon out, which has a user
// of its own. What was there is left alone, since it may be a link to anything.
func (l *Log) own(chown func(uid, gid int) error) error {
	if os.Geteuid() != 0 {
		return nil
	}
	root, err := os.Stat(l.root)
	if err != nil {
		return err
	}
	owner, ok := root.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	if err := chown(int(owner.Uid), int(owner.Gid)); !errors.Is(err, syscall.EPERM) {
		return err
	}
	return nil // a root without that right, as in some containers
}
