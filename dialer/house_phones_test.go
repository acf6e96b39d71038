package dialer_test

import (
	"fmt"

	"ringpace/dialer/api"
	"ringpace/dialer/lab"
)

// line is the call that is up at an extension.
func (h *house) line(extension string) *lab.Line {
	h.t.Helper()
	line, err := h.pbx.Extension(extension).Line()
	if err != nil {
		h.t.Fatal(err)
	}
	return line
}

// press has a key sequence pressed at an extension's phone.
func (h *house) press(extension, keys string) {
	h.t.Helper()
	if err := h.line(extension).Press(keys); err != nil {
		h.t.Fatal(err)
	}
}

// hears holds that what comes to a phone's ear is as wanted: the level of that tone is
// well above the noise, or is not.
func (h *house) hears(who string, level func(hz int) float64, hz int, want bool) {
	h.t.Helper()
	h.await(fmt.Sprintf("%s hears %d Hz: %v", who, hz, want), func() bool { return level(hz) > -35 == want })
}

// customerHears is hears for the first lead.
func (h *house) customerHears(hz int, want bool) {
	h.t.Helper()
	h.hears("the customer", func(hz int) float64 { return h.carrier.Hears(number(0), hz) }, hz, want)
}

// firstTalk has agent a1001 and the first lead talk with each other.
func (h *house) firstTalk() {
	h.t.Helper()
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentTalking)
	h.customerHears(phoneHz, true)
}
