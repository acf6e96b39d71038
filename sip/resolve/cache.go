package resolve

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"

	"ringpace/sip/fault"
)

// How long a failed question is not asked again, how long one waits for a newer
// answer where an old one would do (RFC 8767 section 5), and how long the name
// service may take in all.
const (
	retryAfter  = 5 * time.Second
	staleWait   = 500 * time.Millisecond
	lookupLimit = 10 * time.Second
)

// key is a question: a lower-case name without its final dot, and a record type.
type key struct {
	name string
	kind uint16
}

func (k key) String() string { return dns.TypeToString[k.kind] + " of " + k.name }

// entry is the answer to a question, or why there is none.
type entry struct {
	rrs   []dns.RR // of the type asked for, CNAMEs followed; never changed
	err   error
	fresh time.Time // not asked again before
	stale time.Time // rrs may serve until then when nobody answers
}

// flight is a question on its way.
type flight struct {
	done   chan struct{} // closed when result is set
	result entry
}

// lookup returns the records of a question, of memory or from the name service.
// At least one, or an error.
func (r *Resolver) lookup(ctx context.Context, k key) ([]dns.RR, error) {
	now := r.now()
	r.mu.Lock()
	e, known := r.entries[k]
	if known && now.Before(e.fresh) {
		r.mu.Unlock()
		return e.rrs, e.err
	}
	f := r.flights[k]
	if f == nil {
		if r.closed || len(r.flights) >= maxFlights {
			r.mu.Unlock()
			return nil, fmt.Errorf("%w for %s: too many questions at once", ErrNoAnswer, k)
		}
		f = &flight{done: make(chan struct{})}
		r.flights[k] = f
		r.work.Go(func() { r.ask(k, f) })
	}
	r.mu.Unlock()
	var enough <-chan time.Time
	if len(e.rrs) > 0 && now.Before(e.stale) {
		timer := time.NewTimer(staleWait)
		defer timer.Stop()
		enough = timer.C
	}
	select {
	case <-f.done:
		return f.result.rrs, f.result.err
	case <-enough:
		return e.rrs, nil
	case <-ctx.Done():
		return nil, r.gaveUp(ctx, k)
	}
}

// gaveUp is why a question has no answer whose asker waits no longer.
func (r *Resolver) gaveUp(ctx context.Context, k key) error {
	var asked []string
	for _, server := range r.system.servers() {
		asked = append(asked, server.String())
	}
	return fmt.Errorf("%w for %s: asked %s (%w)", ErrNoAnswer, k, strings.Join(asked, ", "), fault.Plain(context.Cause(ctx)))
}

// refresh asks the name service and files what it says.
func (r *Resolver) refresh(ctx context.Context, k key, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, lookupLimit)
	defer cancel()
	rrs, ttl, err := r.exchange(ctx, k)
	now := r.now()
	e := entry{rrs: rrs, err: err}
	switch {
	case err == nil:
		e.fresh = now.Add(min(max(ttl, r.cfg.MinTTL), r.cfg.MaxTTL))
		e.stale = e.fresh.Add(r.cfg.Stale)
	case errors.Is(err, ErrNotFound):
		e.fresh = now.Add(min(max(ttl, r.cfg.MinTTL), r.cfg.NegativeTTL))
	default:
		e.fresh = now.Add(retryAfter)
	}
	r.mu.Lock()
	if old := r.entries[k]; errors.Is(err, ErrNoAnswer) && len(old.rrs) > 0 && now.Before(old.stale) {
		e.rrs, e.err, e.stale = old.rrs, nil, old.stale
	}
	if _, known := r.entries[k]; !known && len(r.entries) >= maxEntries {
		r.forget(now)
	}
	r.entries[k] = e
	delete(r.flights, k)
	r.mu.Unlock()
	f.result = e
	close(f.done)
}

// forget makes room for an entry: what has run out goes, else any tenth. r.mu is
// held.
func (r *Resolver) forget(now time.Time) {
	for k, e := range r.entries {
		if now.After(e.fresh) && now.After(e.stale) {
			delete(r.entries, k)
		}
	}
	for k := range r.entries {
		if len(r.entries) <= maxEntries*9/10 {
			return
		}
		delete(r.entries, k)
	}
}
