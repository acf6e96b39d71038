package dialer

import "time"

// deadline is an instant that an actor has set itself. The zero value is none.
type deadline struct{ timer *time.Timer }

// set puts the deadline, in place of the one there was.
func (d *deadline) set(after time.Duration) {
	d.clear()
	d.timer = time.NewTimer(after)
}

func (d *deadline) clear() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}

func (d *deadline) isSet() bool { return d.timer != nil }

// reached is the channel to wait on; nil where none is set. Whoever receives from it
// clears the deadline.
func (d *deadline) reached() <-chan time.Time {
	if d.timer == nil {
		return nil
	}
	return d.timer.C
}
