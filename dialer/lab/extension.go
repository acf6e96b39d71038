package lab

import (
	"bytes"
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"ringpace/media"
	"ringpace/sip"
)

// ErrIdle is returned by what needs a call when the extension has none.
var ErrIdle = errors.New("lab: the extension is in no call")

// Extension is one softphone of a PBX. It takes one call at a time and is busy to
// others.
type Extension struct {
	pbx   *PBX
	name  string
	voice *media.Prompt
	bell  bell

	mu     sync.Mutex // protects what follows
	busy   bool       // ringing or in a call
	refuse int        // status that calls are refused with; 0: they are taken
	served int        // calls answered so far
	talk   *talk      // the call that is up, or nil
	ear    *ear       // of the last call
}

// talk is one call of an extension.
type talk struct {
	call    *sip.Call
	session *media.Session
}

// Up reports whether the extension is in an answered call.
func (x *Extension) Up() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.talk != nil
}

// Served is the number of calls that the extension has answered so far.
func (x *Extension) Served() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.served
}

// Await waits until the extension is in a call, or in none.
func (x *Extension) Await(ctx context.Context, up bool) error {
	return x.bell.await(ctx, func() bool { return x.Up() == up })
}

// Heard is what came to the extension's ear in its present or last call.
func (x *Extension) Heard() Heard {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ear == nil {
		return Heard{}
	}
	return x.ear.snapshot()
}

// Hears is the level in dBFS of one frequency at the extension's ear over the last
// half second; -Inf where nothing came.
func (x *Extension) Hears(hz int) float64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ear == nil {
		return math.Inf(-1)
	}
	return x.ear.hears(hz)
}

// Refuse makes the extension answer calls with a failure status: 486 on do not
// disturb, 480 when the phone is gone. 0 takes calls again.
func (x *Extension) Refuse(status int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.refuse = status
}

// Hangup ends the call as a person does, with BYE.
func (x *Extension) Hangup() error {
	t, err := x.current()
	if err != nil {
		return err
	}
	t.call.Hangup(sip.CauseNormal)
	return nil
}

// StopMedia closes the RTP socket and leaves the dialog up: what a softphone does
// whose network went away.
func (x *Extension) StopMedia() error {
	t, err := x.current()
	if err != nil {
		return err
	}
	t.session.Close()
	return nil
}

// Hold puts the call on hold, or takes it back, by re-INVITE (RFC 3264 section 8.4).
func (x *Extension) Hold(ctx context.Context, on bool) error {
	t, err := x.current()
	if err != nil {
		return err
	}
	offer := t.session.Offer()
	if on {
		offer = bytes.Replace(offer, []byte("a=sendrecv"), []byte("a=sendonly"), 1)
	}
	answer, err := t.call.Reinvite(ctx, offer)
	if err != nil {
		return err
	}
	return t.session.Accept(answer)
}

func (x *Extension) current() (*talk, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.talk == nil {
		return nil, ErrIdle
	}
	return x.talk, nil
}

// serve takes one call, on the goroutine of its INVITE.
func (x *Extension) serve(in *sip.Incoming) {
	if status := x.take(); status != 0 {
		in.Reject(status, "Not taken")
		return
	}
	defer x.release()
	session, err := x.pbx.engine.NewSession(media.SessionConfig{})
	if err != nil {
		x.pbx.log.Error("lab: PBX: no media for an extension", "err", err)
		in.Reject(500, "No media")
		return
	}
	defer session.Close()
	answer, err := session.Answer(in.Offer())
	if err != nil {
		in.Reject(488, "Not Acceptable Here")
		return
	}
	if !x.ring(in) {
		return
	}
	listening := newEar()
	session.AddTap(listening)
	call, err := in.Answer(answer, answering(session))
	if err != nil {
		x.pbx.log.Debug("lab: PBX: answer", "extension", x.name, "err", err)
		return
	}
	session.Play(x.voice, true)
	x.mu.Lock()
	x.talk, x.ear = &talk{call: call, session: session}, listening
	x.served++
	x.mu.Unlock()
	x.bell.ring()

	closing := x.pbx.ctx.Done()
	for {
		select {
		case <-closing:
			closing = nil
			call.Hangup(sip.CauseNormal)
		case event, ok := <-call.Events():
			if _, ended := event.(sip.Ended); ended || !ok {
				return
			}
		}
	}
}

// ring lets the phone ring, as long as it is to. It returns false when the caller
// gave up or the PBX closes.
func (x *Extension) ring(in *sip.Incoming) bool {
	if x.pbx.cfg.RingFor == 0 {
		return true
	}
	if err := in.Ring(180, nil); err != nil {
		x.pbx.log.Debug("lab: PBX: ring", "extension", x.name, "err", err)
	}
	timer := time.NewTimer(x.pbx.cfg.RingFor)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-in.Cancelled():
	case <-x.pbx.ctx.Done():
		in.Reject(503, "Service Unavailable")
	}
	return false
}

// take claims the phone for a call, or returns the status to refuse it with.
func (x *Extension) take() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.refuse != 0:
		return x.refuse
	case x.busy:
		return 486
	}
	x.busy = true
	return 0
}

func (x *Extension) release() {
	x.mu.Lock()
	x.busy, x.talk = false, nil
	x.mu.Unlock()
	x.bell.ring()
}
