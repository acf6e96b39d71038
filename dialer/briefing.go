package dialer

import (
	"time"

	"ringpace/dialer/cdr"
	"ringpace/media"
)

// briefing tells a third party of the recording, by the prompt that the customer was told
// by, before they take part in the conversation. The attempt's actor owns it.
type briefing struct {
	tape   *tape
	prompt *media.Playback
	began  time.Time
	ended  time.Time // of the prompt; zero while it plays
}

// brief begins to tell somebody; nil where nothing is to be told.
func (t *tape) brief(audio *media.Session) *briefing {
	if t == nil || t.prompt == nil || t.ended() {
		return nil
	}
	return &briefing{tape: t, began: time.Now(), prompt: audio.Announce(t.prompt, nil)}
}

// said is closed when the prompt that plays was played, or was cut off.
func (b *briefing) said() <-chan struct{} {
	if b == nil || !b.ended.IsZero() {
		return nil
	}
	return b.prompt.Done()
}

// asks reports whether a key of the party's may refuse the recording now.
func (b *briefing) asks() bool {
	return b != nil && b.tape.refuse != 0 && (b.ended.IsZero() || time.Since(b.ended) < objectLimit) && !b.tape.ended()
}

// objects reports whether a key, pressed at that time, refuses the recording.
func (b *briefing) objects(key rune, at time.Time) bool {
	return b.asks() && key == b.tape.refuse && !at.Before(b.began)
}

// stop ends the prompt: there is nothing to be told any more.
func (b *briefing) stop() {
	if b != nil {
		b.prompt.Stop()
	}
}

// briefed tells that the party who is to take part has heard of the recording.
func (h *handover) briefed() <-chan struct{} {
	if h == nil {
		return nil
	}
	return h.briefing.said()
}

// objections are the party's keys, as long as one of them may refuse the recording.
func (h *handover) objections() <-chan media.Digit {
	if h == nil || !h.briefing.asks() {
		return nil
	}
	return h.leg.audio.Digits()
}

// partyBriefed is called when the prompt was played to who was called in, or cut off.
func (c *customer) partyBriefed() {
	h := c.handing
	h.briefing.ended = time.Now()
	switch {
	case c.recording.ended():
	case !h.briefing.prompt.Completed():
		return // they have hung up, which is told in a moment
	default:
		c.transferEntry(h).Consent = cdr.ConsentTold
	}
	c.joins(h.leg.audio)
}

// partyRefuses is called when who was called in does not want to be recorded, and reports
// whether the customer's conversation is over with it. Nothing is kept of what they said.
func (c *customer) partyRefuses() (over bool) {
	h := c.newParty()
	c.transferEntry(h).Consent = cdr.ConsentRefused
	if c.handing != nil && c.recording.hangUp {
		c.handFailed(cdr.TransferFailed, 603, whyLetGo)
		return false
	}
	over = c.third != nil && c.recording.hangUp
	c.endRecording(whyPartyRefused, over)
	if c.beside != nil && c.recording.hangUp {
		c.besideGone()
	}
	return over
}
