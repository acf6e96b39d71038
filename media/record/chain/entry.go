package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Kind says what happened to a recording.
type Kind string

const (
	Day       Kind = "day"       // a day begins; Path is its date
	Began     Kind = "began"     // a recording was begun, its file made
	Kept      Kind = "kept"      // it is whole and its file will not change any more
	Salvaged  Kind = "salvaged"  // the same for one that a crash cut off
	Lost      Kind = "lost"      // it could not be kept; Why says why
	Discarded Kind = "discarded" // it was not to be kept, and was removed
	Deleted   Kind = "deleted"   // it was removed after it had been kept
	Uploaded  Kind = "uploaded"  // an object storage was proven to have it, as Object
	Cleared   Kind = "cleared"   // its file was removed here, since an object storage has it
	Held      Kind = "held"      // it must not be removed
	Released  Kind = "released"  // it may be again
)

// Entry is a line of the chain. The order of its fields is the order in the file.
type Entry struct {
	N          int64     `json:"n"` // of the line, from 1, through all days
	At         time.Time `json:"at"`
	Kind       Kind      `json:"kind"`
	ID         string    `json:"id,omitempty"`
	Path       string    `json:"path,omitempty"` // relative to the recording directory, with slashes
	Start      time.Time `json:"start,omitzero"` // of the first sample
	DurationMS int64     `json:"duration_ms,omitempty"`
	Bytes      int64     `json:"bytes,omitempty"`
	SHA256     string    `json:"sha256,omitempty"` // of the file, in hex
	Object     string    `json:"object,omitempty"` // where an object storage has it: s3://BUCKET/KEY
	By         string    `json:"by,omitempty"`     // who asked for it
	Why        string    `json:"why,omitempty"`
	Prev       string    `json:"prev"` // SHA-256 of the line before, in hex
}

// origin is what the first line of all has for the line before it.
var origin = strings.Repeat("0", 2*sha256.Size)

// ErrRef is told of a text that is no Ref.
var ErrRef = errors.New("chain: not a reference to a line, such as 42:9f86d0…")

// Ref names a line by its number and its SHA-256, which vouches for all lines before it.
type Ref struct {
	N    int64
	Hash string // hex
}

// String is what ParseRef reads: the number, a colon, the hash. It is empty for no line.
func (r Ref) String() string {
	if r.N == 0 {
		return ""
	}
	return fmt.Sprintf("%d:%s", r.N, r.Hash)
}

// ParseRef reads what String wrote. The error wraps ErrRef.
func ParseRef(s string) (Ref, error) {
	number, hash, _ := strings.Cut(s, ":")
	n, err := strconv.ParseInt(number, 10, 64)
	sum, bad := hex.DecodeString(hash)
	if err != nil || n < 1 || bad != nil || len(sum) != sha256.Size {
		return Ref{}, fmt.Errorf("%w: %q", ErrRef, s)
	}
	return Ref{n, strings.ToLower(hash)}, nil
}

// appendLine appends the entry as a line.
func appendLine(b []byte, e Entry) ([]byte, error) {
	line, err := json.Marshal(e)
	if err != nil {
		return b, err
	}
	return append(append(b, line...), '\n'), nil
}

// parseLine reads a line, with or without its newline.
func parseLine(line []byte) (Entry, error) {
	var e Entry
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return e, err
	}
	if d.More() || e.N < 1 || e.Kind == "" {
		return e, errors.New("not a line of a chain")
	}
	return e, nil
}

// hashOf is the SHA-256 of a line with its newline, in hex.
func hashOf(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}
