package upload

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"ringpace/media/record/chain"
)

// copied is what is known of the copy of a file of the chain.
type copied struct {
	looked int64  // at so many octets of the file here
	size   int64  // of the copy, when it was last seen or made
	sum    string // its SHA-256, in hex; "" where that is not known
}

// copyChain keeps the storage's copy of the chain's files up to date.
func (u *Uploader) copyChain(ctx context.Context) {
	copies := map[string]copied{} // by day's file
	ticker := time.NewTicker(u.pace.copies)
	defer ticker.Stop()
	for {
		if err := u.copyDays(ctx, copies); err != nil && ctx.Err() == nil {
			u.log.Warn("the chain of recordings is not copied to the storage; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// copyDays uploads the files that have grown. What goes up is on the disk here, so that a
// power cut does not leave the copy with more. A fault of one file holds up no other; the
// first is returned.
func (u *Uploader) copyDays(ctx context.Context, copies map[string]copied) error {
	days, err := fs.Glob(os.DirFS(u.cfg.Dir), chain.Folder+"/*.jsonl")
	if err != nil {
		return err
	}
	sizes := map[string]int64{}
	for _, rel := range days {
		stat, err := os.Stat(filepath.Join(u.cfg.Dir, filepath.FromSlash(rel)))
		if err != nil {
			return err
		}
		sizes[rel] = stat.Size()
	}
	if err := u.recorder.SyncChain(); err != nil {
		return err
	}
	var first error
	for _, rel := range days {
		known, ok := copies[rel]
		if ok && known.looked == sizes[rel] {
			continue
		}
		now, err := u.copyDay(ctx, rel, sizes[rel], known)
		if err == nil {
			copies[rel] = now
			continue
		}
		if first == nil {
			first = fmt.Errorf("%s: %w", path.Base(rel), err)
		}
		if ctx.Err() != nil || u.faultOf(err).scope != single {
			break
		}
	}
	return first
}

// copyDay uploads the whole lines of one file, if they go on from what the storage has, and
// from what it is known to have had. It returns what is known from then on.
func (u *Uploader) copyDay(ctx context.Context, rel string, size int64, known copied) (copied, error) {
	f, err := openFile(u.cfg.Dir, rel)
	if err != nil {
		return copied{}, localError{err}
	}
	defer f.Close()
	if size, err = wholeLines(f, size); err != nil {
		return copied{}, localError{err}
	}
	seen, unseen := u.storage.copyOf(ctx, rel)
	if unseen != nil && !isUnseen(unseen) {
		return copied{}, unseen // there may be a copy
	}
	if known.sum == "" {
		known = seen
	}
	begins, err := isBegin(ctx, f, size, known)
	if err == nil && begins && seen.sum != known.sum {
		begins, err = isBegin(ctx, f, size, seen)
	}
	switch {
	case err != nil:
		return copied{}, localError{err}
	case !begins:
		u.tampered(fmt.Sprintf("%s does not go on from the copy at %s, which stays as it is (or another node has the same recording.upload.prefix)", rel, u.Object(rel)))
		known.looked = size
		return known, nil
	}
	if unseen == nil && seen.size == size {
		return copied{looked: size, size: size, sum: seen.sum}, nil
	}
	c, err := measure(ctx, f, size)
	if err != nil {
		return copied{}, localError{err}
	}
	const kind = "application/jsonl"
	if unseen == nil || isRefused(unseen) && known.sum != "" { // what a key that may not read has written is known
		err = u.storage.put(ctx, rel, kind, c, false)
	} else {
		err = u.storage.create(ctx, rel, kind, c, unseen)
	}
	return copied{looked: size, size: size, sum: c.sha256}, err
}

// isBegin reports whether a file of that size begins with what a copy holds.
func isBegin(ctx context.Context, f io.ReaderAt, size int64, had copied) (bool, error) {
	if had == (copied{}) {
		return true, nil
	}
	if had.size > size {
		return false, nil
	}
	c, err := measure(ctx, f, had.size)
	return c.sha256 == had.sum, err
}

// copyOf asks how large the copy of a file is, and what SHA-256 it was given. Where none is
// seen, the error isUnseen.
func (s *storage) copyOf(ctx context.Context, rel string) (copied, error) {
	ctx, w := watch(ctx, s.stall)
	defer w.stop()
	info, err := s.stat(ctx, rel)
	if err != nil {
		return copied{}, w.cause(err)
	}
	return copied{size: info.Size, sum: info.UserMetadata[sumKey]}, nil
}

// wholeLines is how much of the first size octets is lines that are whole.
func wholeLines(f io.ReaderAt, size int64) (int64, error) {
	block := make([]byte, min(size, 64<<10))
	n, err := f.ReadAt(block, size-int64(len(block)))
	if err != nil && err != io.EOF {
		return 0, err
	}
	return size - int64(len(block)) + int64(bytes.LastIndexByte(block[:n], '\n')+1), nil
}

// tampered notes the first thing that is seen.
func (u *Uploader) tampered(what string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.seen == "" {
		u.seen = what
	}
}
