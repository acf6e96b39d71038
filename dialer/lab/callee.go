package lab

import (
	"time"

	"ringpace/dialer/cdr"
	"ringpace/media"
	"ringpace/sip"
)

// callee is whoever was called, for one call. Its serve runs on the goroutine of
// the INVITE and owns all of it but the record, which the carrier's mutex protects.
type callee struct {
	carrier *Carrier
	in      *sip.Incoming
	script  script
	record  *record

	ring, talk time.Duration
	ends       bool // hangs up by itself
}

func newCallee(c *Carrier, in *sip.Incoming, shown string) *callee {
	number := in.To()
	behaviour := c.cfg.Mix.Of(c.cfg.Seed, number)
	if c.cfg.Behave != nil {
		if b := c.cfg.Behave(number); b != "" {
			behaviour = b
		}
	}
	s, _ := behaviour.script()
	ring := c.cfg.Ring
	if behaviour == SlowPerson {
		ring = c.cfg.SlowRing
	}
	k := &callee{
		carrier: c, in: in, script: s,
		ring: ring.Of(c.cfg.Seed, number, "ring"),
		talk: c.cfg.Talk.Of(c.cfg.Seed, number, "talk"),
		ends: Chance(c.cfg.Seed, number, "ends", c.cfg.CustomerEnds),
		record: &record{ear: newEar(), Call: Call{
			Number: number, CallerID: shown, Behaviour: behaviour, Began: time.Now(),
		}},
	}
	c.count(func() { c.records = append(c.records, k.record) })
	return k
}

// note changes the call's record.
func (k *callee) note(change func(*Call)) {
	k.carrier.count(func() { change(&k.record.Call) })
}

func (k *callee) serve() {
	if k.script.rings {
		k.provisional(180, nil)
	}
	if k.script.early || k.script.answers {
		k.serveWithMedia()
	} else if k.wait() {
		k.final(k.script.status, k.script.phrase, k.script.outcome)
	}
}

// serveWithMedia serves a call in which something is to be heard.
func (k *callee) serveWithMedia() {
	session, err := k.carrier.engine.NewSession(media.SessionConfig{NoEvents: k.carrier.cfg.NoEvents})
	if err != nil {
		k.carrier.log.Error("lab: carrier: no media for a callee", "err", err)
		k.final(500, "No media", cdr.TrunkFailure)
		return
	}
	defer session.Close()
	session.AddTap(k.record.ear)
	k.carrier.count(func() { k.record.session = session })
	answer, err := session.Answer(k.in.Offer())
	if err != nil {
		k.final(488, "Not Acceptable Here", cdr.TrunkFailure)
		return
	}
	if k.script.early {
		k.provisional(183, answer)
		tone := k.carrier.busyTone
		if k.script.outcome == cdr.InvalidNumber {
			tone = k.carrier.announce
		}
		session.Play(tone, true)
	}
	switch {
	case !k.wait():
	case k.script.answers:
		k.talkTo(session, answer)
	default:
		k.final(k.script.status, k.script.phrase, k.script.outcome)
	}
}

// wait lets it ring. It returns false when the call is over.
func (k *callee) wait() bool {
	var rung <-chan time.Time
	switch {
	case k.script.status != 0 && !k.script.rings && !k.script.early:
		return true // the network knows at once
	case k.script.status != 0 || k.script.answers:
		timer := time.NewTimer(k.ring)
		defer timer.Stop()
		rung = timer.C
	}
	select {
	case <-rung:
		return true
	case <-k.in.Cancelled():
		k.over(487, cdr.NoAnswer, CallerSide)
	case <-k.carrier.ctx.Done():
		k.final(503, "Service Unavailable", cdr.Congestion)
	}
	return false
}

// talkTo answers and stays until one side hangs up.
func (k *callee) talkTo(session *media.Session, answer []byte) {
	k.note(func(c *Call) { c.Answered = time.Now() })
	call, err := k.in.Answer(answer, answering(session))
	if err != nil { // a CANCEL was faster
		k.note(func(c *Call) { c.Answered = time.Time{} })
		k.over(487, cdr.NoAnswer, CallerSide)
		return
	}
	session.Play(k.carrier.cfg.Voice(k.record.Number), true)

	timer := time.NewTimer(k.carrier.cfg.Patience)
	defer timer.Stop()
	sound := k.record.ear.sound
	closing := k.carrier.ctx.Done()
	for {
		select {
		case <-sound:
			sound = nil
			timer.Stop()
			if k.ends {
				timer.Reset(k.talk)
			}
			k.carrier.bell.ring()
		case <-timer.C:
			call.Hangup(sip.CauseNormal)
		case <-closing:
			closing = nil
			call.Hangup(sip.CauseNormal)
		case key := <-session.Digits():
			k.carrier.count(func() { k.record.keys += string(key.Digit) })
		case event, ok := <-call.Events():
			if !ok {
				k.over(200, cdr.Person, CallerSide)
				return
			}
			if key, ok := event.(sip.Digit); ok {
				k.carrier.count(func() { k.record.byInfo += string(key.Digit) })
			}
			if end, ok := event.(sip.Ended); ok {
				side := CallerSide
				if end.ByUs {
					side = CalleeSide
				}
				k.over(200, cdr.Person, side)
				return
			}
		}
	}
}

func (k *callee) provisional(status int, body []byte) {
	if err := k.in.Ring(status, body); err != nil {
		k.carrier.log.Debug("lab: carrier: provisional response", "status", status, "err", err)
	}
}

// final refuses the call, which the caller must name by that outcome.
func (k *callee) final(status int, phrase string, outcome cdr.Outcome) {
	k.in.Reject(status, phrase)
	k.over(status, outcome, CalleeSide)
}

// over closes the record: the status that the INVITE was answered with, what the
// caller has to call it, and who ended it.
func (k *callee) over(status int, outcome cdr.Outcome, by Side) {
	k.note(func(c *Call) {
		c.Status, c.Outcome, c.EndedBy, c.Ended = status, outcome, by, time.Now()
	})
}
