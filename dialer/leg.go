package dialer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/media"
	"ringpace/sip"
)

// leg is one party's call: its signalling and its audio. The actor that dialed it
// owns it.
type leg struct {
	call  *sip.Call
	audio *media.Session
	late  atomic.Bool // the far side made the offer, and was answered
	keys  keys
}

// outlet is where a call can be placed: a trunk or a peer.
type outlet interface {
	Invite(ctx context.Context, inv sip.Invite) (*sip.Call, error)
}

// dialLeg places a call over a trunk or to a peer, with audio that is open
// already and that it closes where the call cannot be placed. inv's Offer and OnOffer
// are set here; changed, which may be nil, is called after the far side changed the
// audio by a new offer (hold, another port).
func dialLeg(ctx context.Context, out outlet, audio *media.Session, inv sip.Invite, changed func()) (*leg, error) {
	l := &leg{audio: audio}
	inv.Offer, inv.OnOffer = audio.Offer(), onOffer(audio, changed)
	inv.OnLateOffer = func(offer []byte) ([]byte, error) {
		answer, err := audio.Answer(offer)
		l.late.Store(err == nil)
		return answer, err
	}
	var err error
	if l.call, err = out.Invite(ctx, inv); err != nil {
		audio.Close()
		return nil, err
	}
	return l, nil
}

// dial calls an extension, with audio of its own. inv's ID, To and CallerID are set here;
// changed is as for dialLeg.
func (p *peer) dial(ctx context.Context, e *media.Engine, extension string, inv sip.Invite, changed func()) (*leg, error) {
	audio, err := e.NewSession(p.outgoing(extension))
	if err != nil {
		return nil, err
	}
	inv.ID, inv.To, inv.CallerID = newID(), extension, p.fromUser
	return dialLeg(ctx, p, audio, inv, changed)
}

// onOffer answers the far side's new offers.
func onOffer(audio *media.Session, changed func()) sip.OnOffer {
	return func(offer []byte) ([]byte, error) {
		if offer == nil {
			return audio.Offer(), nil
		}
		answer, err := audio.Answer(offer)
		if err == nil && changed != nil {
			go changed() // the call's goroutine must not wait for the actor, who may be waiting for it
		}
		return answer, err
	}
}

// events are those of the call; none before there is one.
func (l *leg) events() <-chan sip.Event {
	if l.call == nil {
		return nil
	}
	return l.call.Events()
}

// accept takes the far side's session description from a provisional or final
// response to the INVITE. A 2xx without one is a fault of the far side (RFC 3264,
// section 4). Where the description was the far side's offer, it was answered as it
// came.
func (l *leg) accept(body []byte) error {
	if l.late.Load() {
		return nil
	}
	return l.renew(body)
}

// renew takes the far side's answer to a later offer of ours.
func (l *leg) renew(body []byte) error {
	if err := l.audio.Accept(body); err != nil {
		return fmt.Errorf("session description: %w", err)
	}
	return nil
}

// drop ends the leg and waits for nothing: what the far side still says is read
// and thrown away. The channel it returns is closed when the far side has agreed.
func (l *leg) drop(cause sip.Cause) <-chan struct{} {
	gone := make(chan struct{})
	if l.call == nil {
		l.audio.Close()
		close(gone)
		return gone
	}
	l.call.Hangup(cause)
	l.audio.Close()
	go func() {
		defer close(gone)
		for range l.call.Events() {
		}
	}()
	return gone
}

// watchEvery is how often legs in use are looked at for audio.
const watchEvery = time.Second

// confirmLimit is how long the ACK to an answer of ours may take.
const confirmLimit = 5 * time.Second

// confirmed waits until the far side has confirmed our answer (see [sip.Call.Confirmed]),
// and takes the session description that comes with that where the answer made the offer.
// What the far side says else is left for the leg's owner: a telephone that has confirmed
// may ask for a transfer before its owner looks.
func (l *leg) confirmed(offered bool) error {
	limit := time.NewTimer(confirmLimit)
	defer limit.Stop()
	select {
	case <-l.call.Confirmed():
	case <-l.call.Done():
		return errors.New("the call ended before the answer was acknowledged")
	case <-limit.C:
		return errors.New("the answer was not acknowledged")
	}
	if !offered {
		return nil
	}
	for {
		select {
		case ev, open := <-l.call.Events():
			switch ev := ev.(type) {
			case sip.SessionAnswer:
				return l.renew(ev.Body)
			case sip.Referred:
				ev.Reject(603) // it came before the acknowledgement
			case sip.Ended:
				return errors.New("the answer was acknowledged without a session description")
			default:
				if !open {
					return errors.New("the call is over")
				}
			}
		case <-limit.C:
			return errors.New("no session description came with the acknowledgement")
		}
	}
}

// silentFor reports whether no audio has come for the given time, since an instant at
// the earliest, though the far side did not say that it holds. 0 is no limit.
func (l *leg) silentFor(limit time.Duration, since time.Time) bool {
	if last := l.audio.LastReceived(); last.After(since) {
		since = last
	}
	return limit > 0 && !l.audio.Held() && time.Since(since) > limit
}

// figures are the leg's entry in the call detail record.
func (l *leg) figures() *cdr.Leg { return legFigures(l.audio.Stats()) }

// legFigures puts what is known of a stream into the form of a call detail record.
func legFigures(s media.SessionStats) *cdr.Leg {
	f := &cdr.Leg{
		Codec: s.Codec.String(), Encrypted: s.Encrypted, Sent: s.Sent, Received: s.Received, Lost: s.Lost,
		Discarded: s.Discarded, JitterMS: milliseconds(s.Jitter),
	}
	if q, ok := s.Heard(); ok {
		f.MOS = hundredths(q.MOS)
	}
	if q, ok := s.HeardByRemote(); ok {
		f.Remote = &cdr.RemoteLeg{
			Lost: s.RemoteLost, JitterMS: milliseconds(s.RemoteJitter),
			RoundTripMS: milliseconds(s.RoundTrip), MOS: hundredths(q.MOS),
		}
	}
	return f
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func hundredths(x float64) float64 { return math.Round(100*x) / 100 }
