package record

// Stats are a recorder's figures now.
type Stats struct {
	Open int   // recordings under way
	Free int64 // octets left on the disk, some seconds ago at most
}

// Stats returns the figures.
func (r *Recorder) Stats() Stats {
	r.mu.Lock()
	open := len(r.open)
	r.mu.Unlock()
	r.disk.mu.Lock()
	defer r.disk.mu.Unlock()
	return Stats{Open: open, Free: r.disk.free}
}
