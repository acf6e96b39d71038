package lab

import (
	"context"
	"errors"
	"net/netip"
	"sync"

	"ringpace/media"
	"ringpace/sip"
)

// Caller is somebody who calls through the carrier, one call at a time to each Caller.
type Caller struct {
	Line
	bell bell

	mu       sync.Mutex // protects what follows
	status   int        // the latest response to the INVITE
	answered bool
	over     bool
}

// Call has the holder of a number call the carrier's account, in the Request-URI of its
// registered contact and with the number called in To. From "" hides the number. voice
// is what they say once answered; nil is CalleeVoice. It returns at once; the call lives
// until it ends or the carrier closes.
func (c *Carrier) Call(ctx context.Context, from, to string, voice *media.Prompt) (*Caller, error) {
	contacts := c.registrar.Contacts(c.cfg.Username)
	if len(contacts) == 0 {
		return nil, errors.New("lab: carrier: the account is not registered")
	}
	return c.CallAt(ctx, contacts[0].Source, from, to, voice)
}

// CallAt is Call to a place that has not registered.
func (c *Carrier) CallAt(ctx context.Context, at netip.AddrPort, from, to string, voice *media.Prompt) (*Caller, error) {
	if !c.calls.enter() {
		return nil, sip.ErrClosed
	}
	caller, err := c.place(ctx, at, from, to)
	if err != nil {
		c.calls.leave()
		return nil, err
	}
	if voice == nil {
		voice = c.cfg.Voice(from)
	}
	go func() {
		defer c.calls.leave()
		caller.talk(c.ctx, voice)
	}()
	return caller, nil
}

func (c *Carrier) place(ctx context.Context, at netip.AddrPort, from, to string) (*Caller, error) {
	identity := sip.Identity{Assert: true}
	if from == "" {
		from, identity.Privacy = "anonymous", "id"
	}
	route, err := sip.NewTrunk(c.endpoint, sip.TrunkConfig{Name: "account", Server: at.String(), Transport: c.cfg.Transport, Domain: c.cfg.Realm, Identity: identity})
	if err != nil {
		return nil, err
	}
	session, err := c.engine.NewSession(media.SessionConfig{})
	if err != nil {
		return nil, err
	}
	caller := &Caller{Line: Line{session: session, ear: newEar()}}
	session.AddTap(caller.ear)
	caller.call, err = route.Invite(ctx, sip.Invite{
		To: to, CallerID: from, Offer: session.Offer(), OnOffer: answering(session), RingTimeout: dialLimit,
	})
	if err != nil {
		session.Close()
		return nil, err
	}
	return caller, nil
}

// talk lives through the call.
func (c *Caller) talk(closing context.Context, voice *media.Prompt) {
	defer c.session.Close()
	stop := context.AfterFunc(closing, c.Hangup)
	defer stop()
	for event := range c.call.Events() {
		switch event := event.(type) {
		case sip.Progress:
			c.note(func() { c.status = event.Status })
			if len(event.Body) > 0 {
				_ = c.session.Accept(event.Body) // early media that cannot be used is not heard
			}
		case sip.Answered:
			if err := c.session.Accept(event.Body); err != nil {
				c.Hangup()
				continue
			}
			c.session.Play(voice, true)
			c.note(func() { c.status, c.answered = 200, true })
		case sip.Failed:
			c.note(func() { c.status = event.Status })
		}
	}
	c.note(func() { c.over = true })
}

func (c *Caller) note(change func()) {
	c.mu.Lock()
	change()
	c.mu.Unlock()
	c.bell.ring()
}

// Status is the latest response to the INVITE, 0 if none came.
func (c *Caller) Status() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

// Answered reports whether the call was answered.
func (c *Caller) Answered() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answered
}

// Over reports whether the call has ended.
func (c *Caller) Over() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.over
}

// Heard is what came to the caller's ear.
func (c *Caller) Heard() Heard { return c.ear.snapshot() }
