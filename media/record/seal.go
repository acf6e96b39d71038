package record

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"ringpace/media/record/chain"
	"ringpace/media/record/vault"
)

const (
	// encrypted is what the path of an encrypted recording ends with, behind the pattern.
	encrypted = ".age"
	// sealing is what the name of a file ends with that is to replace a spool.
	sealing = ".sealing"
)

// Encrypted reports whether the path of a recording is that of an encrypted one.
func Encrypted(path string) bool { return strings.HasSuffix(path, encrypted) }

// label is what the encrypted file tells in the clear.
func (r *Recording) label() vault.Label {
	i := r.sheet.timeline.info
	return vault.Label{ID: i.id, Start: i.start, Format: i.format()}
}

// unsealed is the file that a recording is written to, by way of f, which is empty.
func (r *Recording) unsealed(f file) (file, error) {
	if r.recorder.readers == nil {
		return f, nil
	}
	spool, err := r.recorder.readers.NewSpool(f, r.label())
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return spool, nil
}

// seal puts the sealed file of a complete recording in the place of its spool, and on the
// disk, and describes it. After an error the spool is there still.
func (r *Recording) seal(marks []mark, sum *Summary) error {
	name := r.recorder.nameOf(sum.Path)
	f, err := r.replace(name, marks, sum)
	if err == nil {
		err = errors.Join(r.sheet.timeline.file.Close(), chain.SyncDir(filepath.Dir(name)))
		r.sheet.timeline.file, r.sheet.sealed = f, sum
	}
	if err != nil {
		r.recorder.disk.wrote(filepath.Dir(name), err)
	}
	return err
}

// replace writes the sealed file beside the spool, and then gives it the spool's name.
func (r *Recording) replace(name string, marks []mark, sum *Summary) (file, error) {
	if err := os.Remove(name + sealing); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err // of an attempt before
	}
	f, err := r.recorder.create(name + sealing)
	if err != nil {
		return nil, err
	}
	label := r.label()
	label.Duration = sum.Duration
	size, hash, err := r.recorder.readers.Seal(io.NewOffsetWriter(f, 0), r.sheet.timeline.whole(marks), label)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(name+sealing, name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(name+sealing))
	}
	sum.Bytes, sum.SHA256 = size, hash
	return f, nil
}

// inspectEncrypted describes an encrypted file of which there are no other figures. It
// changes nothing. The summary has no id if the file is of none of those wanted.
func inspectEncrypted(name string, wanted map[string]string) (Summary, error) {
	f, err := os.Open(name)
	if err != nil {
		return Summary{}, err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return Summary{}, err
	}
	if stat.Size() == 0 {
		return Summary{}, ErrEmpty
	}
	v, err := vault.Open(f, stat.Size())
	if err != nil {
		return Summary{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	i := info{id: v.ID, start: v.Start}
	if v.ID == "" || wanted[clean(v.ID)] != v.ID {
		return Summary{}, nil
	}
	if err := i.setFormat(v.Format); err != nil {
		return Summary{}, err
	}
	sum := Summary{
		ID: v.ID, Codec: i.codec, Start: v.Start, Duration: v.Duration, Bytes: stat.Size(), Complete: v.Sealed, Encrypted: true,
		Left: Channel{DBFS: MinLevel}, Right: Channel{DBFS: MinLevel},
	}
	if !v.Sealed {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			return Summary{}, fmt.Errorf("%w: it is being recorded", ErrBusy)
		}
		audio := v.Plain - int64(len(header(i, 0, 0)))
		if audio < 0 {
			return Summary{}, ErrEmpty
		}
		sum.Duration = duration(audio / i.frame())
	}
	sum.SHA256, err = digest(f, sum.Bytes, &workspace{})
	return sum, err
}
