package dialer

import (
	"time"

	"ringpace/dialer/cdr"
	"ringpace/media"
)

// objections are the customer's keys, as long as one of them may refuse the recording.
func (c *customer) objections() <-chan media.Digit {
	if !c.recording.asks() {
		return nil
	}
	return c.leg.audio.Digits()
}

// toldOfRecording is called when the prompt that tells of the recording has been played, or
// was cut off.
func (c *customer) toldOfRecording() {
	if c.recording.settle() {
		c.rec.Consent = cdr.ConsentTold
		c.recording.Mark("told of the recording")
		c.remember()
	}
}

// refuseRecording ends the recording that the customer does not want, and reports whether
// the call is over with it.
func (c *customer) refuseRecording() (over bool) {
	c.rec.Consent = cdr.ConsentRefused
	c.endRecording(whyRefused, c.recording.hangUp)
	return c.recording.hangUp
}

// endRecording ends the recording, of which nothing is kept, and perhaps the call. Who
// refused it has been noted.
func (c *customer) endRecording(why string, hangUp bool) {
	c.log.Info("the recording is not kept", "why", why, "hang_up", hangUp)
	c.remember()
	c.recording.reject(why)
	if c.handing != nil {
		c.handing.briefing.stop()
	}
	if hangUp {
		c.rec.HungUpBy = cdr.Ringpace
		c.talkEnds(time.Now())
	}
}
