package resolve

import (
	"slices"

	"github.com/miekg/dns"
)

// byWeight orders SRV records for one request: by priority, and within one
// priority at random, each with a chance by its weight (RFC 2782, "Weight").
func (r *Resolver) byWeight(records []*dns.SRV) {
	slices.SortStableFunc(records, func(a, b *dns.SRV) int {
		if a.Priority != b.Priority {
			return int(a.Priority) - int(b.Priority)
		}
		return int(min(a.Weight, 1)) - int(min(b.Weight, 1)) // those of weight 0 first
	})
	for len(records) > 0 {
		n := 1
		for n < len(records) && records[n].Priority == records[0].Priority {
			n++
		}
		r.shuffle(records[:n])
		records = records[n:]
	}
}

// shuffle draws the records of one priority one after the other.
func (r *Resolver) shuffle(records []*dns.SRV) {
	for i := range records {
		var sum uint
		for _, srv := range records[i:] {
			sum += uint(srv.Weight)
		}
		mark := r.draw(sum + 1)
		sum = 0
		for j := i; j < len(records); j++ {
			if sum += uint(records[j].Weight); sum >= mark {
				chosen := records[j]
				copy(records[i+1:j+1], records[i:j]) // the rest keeps its order
				records[i] = chosen
				break
			}
		}
	}
}
