package dialer

import (
	"sync"

	"github.com/oklog/ulid/v2"
)

// newID makes an attempt's id: a ULID, so that ids sort by time.
func newID() string { return ulid.Make().String() }

// calls is the register of the calls with customers, out and in, that run on this node. mu protects live;
// wg counts the same, to be waited for.
type calls struct {
	mu   sync.Mutex
	live map[string]*customer
	wg   sync.WaitGroup
}

func newCalls() *calls { return &calls{live: map[string]*customer{}} }

// start runs an attempt and keeps it in the register until it has ended.
func (c *calls) start(a *customer, run func()) {
	c.mu.Lock()
	c.live[a.rec.ID] = a
	c.mu.Unlock()
	c.wg.Go(func() {
		run()
		c.mu.Lock()
		delete(c.live, a.rec.ID)
		c.mu.Unlock()
	})
}

func (c *calls) find(id string) *customer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.live[id]
}

func (c *calls) all() []*customer {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]*customer, 0, len(c.live))
	for _, a := range c.live {
		list = append(list, a)
	}
	return list
}
