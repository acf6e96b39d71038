package record

import (
	"errors"
	"fmt"

	"ringpace/media/record/chain"
)

// Kept gives a nudge after recordings were completed and the chain's lines of them are on
// the disk. One reader gets it.
func (r *Recorder) Kept() <-chan struct{} { return r.sealer.kept }

// Uploaded notes in the chain, and on the disk, that an object storage was proven to have
// the file of a recording; the entry is the line that it is kept by, and object says where
// it is now.
func (r *Recorder) Uploaded(kept chain.Entry, object string) error {
	_, err := r.chain.Append(chain.Entry{
		Kind: chain.Uploaded, ID: kept.ID, Path: kept.Path, Start: kept.Start, Bytes: kept.Bytes, SHA256: kept.SHA256, Object: object,
	})
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return r.SyncChain()
}

// Clear removes the file of a recording that has been uploaded, with a line in the chain
// that says where it is now. The error wraps chain.ErrHeld where it is under legal hold:
// then the file stays.
func (r *Recorder) Clear(uploaded chain.Entry) error {
	err := r.chain.Remove(chain.Entry{Kind: chain.Cleared, ID: uploaded.ID, Path: uploaded.Path, Object: uploaded.Object})
	if err != nil && !errors.Is(err, chain.ErrHeld) {
		return fmt.Errorf("record: %w", err)
	}
	return err
}

// SyncChain brings all lines of the chain to the disk.
func (r *Recorder) SyncChain() error { return r.chain.Sync() }
