package dialer

import (
	"context"
	"errors"
)

var errGone = errors.New("the actor has ended")

// inbox is how others speak to an actor: functions that its one goroutine runs between
// its other work.
type inbox struct {
	messages chan func()
	gone     chan struct{} // closed when the actor has ended
}

func newInbox() inbox { return inbox{messages: make(chan func()), gone: make(chan struct{})} }

// ask runs f on the actor and returns its error. What the actor has begun is waited
// for, also where ctx ends meanwhile.
func (b inbox) ask(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	select {
	case b.messages <- func() { done <- f() }:
	case <-b.gone:
		return errGone
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-done
}

// post runs f on the actor, unless the actor has ended. It waits only as long as the
// actor is amid other work.
func (b inbox) post(f func()) {
	select {
	case b.messages <- f:
	case <-b.gone:
	}
}
