package dialer

import (
	"time"

	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/media"
)

// Tones for an agent are laid over what is heard on their leg, so that no word of a
// customer is lost or comes later for them, and nobody but the agent hears them.

// underSpeech is how much louder a tone is amid a conversation, in dB: quieter than people
// speak.
const underSpeech = -12

// hearWhy lets the agent hear why who was to get or to join the customer does not come.
// What the agent has taken back, and what the customer has ended, they know.
func (a *agent) hearWhy(not *unreached) {
	if not.outcome == cdr.Cancelled {
		a.beep(false)
		return
	}
	a.hearFailure(not.status)
}

// hearFailure lets the agent hear by a tone that a call came to nothing, with that SIP
// status.
func (a *agent) hearFailure(status int) {
	rules := a.board.phones.Load()
	tone := rules.failure(status)
	if tone == nil {
		a.beep(false)
		return
	}
	gain := 0.0
	if a.bridge != nil {
		gain = underSpeech
	}
	a.overlay(tone, gain, rules.failed)
}

// hearArrival lets an agent whose telephone does not ring hear that somebody has been put
// through, and ends what is still heard of a call before.
func (a *agent) hearArrival() {
	a.hushTone()
	if tone := a.board.phones.Load().arrival; tone != nil && a.mode == config.Nailed {
		a.overlay(tone, 0, 0)
	}
}

// overlay lays a tone over what the agent hears, in the place of the one before.
func (a *agent) overlay(tone *media.Prompt, gain float64, length time.Duration) {
	if a.leg != nil {
		a.hush = a.leg.audio.Overlay(tone, gain, length)
	}
}

// hushTone ends the tone that is laid over what the agent hears.
func (a *agent) hushTone() {
	if a.hush != nil {
		a.hush()
		a.hush = nil
	}
}
