package record

import "time"

// Stats are a recorder's figures now.
type Stats struct {
	Open int   // recordings under way
	Free int64 // octets left on the disk, some seconds ago at most

	// Since the recorder was made:
	Dropped   int64         // packets that found no room in memory while the disk stalled
	Unwritten time.Duration // what recordings that are over lack through the disk's fault
}

// Stats returns the figures.
func (r *Recorder) Stats() Stats {
	r.mu.Lock()
	open := len(r.open)
	r.mu.Unlock()
	r.disk.mu.Lock()
	defer r.disk.mu.Unlock()
	return Stats{Open: open, Free: r.disk.free, Dropped: r.dropped.Load(), Unwritten: time.Duration(r.unwritten.Load())}
}
