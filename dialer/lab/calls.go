package lab

import (
	"context"
	"fmt"
	"sync"
)

// calls counts the calls of a carrier or a PBX, until that closes. The zero value is ready
// to use.
type calls struct {
	mu     sync.Mutex // protects closed, and up against Add after Wait
	closed bool
	up     sync.WaitGroup
}

// enter counts a call in, unless no more are let in.
func (c *calls) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.up.Add(1)
	return true
}

// leave counts one out.
func (c *calls) leave() { c.up.Done() }

// close lets no more in.
func (c *calls) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}

// wait waits for the calls, which have been told to end, or for ctx.
func (c *calls) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		c.up.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("lab: calls that do not end: %w", context.Cause(ctx))
	}
}
