package dialer

import (
	"cmp"
	"context"
	"log/slog"
	"sync"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/media"
	"ringpace/pacing"
	"ringpace/sip"
)

// consult is a call inside: an agent's phone talks with somebody whom it dialed through
// us. The goroutine of its INVITE owns it. It ends with either side, or when the agent
// transfers a customer to the party: then that party is given away.
type consult struct {
	from string // the agent's id
	to   destination
	in   *leg  // the agent's phone
	out  *leg  // the party, unless that is an agent of ours
	talk *talk // that agent's part

	wanted chan chan struct{} // asks for the party; the answer is closed once it is free
	over   chan struct{}      // closed with the consult
}

// consults are those that are up, by the call of the agent's phone.
type consults struct {
	mu   sync.Mutex // protects live
	live map[*sip.Call]*consult
}

func (cs *consults) add(c *consult) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.live[c.in.call] = c
}

func (cs *consults) remove(c *consult) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.live, c.in.call)
}

func (cs *consults) find(call *sip.Call) *consult {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.live[call]
}

// yield takes the party out of the consult, which is over with it. It reports false
// where the consult has ended already.
func (c *consult) yield() bool {
	free := make(chan struct{})
	select {
	case c.wanted <- free:
		<-free
		return true
	case <-c.over:
		return false
	}
}

// consult connects an agent's phone with an extension that it has dialed. One that has
// not shown to hear us is answered before anybody is rung for it, and hears as tones that it
// rings, or why nobody comes: anybody can send an INVITE in the PBX's name. The others' phone
// is told by the status.
func (d *Daemon) consult(in *sip.Incoming, from *config.Agent, to destination, log *slog.Logger) {
	if status := d.floor.unable(to.agent); status != 0 {
		log.Info("a call inside came to nothing", "status", status)
		in.Reject(status, "")
		return
	}
	audio, err := d.agentAudio(in, from.Peer)
	if err != nil {
		log.Error("no audio for a call inside", "error", err)
		return
	}
	c := &consult{from: from.ID, to: to, wanted: make(chan chan struct{}), over: make(chan struct{})}
	defer close(c.over)
	if in.Proved() {
		if in.Ring(180, nil) != nil { // they have given up
			audio.Close()
			return
		}
		if status := d.reach(in, from, c, audio); status != 0 {
			audio.Close()
			log.Info("a call inside came to nothing", "status", status)
			in.Reject(status, "")
			return
		}
		if c.in, err = answerLeg(in, audio, nil); err != nil {
			log.Info("a call inside was given up", "error", err)
			c.leave()
			return
		}
	} else {
		if c.in, err = answerLeg(in, audio, nil); err != nil {
			log.Info("a call inside was given up", "error", err)
			return
		}
		ringing := audio.Play(d.board.phones.Load().tones.RingBack, true)
		status := d.reach(in, from, c, audio)
		ringing.Stop()
		if status != 0 {
			log.Info("a call inside came to nothing", "status", status)
			d.decline(c.in, status)
			return
		}
	}
	d.board.consults.add(c)
	defer d.board.consults.remove(c)
	defer c.in.drop(sip.CauseNormal)
	if c.out != nil {
		if _, err := d.engine.Bridge(audio, c.out.audio); err != nil {
			log.Error("cannot bridge", "error", err)
			c.leave()
			return
		}
	}
	c.last()
}

// reach calls the party and returns 0 once it is there, or the status that tells the
// caller why it is not.
func (d *Daemon) reach(in *sip.Incoming, from *config.Agent, c *consult, audio *media.Session) int {
	var caller <-chan sip.Event
	if c.in != nil {
		caller = c.in.call.Events()
	}
	if who := c.to.agent; who != nil {
		if !d.floor.busy(who.id, pacing.Engaged) {
			return 486 // a customer was quicker
		}
		c.talk = newTalk(cmp.Or(c.in, &leg{audio: audio}))
		c.talk.consult = true
		c.talk.call = api.AgentCall{ID: in.ID(), Number: from.Extension}
		c.talk.lead = api.LeadView{Number: from.Extension}
		who.take(c.talk)
		for {
			select {
			case bridge := <-c.talk.joined:
				if bridge == nil {
					return 480
				}
				return 0
			case ev, open := <-caller:
				if c.ends(c.in, ev, open) {
					close(c.talk.over)
					return 487
				}
			case <-in.Cancelled():
				close(c.talk.over)
				return 487
			}
		}
	}
	var err error
	c.out, err = c.to.peer.dial(context.Background(), d.engine, c.to.name, sip.Invite{
		DisplayName: from.Name, RingTimeout: d.board.phones.Load().transfer.RingTimeout,
	}, nil)
	if err != nil {
		return 503
	}
	for {
		select {
		case ev, open := <-c.out.call.Events():
			switch ev := ev.(type) {
			case sip.Answered:
				if c.out.accept(ev.Body) == nil {
					return 0
				}
				c.leave()
				return 488
			case sip.Failed:
				c.leave()
				if ev.Status >= 400 {
					return ev.Status
				}
				return 480
			default:
				if !open {
					c.leave()
					return 480
				}
			}
		case ev, open := <-caller:
			if c.ends(c.in, ev, open) {
				c.leave()
				return 487
			}
		case <-in.Cancelled():
			c.leave()
			return 487
		}
	}
}

// leave lets go of the party.
func (c *consult) leave() {
	if c.out != nil {
		c.out.drop(sip.CauseNormal)
	}
	if c.talk != nil {
		close(c.talk.over)
	}
}

// last lasts as long as the two talk.
func (c *consult) last() {
	var party <-chan sip.Event
	if c.out != nil {
		party = c.out.call.Events()
	}
	for {
		select {
		case ev, open := <-c.in.call.Events():
			if c.ends(c.in, ev, open) {
				c.leave()
				return
			}
		case ev, open := <-party:
			if c.ends(c.out, ev, open) {
				c.leave()
				return
			}
		case <-c.parted():
			c.leave()
			return
		case free := <-c.wanted:
			c.in.audio.Close() // and the bridge with it
			close(free)
			return
		}
	}
}

func (c *consult) parted() <-chan cdr.Party {
	if c.talk == nil {
		return nil
	}
	return c.talk.parted
}

// ends takes an event of one side, and reports whether the call is over.
func (c *consult) ends(l *leg, ev sip.Event, open bool) bool {
	switch ev := ev.(type) {
	case sip.SessionAnswer:
		return l.accept(ev.Body) != nil
	case sip.Referred:
		ev.Reject(603) // the customer's call is what may be transferred
	case sip.Ended:
		return true
	}
	return !open
}
