package record

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"ringpace/media/quality"
	"ringpace/media/record/chain"
)

// Find returns what the file of an id holds, after a crash that took its figures. A
// file that was cut off is repaired: its header is made to say what is there; an encrypted
// one stays as it is, and Decrypt does that. Errors wrap ErrNotFound or ErrDamaged, or
// ErrEmpty.
func Find(dir, id string) (Summary, error) {
	found, err := FindAll(dir, []string{id})
	if err != nil {
		return Summary{}, err
	}
	sum, ok := found[id]
	if !ok {
		return Summary{}, fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	return sum, nil
}

// FindAll is Find for many ids, in one walk through the directory. Ids without a
// file are not in the result. Files that are damaged are left out and told in the
// error, which wraps ErrDamaged; the result holds all others.
func FindAll(dir string, ids []string) (map[string]Summary, error) {
	wanted := make(map[string]string, len(ids)) // by how it stands in file names
	for _, id := range ids {
		wanted[clean(id)] = id
	}
	found := make(map[string]Summary)
	var damaged []error
	err := chain.Walk(dir, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // no directory yet, or a file that went while we walked
		}
		if err != nil {
			return err
		}
		plain := strings.TrimSuffix(d.Name(), encrypted)
		if !d.Type().IsRegular() || filepath.Ext(plain) != ".wav" || !mentions(plain, wanted) {
			return nil
		}
		sum, err := inspect(name, wanted)
		if err != nil {
			damaged = append(damaged, fmt.Errorf("%s: %w", name, err))
			return nil
		}
		if sum.ID == "" {
			return nil // of another id that contains this one
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		sum.Path = filepath.ToSlash(rel)
		found[sum.ID] = sum
		if len(found) == len(wanted) {
			return fs.SkipAll
		}
		return nil
	})
	return found, errors.Join(append(damaged, err)...)
}

// mentions reports whether a file name holds one of the ids.
func mentions(name string, wanted map[string]string) bool {
	// The usual pattern names the file by the id alone.
	if _, ok := wanted[strings.TrimSuffix(name, ".wav")]; ok {
		return true
	}
	for id := range wanted {
		if strings.Contains(name, id) {
			return true
		}
	}
	return false
}

// maxHead is more than any header of ours takes.
const maxHead = 4096

// inspect reads one file, and repairs it if it was cut off. The summary has no id
// if the file is of none of those wanted.
func inspect(name string, wanted map[string]string) (Summary, error) {
	if Encrypted(name) {
		return inspectEncrypted(name, wanted)
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return Summary{}, err
	}
	defer f.Close()
	w, size, err := readHead(f)
	if err != nil {
		return Summary{}, err
	}
	if wanted[clean(w.id)] != w.id {
		return Summary{}, nil
	}
	sum := Summary{ID: w.id, Codec: w.codec, Start: w.start, Complete: w.complete, Bytes: size, Measured: true}
	if !w.complete {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			return Summary{}, fmt.Errorf("%w: it is being recorded", ErrBusy)
		}
		if w.frames, sum.Bytes, err = repair(f, w, size); err != nil {
			return Summary{}, err
		}
	}
	if sum.SHA256, err = digest(f, sum.Bytes, &workspace{}); err != nil {
		return Summary{}, err
	}
	sum.Duration = duration(w.frames)
	sum.Left.DBFS, sum.Right.DBFS, sum.Quality, err = levels(f, w)
	return sum, err
}

// readHead reads the head of a file, and how many octets the file has.
func readHead(f *os.File) (w wave, size int64, err error) {
	head := make([]byte, maxHead)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return w, 0, err
	}
	if n == 0 {
		return w, 0, ErrEmpty
	}
	if w, err = parseWave(head[:n]); err != nil {
		return w, 0, err
	}
	stat, err := f.Stat()
	if err != nil {
		return w, 0, err
	}
	return w, stat.Size(), nil
}

// repair makes the header say what the file holds and returns that. Audio that was
// written after the last header counts; the marks of pauses behind it, which only a
// complete file has, go.
func repair(f *os.File, w wave, size int64) (frames, bytes int64, err error) {
	frames = min((size-w.dataAt)/w.frame(), w.maxFrames())
	mark := make([]byte, 4)
	if end := w.dataAt + w.frames*w.frame(); size-end >= 4 {
		if _, err := f.ReadAt(mark, end); err != nil {
			return 0, 0, err
		}
		if string(mark) == "cue " {
			frames = w.frames
		}
	}
	bytes = w.dataAt + frames*w.frame()
	head := header(w.info, frames, 0)
	if int64(len(head)) != w.dataAt { // ours would cover audio, or leave a hole
		return 0, 0, fmt.Errorf("%w: its header is not one that we write", ErrDamaged)
	}
	if err := f.Truncate(bytes); err != nil {
		return 0, 0, err
	}
	if _, err := f.WriteAt(head, 0); err != nil {
		return 0, 0, err
	}
	return frames, bytes, f.Sync()
}

// levels measures a file: the mean level of both channels, silence included, and what
// it sounds like.
func levels(f io.ReaderAt, w wave) (leftLevel, rightLevel float64, sound quality.Figures, err error) {
	var meters [channels]levelMeter
	meter := quality.NewMeter(w.codec)
	block := make([]byte, 64<<10)
	lane := make([]byte, len(block)/channels)
	audio := io.NewSectionReader(f, w.dataAt, w.frames*w.frame())
	for {
		n, err := io.ReadFull(audio, block)
		if w.linear {
			for c := range meters {
				meters[c].addLinear(block[:n], c)
			}
			meter.AddLinear(block[:n])
		} else {
			for c := range meters {
				for i := range n / channels {
					lane[i] = block[i*channels+c]
				}
				meters[c].add(lane[:n/channels], w.codec)
			}
			meter.Add(block[:n])
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return meters[left].dbfs(), meters[right].dbfs(), meter.Figures(0), nil
		}
		if err != nil {
			return 0, 0, quality.Figures{}, err
		}
	}
}
