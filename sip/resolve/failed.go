package resolve

import (
	"net/netip"
	"slices"
	"time"
)

// A server that failed is tried last for that long: doubling with each failure in
// a row (RFC 3263 section 4.3 and RFC 3261 section 21.5.4).
const (
	failedFirst = 10 * time.Second
	failedMost  = 5 * time.Minute
	retryMost   = time.Hour // most that a Retry-After is believed
	maxFailed   = 1024
)

// where tells one server from another.
type where struct {
	transport string
	addr      netip.AddrPort
}

// failure is what is remembered of a server that failed.
type failure struct {
	until time.Time
	row   int // failures in a row
}

// Failed remembers that a server did not answer, or said 503: it is tried after all
// others for a while, at least retryAfter (the header's value, 0 for none).
func (r *Resolver) Failed(s Server, retryAfter time.Duration) {
	w, now := where{s.Transport, s.Addr}, r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	f, known := r.failed[w]
	if !known && len(r.failed) >= maxFailed {
		for k, old := range r.failed {
			if len(r.failed) >= maxFailed || now.After(old.until) {
				delete(r.failed, k)
			}
		}
	}
	wait := failedFirst << min(f.row, 10)
	f.row++
	f.until = now.Add(max(min(wait, failedMost), min(retryAfter, retryMost)))
	r.failed[w] = f
}

// Worked forgets the failures of a server.
func (r *Resolver) Worked(s Server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.failed, where{s.Transport, s.Addr})
}

// FailedUntil is until when a server counts as failed; zero if it does not.
func (r *Resolver) FailedUntil(s Server) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.failed[where{s.Transport, s.Addr}]; r.now().Before(f.until) {
		return f.until
	}
	return time.Time{}
}

// byHealth puts the servers that failed lately behind all others, the one whose
// time is over first before the rest.
func (r *Resolver) byHealth(servers []Server) []Server {
	slices.SortStableFunc(servers, func(a, b Server) int {
		return r.FailedUntil(a).Compare(r.FailedUntil(b))
	})
	return servers
}
