package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"ringpace/media/record/chain"
)

// recover sees to the recordings that a process that died was at: what was written is
// made whole, and the chain gets a line of it. Those that another process is at are left
// alone.
func (r *Recorder) recover() error {
	list, err := chain.Unfinished(r.cfg.Dir)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	for _, e := range list {
		line, ok := r.salvage(e)
		if !ok {
			continue
		}
		if line.Kind == chain.Lost {
			r.log.Error("a recording that was cut off is lost", "id", e.ID, "path", e.Path, "why", line.Why)
		} else {
			r.log.Warn("a recording that was cut off is made whole", "id", e.ID, "path", e.Path, "ms", line.DurationMS)
		}
		if _, err := r.chain.Append(line); err != nil {
			return fmt.Errorf("record: %w", err)
		}
	}
	if len(list) == 0 {
		return nil
	}
	if err := r.chain.Sync(); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return nil
}

// salvage makes one file whole and returns its line; false where it is not to be
// touched.
func (r *Recorder) salvage(e chain.Entry) (chain.Entry, bool) {
	name := filepath.Join(r.cfg.Dir, filepath.FromSlash(e.Path))
	lost := chain.Entry{Kind: chain.Lost, ID: e.ID, Path: e.Path, Start: e.Start}
	stat, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		lost.Why = "its file was not there after a restart"
		return lost, true
	case err == nil && stat.Size() == 0:
		lost.Why = "its file was empty after a restart"
		return lost, os.Remove(name) == nil
	}
	sum, err := inspect(name, map[string]string{clean(e.ID): e.ID})
	switch {
	case errors.Is(err, ErrBusy):
		return lost, false
	case err != nil:
		lost.Why = err.Error()
		return lost, true
	case sum.ID == "":
		lost.Why = "its file is of another recording"
		return lost, true
	}
	if sum.Encrypted {
		_ = os.Remove(name + sealing) // the process may have died at it; nobody could finish it
	}
	sum.Path = e.Path
	return sum.entry(chain.Salvaged), true
}
