package dialer

import (
	"context"
	"sync"
	"time"
)

const (
	keyLength   = 100 * time.Millisecond // for which a key that goes by SIP INFO is said to be down
	infoLimit   = 5 * time.Second        // how long the far side may take to answer for one
	keysWaiting = 64                     // further ones are dropped: no person presses so many
)

// keys are those that wait to be sent to a far side by SIP INFO.
type keys struct {
	begin sync.Once
	queue chan rune
}

// press sends a key to the far side of a call that is answered: as telephone event
// (RFC 4733) where it takes those, else by SIP INFO. It returns at once and may be called
// from any goroutine. A far side that takes neither does not get it.
func (l *leg) press(key rune) {
	if l.audio.TakesEvents() {
		_ = l.audio.Press(string(key))
		return
	}
	if l.call == nil {
		return
	}
	l.keys.begin.Do(func() {
		l.keys.queue = make(chan rune, keysWaiting)
		go l.sendKeys()
	})
	select {
	case l.keys.queue <- key:
	default:
	}
}

// sendKeys sends keys by SIP INFO, one after the other so that they arrive in order,
// until the call is over.
func (l *leg) sendKeys() {
	for {
		select {
		case key := <-l.keys.queue:
			ctx, cancel := context.WithTimeout(context.Background(), infoLimit)
			_ = l.call.SendDigit(ctx, key, keyLength) // nobody could be told of a refusal
			cancel()
		case <-l.call.Done():
			return
		}
	}
}
