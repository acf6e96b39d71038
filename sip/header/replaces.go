package header

import "strings"

// Replaces names a dialog that a new call takes the place of (RFC 3891 section 3).
// ToTag and FromTag are those of the side that receives it: its own tag first.
type Replaces struct {
	CallID    string
	ToTag     string
	FromTag   string
	EarlyOnly bool // only a dialog that is not answered yet
}

// ParseReplaces reads the value of a Replaces header.
func ParseReplaces(value string) (Replaces, bool) {
	fields := strings.Split(value, ";")
	p := parameters(fields[1:])
	_, early := p["early-only"]
	r := Replaces{CallID: strings.TrimSpace(fields[0]), ToTag: p["to-tag"], FromTag: p["from-tag"], EarlyOnly: early}
	if !isCallID(r.CallID) || !IsToken(r.ToTag) || !IsToken(r.FromTag) {
		return Replaces{}, false
	}
	return r, true
}

// Valid reports whether the parts can stand in a header.
func (r Replaces) Valid() bool { return isCallID(r.CallID) && IsToken(r.ToTag) && IsToken(r.FromTag) }

// String is the value of the header.
func (r Replaces) String() string {
	s := r.CallID + ";to-tag=" + r.ToTag + ";from-tag=" + r.FromTag
	if r.EarlyOnly {
		s += ";early-only"
	}
	return s
}
