package journal

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
)

// Kinds of lines.
const (
	kindMark = 'M' // the state of an open id; a later one replaces it
	kindEnd  = 'E' // the end of an id
	kindDone = 'D' // the end was handed over; the id is forgotten
)

// A line of the file:
//
//	crc SP kind SP id [SP payload] LF
//
// where crc is the CRC-32C of what follows "crc SP", in eight hexadecimal digits.
// Neither id nor payload holds a line feed, so a torn or damaged line costs
// itself only: the reader goes on after the next line feed.
type line struct {
	kind    byte
	id      string
	payload []byte
}

var (
	errLine    = errors.New("journal: damaged line")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

func checkID(id string) error {
	if id == "" || bytes.ContainsAny([]byte(id), " \n") {
		return fmt.Errorf("journal: id %q is empty or has a space", id)
	}
	return nil
}

func appendLine(b []byte, l line) []byte {
	start := len(b)
	b = append(b, "00000000 "...)
	b = append(b, l.kind, ' ')
	b = append(b, l.id...)
	if len(l.payload) > 0 {
		b = append(b, ' ')
		b = append(b, l.payload...)
	}
	sum := crc32.Checksum(b[start+9:], castagnoli)
	copy(b[start:], fmt.Sprintf("%08x", sum))
	return append(b, '\n')
}

// parseLine reads a line without its line feed. The payload is a part of b.
func parseLine(b []byte) (line, error) {
	if len(b) < len("00000000 M i") || b[8] != ' ' || b[10] != ' ' {
		return line{}, errLine
	}
	sum, err := strconv.ParseUint(string(b[:8]), 16, 32)
	if err != nil || uint32(sum) != crc32.Checksum(b[9:], castagnoli) {
		return line{}, errLine
	}
	id, payload, _ := bytes.Cut(b[11:], []byte{' '})
	l := line{kind: b[9], id: string(id), payload: payload}
	switch l.kind {
	case kindMark, kindEnd, kindDone:
	default:
		return line{}, errLine
	}
	if checkID(l.id) != nil {
		return line{}, errLine
	}
	return l, nil
}
