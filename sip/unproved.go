package sip

// maxUnproved bounds the calls from one trunk that are answered and not ACKed yet. Real
// ones are so for a round trip; forged ones, whose sender sees nothing of ours, for 64*T1.
const maxUnproved = 64

// unproved counts one call among those of its trunk that are answered and not ACKed. It
// belongs to the call's goroutine.
type unproved struct {
	trunk   *Trunk // nil: it came over none
	counted bool
}

// full reports whether the trunk has as many as may be.
func (u *unproved) full() bool { return u.trunk != nil && u.trunk.unproved.Load() >= maxUnproved }

// begin is called when the answer is about to be sent.
func (u *unproved) begin() {
	if u.trunk != nil {
		u.counted = true
		u.trunk.unproved.Add(1)
	}
}

// settle is called when the ACK has come, or the call ends without, or was not answered.
func (u *unproved) settle() {
	if u.counted {
		u.counted = false
		u.trunk.unproved.Add(-1)
	}
}
