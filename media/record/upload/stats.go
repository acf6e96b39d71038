package upload

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Stats are an uploader's figures, the counts since it was started.
type Stats struct {
	Waiting  int       // recordings that the storage does not have yet
	Stuck    int       // of these, those that it does not get for a reason of their own
	Oldest   time.Time // when that of them which was kept first was; zero: none waits
	Uploaded uint64
	Failed   uint64 // attempts
	Bytes    uint64 // of what was uploaded
}

// Stats returns the figures.
func (u *Uploader) Stats() Stats {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.stats
}

// report brings the figures up to date.
func (u *Uploader) report(now time.Time) {
	oldest := time.Time{}
	older := func(at time.Time) {
		if oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
	}
	if e, ok := u.backlog.First(); ok {
		older(e.At)
	}
	for _, j := range u.pending {
		if u.backlog.Waits(j.Entry) {
			older(j.At)
		}
	}
	for _, j := range u.busy {
		older(j.At)
	}
	first := ""
	if len(u.stuck) > 0 {
		path := slices.Min(slices.Collect(maps.Keys(u.stuck)))
		first = fmt.Sprintf("%d recordings are not uploaded; the first, %s: %s", len(u.stuck), path, u.stuck[path])
		if len(u.stuck) == 1 {
			first = fmt.Sprintf("the recording %s is not uploaded: %s", path, u.stuck[path])
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stats.Waiting, u.stats.Stuck, u.stats.Oldest, u.first = u.backlog.Len(), len(u.stuck), oldest, first
}

// Trouble says in plain words why recordings are not uploaded, and what to do; empty where
// nothing is wrong, or not for long.
func (u *Uploader) Trouble() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.fault.scope == lasting:
		return u.fault.text
	case u.fault.text != "" && time.Since(u.since) >= u.pace.silence:
		return fmt.Sprintf("since %s nothing is uploaded: %s", u.since.Format(time.DateTime), u.fault.text)
	}
	return u.first
}

// Tampered says in plain words what was done to the chain's files since they were copied;
// empty if nothing was.
func (u *Uploader) Tampered() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.seen
}
