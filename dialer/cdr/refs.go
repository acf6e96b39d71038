package cdr

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// maxRecord is more than a record takes, in octets.
const maxRecord = 4 << 20

// ChainLines returns the lines of the chain of recordings that the records of a directory
// of JSON lines name: what the chain can be held against.
func ChainLines(dir string) ([]string, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, fmt.Errorf("cdr: %w", err)
	}
	var lines []string
	for _, name := range names {
		more, err := chainLinesOf(name)
		if err != nil {
			return nil, fmt.Errorf("cdr: %s: %w", filepath.Base(name), err)
		}
		lines = append(lines, more...)
	}
	return lines, nil
}

func chainLinesOf(name string) (lines []string, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	err = eachLine(f, func(text []byte) error {
		var rec struct {
			Recording *struct {
				Chain string `json:"chain"`
			} `json:"recording"`
		}
		if err := json.Unmarshal(text, &rec); err != nil {
			return err
		}
		if rec.Recording != nil && rec.Recording.Chain != "" {
			lines = append(lines, rec.Recording.Chain)
		}
		return nil
	})
	return lines, err
}
