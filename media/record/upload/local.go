package upload

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"ringpace/media/record/chain"
)

// openFile opens a recording.
func openFile(dir, rel string) (*os.File, error) {
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(rel)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("its file is not there; ringpace recordings verify tells more")
	}
	return f, err
}

// sweep removes the files of recordings that were uploaded long enough ago.
func (u *Uploader) sweep(ctx context.Context) {
	clearer := chain.NewClearer(u.cfg.Dir)
	ticker := time.NewTicker(u.pace.sweep)
	defer ticker.Stop()
	for {
		list, err := clearer.Expired(time.Now().Add(-u.cfg.KeepLocal))
		if err != nil {
			u.log.Error("the files of uploaded recordings cannot be found", "error", err)
		}
		for _, e := range list {
			if ctx.Err() != nil {
				return
			}
			u.clear(e)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// clear removes the file of a recording that has been uploaded. One under legal hold
// stays, and so does one that has changed since.
func (u *Uploader) clear(uploaded chain.Entry) {
	stat, err := os.Lstat(filepath.Join(u.cfg.Dir, filepath.FromSlash(uploaded.Path)))
	if err != nil || stat.Size() != uploaded.Bytes {
		return
	}
	if err := u.recorder.Clear(uploaded); err != nil && !errors.Is(err, chain.ErrHeld) {
		u.log.Error("the file of an uploaded recording cannot be removed", "path", uploaded.Path, "error", err)
	}
}
