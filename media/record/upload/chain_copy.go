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

// copyChain keeps the storage's copy of the chain's files up to date.
func (u *Uploader) copyChain(ctx context.Context) {
	copied := map[string]int64{} // by day's file: how much of it the storage has
	ticker := time.NewTicker(u.pace.copies)
	defer ticker.Stop()
	for {
		if err := u.copyDays(ctx, copied); err != nil && ctx.Err() == nil {
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
// power cut does not leave the copy with more.
func (u *Uploader) copyDays(ctx context.Context, copied map[string]int64) error {
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
	for _, rel := range days {
		if had, ok := copied[rel]; ok && had == sizes[rel] {
			continue
		}
		size, err := u.copyDay(ctx, rel, sizes[rel])
		if err != nil {
			return fmt.Errorf("%s: %w", path.Base(rel), err)
		}
		copied[rel] = size
	}
	return nil
}

// copyDay uploads the whole lines of one file, if they go on from what the storage has.
func (u *Uploader) copyDay(ctx context.Context, rel string, size int64) (int64, error) {
	f, err := openFile(u.cfg.Dir, rel)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if size, err = wholeLines(f, size); err != nil {
		return 0, err
	}
	had, sum, err := u.storage.copyOf(ctx, rel)
	switch {
	case statusOf(err) == 0 && err != nil:
		return 0, err
	case err == nil && !isBegin(ctx, f, size, had, sum):
		u.tampered(fmt.Sprintf("%s does not go on from the copy at %s, which stays as it is (or another node has the same recording.upload.prefix)", rel, u.Object(rel)))
		return size, nil
	case err == nil && had == size:
		return size, nil
	}
	c, err := measure(ctx, f, size)
	if err != nil {
		return 0, err
	}
	return size, u.storage.put(ctx, rel, "application/jsonl", c)
}

// isBegin reports whether a file of that size begins with what has that size and SHA-256.
func isBegin(ctx context.Context, f io.ReaderAt, size, had int64, sum string) bool {
	if had > size {
		return false
	}
	c, err := measure(ctx, f, had)
	return err != nil || c.sha256 == sum
}

// copyOf asks how large the copy of a file is, and what SHA-256 it was given.
func (s *storage) copyOf(ctx context.Context, rel string) (size int64, sum string, err error) {
	ctx, w := watch(ctx, s.stall)
	defer w.stop()
	info, err := s.core.StatObject(ctx, s.bucket, s.key(rel), statOptions())
	if err != nil {
		return 0, "", w.cause(err)
	}
	return info.Size, info.UserMetadata[sumKey], nil
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
