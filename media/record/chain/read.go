package chain

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// maxLine is more than any line takes.
const maxLine = 64 << 10

// How lines begin and what some hold, to tell them apart without parsing all of a year.
var (
	numberMark   = []byte(`{"n":`)
	heldMark     = []byte(`"kind":"` + string(Held) + `"`)
	releasedMark = []byte(`"kind":"` + string(Released) + `"`)
)

// eachLine calls f with each line of a file and its newline, which whole says is there.
// The line is only lent.
func eachLine(name string, f func(line []byte, whole bool) error) error {
	return eachLineFrom(name, 0, f)
}

// eachLineFrom is eachLine for what lies behind an offset.
func eachLineFrom(name string, offset int64, f func(line []byte, whole bool) error) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	r := bufio.NewReaderSize(file, maxLine)
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return fmt.Errorf("%s: a line is longer than %d octets", filepath.Base(name), maxLine)
		}
		if err != nil && err != io.EOF {
			return err
		}
		if len(line) > 0 {
			if err := f(line, err == nil); err != nil {
				return err
			}
		}
		if err != nil {
			return nil
		}
	}
}

// numberOf is the number that a line says to have, or otherwise where it says none.
func numberOf(line []byte, otherwise int64) int64 {
	rest, ok := bytes.CutPrefix(line, numberMark)
	digits, _, ended := bytes.Cut(rest, []byte{','})
	n, err := strconv.ParseInt(string(digits), 10, 64)
	if !ok || !ended || err != nil {
		return otherwise
	}
	return n
}

// lookBack is in how many days' files a recording that was not finished is looked for.
const lookBack = 5

// Unfinished returns the recordings that were begun in the last days, and neither kept nor
// given up.
func Unfinished(root string) ([]Entry, error) {
	days, err := dayNames(root)
	if err != nil {
		return nil, err
	}
	begun := map[string]Entry{} // by path
	var order []string
	for _, day := range days[max(len(days)-lookBack, 0):] {
		err := eachLine(filepath.Join(root, Folder, day+extension), func(line []byte, _ bool) error {
			e, err := parseLine(line)
			switch {
			case err != nil || e.Path == "" || e.Kind == Day || e.Kind == Held || e.Kind == Released:
			case e.Kind == Began:
				begun[e.Path] = e
				order = append(order, e.Path)
			default:
				delete(begun, e.Path)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("chain: %w", err)
		}
	}
	var list []Entry
	for _, path := range order {
		if e, ok := begun[path]; ok {
			list = append(list, e)
			delete(begun, path)
		}
	}
	return list, nil
}
