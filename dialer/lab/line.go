package lab

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"ringpace/media"
	"ringpace/sip"
)

// Line is one answered call at a softphone.
type Line struct {
	call    *sip.Call
	session *media.Session
	ear     *ear
	news    chan int // the last of each transfer
}

func newLine(call *sip.Call, session *media.Session, listening *ear) *Line {
	return &Line{call: call, session: session, ear: listening, news: make(chan int, 8)}
}

// HoldBy is how a softphone says that it holds.
type HoldBy string

// The three spellings of hold (RFC 3264 section 8.4; the last is RFC 2543's).
const (
	SendOnly HoldBy = "sendonly"
	Inactive HoldBy = "inactive"
	Zero     HoldBy = "0.0.0.0"
)

// address is the connection line of a session description.
var address = regexp.MustCompile(`c=IN IP4 [0-9.]+`)

// Hold puts the far side on hold by re-INVITE.
func (l *Line) Hold(ctx context.Context, by HoldBy) error {
	offer := string(l.session.Offer())
	if by == Zero {
		offer = address.ReplaceAllString(offer, "c=IN IP4 0.0.0.0")
	} else {
		offer = direction.ReplaceAllString(offer, "a="+string(by))
	}
	return l.reinvite(ctx, offer)
}

var direction = regexp.MustCompile(`a=sendrecv`)

// Resume takes the far side back.
func (l *Line) Resume(ctx context.Context) error {
	return l.reinvite(ctx, string(l.session.Offer()))
}

func (l *Line) reinvite(ctx context.Context, offer string) error {
	answer, err := l.call.Reinvite(ctx, []byte(offer))
	if err != nil {
		return err
	}
	return l.session.Accept(answer)
}

// Refer asks the far side to transfer the call to an extension (RFC 3515), attended
// where with is the call with it, and hangs up when that has succeeded, as softphones do.
// It returns the status that the far side reports at last.
func (l *Line) Refer(ctx context.Context, to string, with *Line) (int, error) {
	var replaces *sip.ReplacesID
	if with != nil {
		id, ok := with.call.ReplacesID()
		if !ok {
			return 0, ErrIdle
		}
		replaces = &id
	}
	if err := l.call.Refer(ctx, to, replaces); err != nil {
		return 0, err
	}
	select {
	case status := <-l.news:
		if status < 300 {
			l.Hangup()
		}
		return status, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// notified takes the news of a transfer.
func (l *Line) notified(status int) {
	if status >= 200 {
		l.news <- status
	}
}

// Press sends keys as telephone events.
func (l *Line) Press(keys string) error { return l.session.Press(keys) }

// PressByInfo sends a key by SIP INFO, as phones do that know no telephone events.
func (l *Line) PressByInfo(ctx context.Context, key rune) error {
	return l.call.SendDigit(ctx, key, 100*time.Millisecond)
}

// Hangup ends the call as a person does, with BYE.
func (l *Line) Hangup() { l.call.Hangup(sip.CauseNormal) }

// Up reports whether the call goes on.
func (l *Line) Up() bool {
	_, up := l.call.ReplacesID()
	return up
}

// Hears is the level in dBFS of one frequency at the phone's ear over the last half
// second; -Inf where nothing came.
func (l *Line) Hears(hz int) float64 { return l.ear.hears(hz) }

// dialLimit is how long a number that an extension dials may ring.
const dialLimit = 30 * time.Second

// dial places a call and returns when it is answered.
func (x *Extension) dial(ctx context.Context, at *sip.Trunk, inv sip.Invite) (*Line, error) {
	if at == nil {
		return nil, errors.New("lab: the PBX is connected to nobody")
	}
	session, err := x.pbx.engine.NewSession(media.SessionConfig{})
	if err != nil {
		return nil, err
	}
	line := newLine(nil, session, newEar())
	session.AddTap(line.ear)
	inv.CallerID, inv.RingTimeout = x.name, dialLimit
	inv.Offer, inv.OnOffer = session.Offer(), answering(session)
	line.call, err = at.Invite(ctx, inv)
	if err != nil {
		session.Close()
		return nil, err
	}
	for event := range line.call.Events() {
		switch event := event.(type) {
		case sip.Answered:
			if err := session.Accept(event.Body); err != nil {
				x.end(line)
				return nil, err
			}
			session.Play(x.voice, true)
			return line, nil
		case sip.Failed:
			session.Close()
			return nil, &RefusedError{Status: event.Status}
		}
	}
	session.Close()
	return nil, ErrIdle
}

// RefusedError is why a number that an extension dialed was not answered.
type RefusedError struct{ Status int }

func (e *RefusedError) Error() string {
	return fmt.Sprintf("lab: the call was refused with %d", e.Status)
}

// end ends a call that serve does not.
func (x *Extension) end(line *Line) {
	line.call.Hangup(sip.CauseNormal)
	for range line.call.Events() {
	}
	line.session.Close()
}
