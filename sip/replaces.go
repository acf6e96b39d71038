package sip

import "ringpace/sip/header"

// ReplacesID names a dialog that a call takes the place of (RFC 3891), as its receiver
// sees it: ToTag is the receiver's own tag.
type ReplacesID = header.Replaces

// Find returns the call that a ReplacesID names, if it is one of this endpoint's.
func (e *Endpoint) Find(id ReplacesID) (*Call, bool) {
	c := e.call(id.CallID, id.ToTag)
	return c, c != nil
}

// Replaces is the call of ours that this one wants to take the place of (RFC 3891):
// whoever answers it hangs that one up. Whether the caller may is for the owner to
// decide; the endpoint has checked that the call exists.
func (in *Incoming) Replaces() (*Call, bool) { return in.replaces, in.replaces != nil }

// findReplaced looks for the dialog that the INVITE wants to replace. It reports false
// when it has refused the INVITE (RFC 3891 section 3).
func (in *Incoming) findReplaced() bool {
	all := values(in.req, "Replaces", "")
	if len(all) == 0 {
		return true
	}
	id, ok := header.ParseReplaces(all[0])
	if !ok || len(all) > 1 {
		in.e.refuse(in.tx, in.req, 400, "Bad Replaces")
		return false
	}
	c, ok := in.e.Find(id)
	if !ok {
		in.e.refuse(in.tx, in.req, 481, "Call/Transaction Does Not Exist")
		return false
	}
	// The state of that call belongs to its goroutine: ask.
	result := make(chan int, 1)
	if !c.ask(func() { result <- c.replaceable(id) }) {
		result <- 481
	}
	status := <-result
	if status != 0 {
		phrase := map[int]string{481: "Call/Transaction Does Not Exist", 486: "Busy Here", 603: "Decline"}[status]
		in.e.refuse(in.tx, in.req, status, phrase)
		return false
	}
	in.replaces = c
	return true
}

// replaceable judges whether the call is the dialog that id names and may be replaced:
// 0, or the status to refuse with.
func (c *Call) replaceable(id ReplacesID) int {
	switch {
	case c.d == nil || c.d.remoteTag() != id.FromTag:
		// Section 3: an early dialog that they opened may not be replaced. One that we
		// opened might be (a pick-up); we do not offer that.
		return 481
	case c.ended:
		return 603
	case id.EarlyOnly:
		return 486
	}
	return 0
}

// ReplacesID names this call to its own far side, for the Replaces of another. It is
// false before the call is answered and after its end.
func (c *Call) ReplacesID() (ReplacesID, bool) {
	result := make(chan ReplacesID, 1)
	if !c.ask(func() {
		if c.d == nil || c.ended {
			result <- ReplacesID{}
			return
		}
		result <- ReplacesID{CallID: c.callID, ToTag: c.d.remoteTag(), FromTag: c.localTag}
	}) {
		return ReplacesID{}, false
	}
	id := <-result
	return id, id.Valid()
}
