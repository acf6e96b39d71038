package cdr

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Read reads records from JSON lines, as the export writes them, and calls each for one
// after the other. A last line without a line feed is being written, and passed over.
// Blank lines are too. Its errors, and those of each, tell the line.
func Read(r io.Reader, each func(*Record) error) error {
	return eachLine(r, func(text []byte) error {
		var rec Record
		if err := json.Unmarshal(text, &rec); err != nil {
			return fmt.Errorf("no call detail record: %w", err)
		}
		if !rec.Outcome.Valid() {
			return fmt.Errorf("no call detail record: no outcome %q", rec.Outcome)
		}
		return each(&rec)
	})
}

// eachLine calls each with every whole line that is not blank.
func eachLine(r io.Reader, each func(text []byte) error) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	for number := 1; ; number++ {
		text, err := whole(lines)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && len(text) > 0 {
			err = each(text)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
}

// whole is the next line, without blanks about it; io.EOF where none is whole.
func whole(lines *bufio.Reader) ([]byte, error) {
	var text []byte
	for {
		part, err := lines.ReadSlice('\n')
		text = append(text, part...)
		if len(text) > maxRecord {
			return nil, fmt.Errorf("more than %d octets are no record", maxRecord)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimSpace(text), err
		}
	}
}
