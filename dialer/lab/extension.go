package lab

import (
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
	talk   *Line      // the call that is up, or nil
	ear    *ear       // of the last call
}

// Up reports whether the extension is in an answered call.
func (x *Extension) Up() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.talk != nil
}

// Rings reports whether the phone rings, or is about to ring or to be answered.
func (x *Extension) Rings() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.busy && x.talk == nil
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
	t, err := x.Line()
	if err != nil {
		return err
	}
	t.Hangup()
	return nil
}

// StopMedia closes the RTP socket and leaves the dialog up: what a softphone does
// whose network went away.
func (x *Extension) StopMedia() error {
	t, err := x.Line()
	if err != nil {
		return err
	}
	t.session.Close()
	return nil
}

// Consult calls a number beside the call that is up, and returns when it is answered. The
// caller ends it.
func (x *Extension) Consult(ctx context.Context, to string) (*Line, error) {
	return x.beside(ctx, sip.Invite{To: to})
}

// Replace takes the place of another extension's call at the far end, by INVITE with
// Replaces (RFC 3891), as a PBX does at the end of an attended transfer.
func (x *Extension) Replace(ctx context.Context, other *Line) (*Line, error) {
	id, ok := other.call.ReplacesID()
	if !ok {
		return nil, ErrIdle
	}
	return x.beside(ctx, sip.Invite{To: "ringpace", Replaces: &id})
}

// beside places a call that is not the phone's first.
func (x *Extension) beside(ctx context.Context, inv sip.Invite) (*Line, error) {
	if !x.pbx.calls.enter() {
		return nil, ErrIdle
	}
	line, err := x.dial(ctx, x.pbx.trunk.Load(), inv)
	if err != nil {
		x.pbx.calls.leave()
		return nil, err
	}
	go func() {
		defer x.pbx.calls.leave()
		defer line.session.Close()
		x.listen(line)
	}()
	return line, nil
}

// Forget makes the phone free at once, as after its power failed: the far side is not
// told, and hears no more.
func (x *Extension) Forget() {
	x.mu.Lock()
	line := x.talk
	x.busy, x.talk = false, nil
	x.mu.Unlock()
	if line != nil {
		line.session.Close()
	}
}

// Line is the call that is up.
func (x *Extension) Line() (*Line, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.talk == nil {
		return nil, ErrIdle
	}
	return x.talk, nil
}

// serve takes one call, on the goroutine of its INVITE; one that takes the place of the
// call that is up (RFC 3891) at once.
func (x *Extension) serve(in *sip.Incoming) {
	former, replaces := in.Replaces()
	if status := x.take(); status != 0 && !replaces {
		in.Reject(status, "Not taken")
		return
	}
	var line *Line
	defer func() { x.release(line) }()
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
	if !replaces && !x.ring(in) {
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
	x.served++
	x.mu.Unlock()
	line = newLine(call, session, listening)
	if replaces {
		former.Hangup(sip.CauseNormal)
	}
	x.attend(line)
}

// attend stays with the call until it is over.
func (x *Extension) attend(line *Line) {
	x.mu.Lock()
	x.talk, x.ear = line, line.ear
	x.mu.Unlock()
	x.bell.ring()
	x.listen(line)
}

// listen reads what becomes of a call until it is over.
func (x *Extension) listen(line *Line) {
	closing := x.pbx.ctx.Done()
	for {
		select {
		case <-closing:
			closing = nil
			line.call.Hangup(sip.CauseNormal)
		case event, ok := <-line.call.Events():
			if news, is := event.(sip.Notified); is {
				line.notified(news.Status)
			}
			if _, ended := event.(sip.Ended); ended || !ok {
				return
			}
		}
	}
}

// Dial calls a number at the far end that the PBX is connected to, and returns when it
// is answered. The error is a *RefusedError where it is not.
func (x *Extension) Dial(ctx context.Context, to string) error {
	if !x.pbx.calls.enter() {
		return ErrIdle
	}
	if x.take() != 0 {
		x.pbx.calls.leave()
		return errors.New("lab: the extension is busy")
	}
	line, err := x.dial(ctx, x.pbx.trunk.Load(), sip.Invite{To: to})
	if err != nil {
		x.release(nil)
		x.pbx.calls.leave()
		return err
	}
	go func() {
		defer x.pbx.calls.leave()
		defer line.session.Close()
		defer x.release(line)
		x.attend(line)
	}()
	return x.Await(ctx, true)
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

// release makes the phone free after a call; nil where it came to none.
func (x *Extension) release(line *Line) {
	x.mu.Lock()
	if x.talk == line { // not where Forget was faster
		x.busy, x.talk = false, nil
	}
	x.mu.Unlock()
	x.bell.ring()
}
