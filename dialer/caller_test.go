package dialer_test

import (
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab"
)

const callerHz = 1250 // what callers say

// callIn has a number call the official one.
func (h *house) callIn(from string) *lab.Caller {
	h.t.Helper()
	h.await("the registration", h.carrier.Registered)
	c, err := h.carrier.Call(h.t.Context(), from, official, lab.Tone(callerHz))
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// inbounds are the records of calls that came in.
func (h *house) inbounds() []cdr.Record {
	h.t.Helper()
	var in []cdr.Record
	for _, r := range h.records() {
		if r.Direction == cdr.In {
			in = append(in, r)
		}
	}
	return in
}

// awaitInbound waits for the one record of a call that came in.
func (h *house) awaitInbound() cdr.Record {
	h.t.Helper()
	h.await("the record of the call", func() bool { return len(h.inbounds()) > 0 })
	in := h.inbounds()
	if len(in) > 1 {
		h.t.Fatalf("%d records of one call", len(in))
	}
	return in[0]
}

func (h *house) awaitOver(c *lab.Caller) {
	h.t.Helper()
	h.await("the end of the call", c.Over)
}

// talkOn waits until a conversation is long enough to be judged by its recording.
func (h *house) talkOn(c *lab.Caller) {
	h.t.Helper()
	h.await("two seconds of conversation", func() bool { return c.Heard().Packets > 100 })
}
