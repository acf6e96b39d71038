package export

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ringpace/dialer/store"
)

// cursorFile holds, for each campaign, the stream id up to which the files before
// the last are written. It is replaced at each rotation, so that cursors outlive the
// deletion of the oldest files. The last file has the rest.
const cursorFile = "cursors.json"

// files is a directory of cdr-000001.jsonl and on; records go to the last one.
type files struct {
	dir      string
	maxBytes int64
	maxFiles int

	numbers []int // of the files there are, ascending; the last is open
	first   int   // the last one when the directory was opened
	file    *os.File
	size    int64
	cursors map[string]string // campaign -> stream id of its last record seen
}

func openFiles(dir string, maxBytes int64, maxFiles int) (*files, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f := &files{dir: dir, maxBytes: maxBytes, maxFiles: maxFiles, cursors: make(map[string]string)}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if n, ok := fileNumber(entry.Name()); ok {
			f.numbers = append(f.numbers, n)
		}
	}
	slices.Sort(f.numbers)
	if len(f.numbers) == 0 {
		f.numbers = []int{1}
	}
	f.first = f.numbers[len(f.numbers)-1]
	toScan := f.numbers[len(f.numbers)-1:]
	if err := f.readCursors(); err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		toScan = f.numbers
	}
	for _, n := range toScan {
		if err := f.scan(n); err != nil {
			return nil, err
		}
	}
	return f, f.openLast()
}

func (f *files) path(n int) string { return filepath.Join(f.dir, fmt.Sprintf("cdr-%06d.jsonl", n)) }

func fileNumber(name string) (int, bool) {
	digits, ok := strings.CutPrefix(name, "cdr-")
	digits, ok2 := strings.CutSuffix(digits, ".jsonl")
	n, err := strconv.Atoi(digits)
	return n, ok && ok2 && err == nil && n > 0
}

func (f *files) readCursors() error {
	text, err := os.ReadFile(filepath.Join(f.dir, cursorFile))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &f.cursors); err != nil {
		return fmt.Errorf("%s: %w", cursorFile, err)
	}
	return nil
}

// scan takes the cursors from a file's lines.
func (f *files) scan(n int) error {
	file, err := os.Open(f.path(n))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewReader(file)
	for {
		text, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // what follows the last line feed was torn, and is cut off
		}
		if err != nil {
			return err
		}
		var line struct {
			StreamID string `json:"stream_id"`
			Campaign string `json:"campaign"`
		}
		if json.Unmarshal(text, &line) == nil && later(line.StreamID, f.cursors[line.Campaign]) {
			f.cursors[line.Campaign] = line.StreamID
		}
	}
}

// later compares stream ids, "ms-sequence"; any is later than "".
func later(a, b string) bool {
	aMS, aSeq := splitID(a)
	bMS, bSeq := splitID(b)
	return aMS > bMS || aMS == bMS && aSeq > bSeq
}

func splitID(id string) (ms, seq uint64) {
	first, second, _ := strings.Cut(id, "-")
	ms, _ = strconv.ParseUint(first, 10, 64)
	seq, _ = strconv.ParseUint(second, 10, 64)
	return ms, seq
}

// openLast opens the last file for appending and cuts off a torn last line.
func (f *files) openLast() error {
	file, err := os.OpenFile(f.path(f.numbers[len(f.numbers)-1]), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	f.file = file
	if f.size, err = lastLineEnd(file); err == nil {
		err = f.cut()
	}
	if err != nil {
		file.Close()
	}
	return err
}

// lastLineEnd returns the length of a file up to and with its last line feed.
func lastLineEnd(file *os.File) (int64, error) {
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	block := make([]byte, 64<<10)
	for end > 0 {
		n := min(end, int64(len(block)))
		if _, err := file.ReadAt(block[:n], end-n); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(block[:n], '\n'); i >= 0 {
			return end - n + int64(i) + 1, nil
		}
		end -= n
	}
	return 0, nil
}

// cut makes the file as long as what was written whole.
func (f *files) cut() error {
	if err := f.file.Truncate(f.size); err != nil {
		return err
	}
	_, err := f.file.Seek(f.size, io.SeekStart)
	return err
}

// write appends a record. On an error nothing of it stays in the file.
func (f *files) write(rec store.StreamRecord) error {
	if f.size >= f.maxBytes {
		if err := f.rotate(); err != nil {
			return err
		}
	}
	text, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("record %s: %w", rec.ID, err)
	}
	text = append(text, '\n')
	if _, err := f.file.Write(text); err != nil {
		return errors.Join(err, f.cut())
	}
	f.size += int64(len(text))
	return nil
}

// rotate begins a new file. Order: the old file is on the disk, then the
// cursors that it holds, then the new file is made, then the oldest goes. After a
// crash at any point the cursors and the last file agree.
func (f *files) rotate() error {
	if err := f.file.Sync(); err != nil {
		return err
	}
	text, err := json.Marshal(f.cursors)
	if err != nil {
		return err
	}
	if err := replace(filepath.Join(f.dir, cursorFile), append(text, '\n')); err != nil {
		return err
	}
	next := f.numbers[len(f.numbers)-1] + 1
	file, err := os.OpenFile(f.path(next), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	closed := f.file.Close()
	f.file, f.size, f.numbers = file, 0, append(f.numbers, next)
	for f.maxFiles > 0 && len(f.numbers) > f.maxFiles {
		if err := os.Remove(f.path(f.numbers[0])); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(closed, err)
		}
		f.numbers = f.numbers[1:]
	}
	return closed
}

// replace writes a file whole or not at all.
func replace(path string, text []byte) error {
	file, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

func (f *files) sync() error { return f.file.Sync() }

func (f *files) close() error { return errors.Join(f.file.Sync(), f.file.Close()) }
