package lab

import (
	"context"
	"sync"
)

// bell wakes whoever waits for a condition over guarded state. The zero value is
// ready to use.
type bell struct {
	mu sync.Mutex
	ch chan struct{}
}

// listen returns a channel that the next ring closes.
func (b *bell) listen() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}

// await returns when the condition holds, which is looked at once and after each
// ring, or with the context's error.
func (b *bell) await(ctx context.Context, condition func() bool) error {
	for {
		changed := b.listen()
		if condition() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
