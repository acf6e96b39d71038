package dialer

import (
	"context"
	"fmt"

	"ringpace/dialer/cdr"
	"ringpace/media"
	"ringpace/sip"
)

// leg is one party's call: its signalling and its audio. The actor that dialed it
// owns it.
type leg struct {
	call  *sip.Call
	audio *media.Session
}

// dialLeg places a call over a trunk or to a PBX peer. inv's Offer and OnOffer are
// set here; changed, which may be nil, is called after the far side changed the
// audio by a new offer (hold, another port).
func dialLeg(ctx context.Context, engine *media.Engine, trunk *sip.Trunk, codecs media.SessionConfig, inv sip.Invite, changed func()) (*leg, error) {
	audio, err := engine.NewSession(codecs)
	if err != nil {
		return nil, err
	}
	inv.Offer = audio.Offer()
	inv.OnOffer = func(offer []byte) ([]byte, error) {
		if offer == nil {
			return audio.Offer(), nil
		}
		answer, err := audio.Answer(offer)
		if err == nil && changed != nil {
			go changed() // the call's goroutine must not wait for the actor, who may be waiting for it
		}
		return answer, err
	}
	call, err := trunk.Invite(ctx, inv)
	if err != nil {
		audio.Close()
		return nil, err
	}
	return &leg{call: call, audio: audio}, nil
}

// accept takes the far side's session description from a provisional or final
// response. A 2xx without one is a fault of the far side (RFC 3264, section 4).
func (l *leg) accept(body []byte) error {
	if err := l.audio.Accept(body); err != nil {
		return fmt.Errorf("session description: %w", err)
	}
	return nil
}

// drop ends the leg and waits for nothing: what the far side still says is read
// and thrown away.
func (l *leg) drop(cause sip.Cause) {
	l.call.Hangup(cause)
	l.audio.Close()
	go func() {
		for range l.call.Events() {
		}
	}()
}

// figures are the leg's entry in the call detail record.
func (l *leg) figures() *cdr.Leg {
	s := l.audio.Stats()
	return &cdr.Leg{
		Codec: s.Codec.String(), Sent: s.Sent, Received: s.Received, Lost: s.Lost,
		Discarded: s.Discarded, JitterMS: float64(s.Jitter.Microseconds()) / 1000,
	}
}
