package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// FileName is where a node's memory lies in Config.Dir.
const FileName = "ledger.json"

const fileVersion = 1

// file is the JSON form of a memory.
type file struct {
	Version   int                     `json:"version"`
	Campaigns map[string]fileCampaign `json:"campaigns"`
}

type fileCampaign struct {
	First string                      `json:"first,omitempty"`
	Days  map[string]map[string]int64 `json:"days"`
}

// parseFile reads what text made.
func parseFile(text []byte) (map[string]*seen, error) {
	var f file
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, err
	}
	if f.Version != fileVersion {
		return nil, fmt.Errorf("version %d is not known", f.Version)
	}
	campaigns := make(map[string]*seen)
	for name, c := range f.Campaigns {
		s := &seen{first: never, days: make(map[date]fields)}
		if c.First != "" {
			first, err := parseDate(c.First)
			if err != nil {
				return nil, err
			}
			s.first = first
		}
		for day, counts := range c.Days {
			d, err := parseDate(day)
			if err != nil {
				return nil, err
			}
			for field, n := range counts {
				if n < 0 {
					return nil, fmt.Errorf("%w: %s of %s is %d", ErrCount, field, day, n)
				}
			}
			s.days[d] = counts
		}
		campaigns[name] = s
	}
	return campaigns, nil
}

// text is the file's content, without the days that no window holds any more. It returns
// nil where nothing has changed since the last.
func (m *memory) text() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.changed {
		return nil, nil
	}
	f := file{Version: fileVersion, Campaigns: make(map[string]fileCampaign)}
	for name, s := range m.campaigns {
		c := fileCampaign{Days: make(map[string]map[string]int64)}
		if s.first != never {
			c.First = s.first.String()
		}
		newest := date(0)
		for d := range s.days {
			newest = max(newest, d)
		}
		for d, counts := range s.days {
			if d <= newest-rememberDays {
				delete(s.days, d)
				continue
			}
			c.Days[d.String()] = counts
		}
		f.Campaigns[name] = c
	}
	m.changed = false
	return json.Marshal(f)
}

// stale says that the text did not come to the disk.
func (m *memory) stale() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changed = true
}

// readFile returns what a former process knew. A file that cannot be understood is as
// none: Redis has the counts.
func readFile(dir string) (campaigns map[string]*seen, damage, err error) {
	text, err := os.ReadFile(filepath.Join(dir, FileName))
	if errors.Is(err, os.ErrNotExist) {
		return make(map[string]*seen), nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if campaigns, err = parseFile(text); err != nil {
		return make(map[string]*seen), err, nil
	}
	return campaigns, nil, nil
}

// writeFile replaces the file, so that a crash leaves the old one or the new.
func writeFile(dir string, text []byte) (err error) {
	f, err := os.CreateTemp(dir, FileName+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(slices.Clip(text), '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, FileName))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
