package dialer

import (
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/dialer/store"
	"ringpace/media"
	"ringpace/sip"
)

const (
	callbackKey = '1'
	// keyLimit is how long after the offer the key may be pressed.
	keyLimit = 8 * time.Second
)

// announce tells the caller why no agent takes their call, and keeps a callback as the
// configuration has it. A caller to whom nothing is to be said is not answered for that;
// one who is answered already hears congestion before the end, since silence could as well
// be a fault of the line.
func (k *inbound) announce(open bool) {
	now := time.Now()
	words, message, due := k.welcome.busy, "busy", now
	if !open {
		next := k.welcome.nextOpen(now)
		words, message = k.welcome.closedUntil(next, now), "closed"
		if !next.IsZero() { // else the calling hours will see to it
			due = next
		}
	}
	if k.leg.call == nil && k.mute(words) {
		if k.welcome.cfg.Inbound.Callback == config.CallbackAuto {
			k.keep(due)
		}
		k.fail(480, cdr.NoAnswer, "no agent takes the call, and there is nothing to say to the caller")
		return
	}
	if !k.answer() {
		return
	}
	k.quiet()
	k.show(api.CallMessage)
	k.rec.Outcome, k.rec.HungUpBy, k.rec.Message = cdr.NoAnswer, "", message
	switch {
	case !k.mayKeep() || k.welcome.cfg.Inbound.Callback == config.CallbackOff:
		k.say(words)
	case k.welcome.cfg.Inbound.Callback == config.CallbackAuto:
		k.keep(due)
		if k.say(words); !k.done() {
			k.say(k.welcome.kept)
		}
	default:
		pressed := k.say(words)
		if !pressed && !k.done() {
			pressed = k.say(k.welcome.offer)
		}
		if !pressed && !k.done() {
			pressed = hears(k, time.After(keyLimit))
		}
		if pressed {
			k.keep(due)
			k.say(k.welcome.kept)
		}
	}
	if rules := k.board.phones.Load(); !k.told && !k.done() && rules.failed > 0 {
		playing := k.leg.audio.Play(rules.tones.Congestion, true)
		hears(k, time.After(rules.failed))
		playing.Stop()
	}
	if k.rec.HungUpBy == "" {
		k.rec.HungUpBy = cdr.Ringpace
	}
}

// mute reports whether the configuration says nothing to the caller, words being why no
// agent takes the call.
func (k *inbound) mute(words *media.Prompt) bool {
	switch {
	case words != nil:
		return false
	case !k.mayKeep() || k.welcome.cfg.Inbound.Callback == config.CallbackOff:
		return true
	}
	return k.welcome.cfg.Inbound.Callback == config.CallbackAuto && k.welcome.kept == nil
}

func (k *inbound) done() bool { return k.over || k.stopped }

// mayKeep reports whether the caller can be called back: their number shows, and nothing
// forbids to dial it.
func (k *inbound) mayKeep() bool {
	return k.rec.Number != "" && k.caller.DoNotCall == "" && k.caller.Lead.State != store.Withdrawn
}

// say plays a prompt, nil being none, and reports whether the key for a callback was
// pressed meanwhile: that ends it.
func (k *inbound) say(p *media.Prompt) (pressed bool) {
	if p == nil {
		return false
	}
	k.told = true
	playing := k.leg.audio.Play(p, false)
	defer playing.Stop()
	return hears(k, playing.Done())
}

// hears lasts until done or the end of the call, and reports whether the key for a
// callback was pressed.
func hears[T any](k *inbound, done <-chan T) bool {
	for {
		select {
		case <-done:
			return false
		case digit := <-k.leg.audio.Digits():
			if digit.Digit == callbackKey {
				return true
			}
		case ev, open := <-k.leg.events():
			if digit, ok := ev.(sip.Digit); ok && digit.Digit == callbackKey {
				return true
			}
			if k.ended(ev, open) {
				return false
			}
		case by := <-k.stop:
			k.rec.HungUpBy, k.stopped = by, true
			return false
		}
	}
}

// keep keeps a callback: from now on it outlives this process.
func (k *inbound) keep(due time.Time) {
	if !k.mayKeep() {
		return
	}
	k.rec.Callback = &cdr.KeptCallback{Asked: time.Now(), Due: due, Priority: k.welcome.cfg.Inbound.CallbackPriority}
	k.remember()
	k.show(k.status.Load().State)
}
