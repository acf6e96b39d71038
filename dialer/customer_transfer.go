package dialer

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/media"
	"ringpace/pacing"
	"ringpace/sip"
)

// transfer is an agent's wish that their customer go on with somebody else, or that
// somebody join the two. It does not change.
type transfer struct {
	from     string // the agent's id
	kind     cdr.TransferKind
	to       destination
	leg      *leg                            // to the new party, where it is up already
	engaged  bool                            // the agent that it goes to waits for it: they have talked about it
	replaces *sip.ReplacesID                 // the agent's call with the new party, at the PBX
	by       string                          // Referred-By
	told     func(status int, phrase string) // how it goes, for the phone that asked; never nil

	done chan *unreached // one: nil where the customer is with the new party, else why not

	// Of a conference only. audio is what is heard of the party, each in the place of the one
	// before, from the attempt, who closes it once they have left; cancel is closed by the
	// agent: the party is to go.
	audio  chan *media.Session
	cancel chan struct{}
}

func newTransfer(from string, kind cdr.TransferKind, to destination) *transfer {
	return &transfer{from: from, kind: kind, to: to, told: func(int, string) {}, done: make(chan *unreached, 1)}
}

// unreached is why a new party did not come.
type unreached struct {
	to      string
	outcome cdr.Outcome
	status  int // SIP's
	why     string
}

func (u *unreached) String() string { return "transfer to " + u.to + ": " + u.why }

// handover is the customer's way from an agent to a new party, and then the stay with
// one who is no agent.
type handover struct {
	*transfer
	entry int             // in the record's list
	talk  *talk           // with another agent
	leg   *leg            // to anybody else
	line  *line           // of a number outside
	turn  deadline        // until it may be called by the trunk's calls per second
	music *media.Playback // for the customer meanwhile
	untap func()

	// Of a conference only: what tells the party of the recording, nil where nothing does, and
	// what ends their hearing its beep.
	briefing *briefing
	hush     func()
}

// transferEntry is the transfer's place in the record.
func (c *customer) transferEntry(h *handover) *cdr.Transfer { return &c.rec.Transfers[h.entry] }

// events are those of the new party's leg; none where there is none.
func (h *handover) events() <-chan sip.Event {
	if h == nil || h.leg == nil {
		return nil
	}
	return h.leg.call.Events()
}

// turnCame tells that the new party may be called now, where the trunk was at its limit.
func (h *handover) turnCame() <-chan time.Time {
	if h == nil {
		return nil
	}
	return h.turn.reached()
}

// joined tells that another agent has the customer, or cannot take them.
func (h *handover) joined() <-chan *media.Bridge {
	if h == nil || h.talk == nil {
		return nil
	}
	return h.talk.joined
}

// parted tells that the agent has left, as long as one has the customer.
func (c *customer) parted() <-chan cdr.Party {
	if c.third != nil || c.left != "" {
		return nil
	}
	return c.talk.parted
}

// newParty is who is called for a transfer or a conference, takes part in the latter, or
// has the customer after either.
func (c *customer) newParty() *handover { return cmp.Or(c.handing, c.beside, c.third) }

// handOver begins a transfer: the agent has let go of the customer, who hears what
// customers on hold hear. Or a conference, for which nothing changes yet.
func (c *customer) handOver(x *transfer) {
	h := &handover{transfer: x, entry: len(c.rec.Transfers)}
	c.handing = h
	c.rec.Transfers = append(c.rec.Transfers, cdr.Transfer{
		At: time.Now(), By: x.from, Kind: x.kind, To: x.to.name, Party: x.to.kind(),
	})
	c.remember()
	beside := x.kind == cdr.Conference
	if !beside {
		c.show(api.CallTransferring)
	}
	rules := c.board.phones.Load()
	switch {
	case x.leg != nil:
		h.leg = x.leg
		c.meet()
		return
	case x.to.agent != nil:
		c.transferEntry(h).Agent = x.to.agent.id
		if !x.engaged && !c.floor.busy(x.to.agent.id, pacing.Engaged) {
			c.handFailed(cdr.Busy, 486, fmt.Sprintf("agent %s is not free", x.to.agent.id))
			return
		}
		h.talk = c.talkFor()
		h.talk.conference = beside
		if beside {
			h.talk.call.Conference = x.from
		} else {
			h.talk.call.TransferredBy = x.from
		}
		h.talk.handed = h.entry + 1
		x.to.agent.take(h.talk)
	default:
		if !c.callParty() {
			return
		}
	}
	if !beside {
		h.music = c.leg.audio.Play(rules.music, true)
	}
}

// turnLimit is how long the customer waits for the turn of a call to a number outside at
// the trunk.
const turnLimit = 5 * time.Second

// callParty calls an extension or a number outside, where the trunk is at its calls per
// second as soon as its turn comes. It reports false where that has failed.
func (c *customer) callParty() bool {
	h := c.handing
	h.turn.clear()
	if h.to.peer == nil {
		var soon time.Duration
		h.line, soon = c.board.outside(c.rec.Trunk, c.rec.CallerID, h.to.number)
		if h.line == nil && soon > 0 && time.Since(c.transferEntry(h).At)+soon < turnLimit {
			h.turn.set(soon)
			return true
		}
		if h.line == nil {
			c.handFailed(cdr.TransferFailed, 503, fmt.Sprintf("trunk %s has no channel for a call to %s now", c.rec.Trunk, h.to.number))
			return false
		}
	}
	if err := c.dialParty(h); err != nil {
		c.handFailed(cdr.TransferFailed, 503, err.Error())
		return false
	}
	return true
}

func (c *customer) dialParty(h *handover) error {
	var wants media.SessionConfig
	if p := h.to.peer; p != nil {
		wants = p.outgoing(h.to.name)
	} else {
		wants = h.line.trunk.outgoing()
	}
	audio, err := c.engine.NewSession(wants)
	if err != nil {
		return err
	}
	inv := sip.Invite{
		ID: newID(), To: h.to.name, DisplayName: c.rec.Number, RingTimeout: c.board.phones.Load().transfer.RingTimeout,
		Replaces: h.replaces, ReferredBy: h.by,
	}
	c.wire.Link(c.rec.ID, inv.ID, "transfer to "+h.to.name)
	if p := h.to.peer; p != nil {
		inv.CallerID = p.fromUser
		h.leg, err = dialLeg(context.Background(), p, audio, inv, nil)
		return err
	}
	c.transferEntry(h).Trunk = h.line.trunk.Name()
	inv.To, inv.CallerID, inv.DisplayName = h.to.number, h.line.callerID, ""
	h.leg, err = dialLeg(context.Background(), h.line.trunk.Trunk, audio, inv, nil)
	h.line.begun()
	return err
}

// partySays takes an event of the new party's leg, and reports whether the customer's
// conversation is over with it.
func (c *customer) partySays(ev sip.Event, open bool) (over bool) {
	h := c.newParty()
	switch ev := ev.(type) {
	case sip.Progress:
		if ev.Status == 180 {
			h.told(180, "Ringing")
		}
	case sip.SessionAnswer:
		if err := h.leg.accept(ev.Body); err != nil {
			c.log.Warn("a session answer cannot be used", "error", err)
		}
	case sip.Answered:
		if err := h.leg.accept(ev.Body); err != nil {
			c.handFailed(cdr.TransferFailed, 488, err.Error())
			return false
		}
		c.meet()
	case sip.Digit:
		if h.briefing.objects(ev.Digit, time.Now()) {
			return c.partyRefuses()
		}
	case sip.Failed:
		status := ev.Status
		if status < 300 {
			status = 480 // nobody answered
		}
		c.handFailed(outcomeOf(ev.Failure), status, describe(ev.Failure))
	case sip.Ended:
		return c.partyGone(ev.Err)
	default:
		if !open {
			return c.partyGone(nil)
		}
	}
	return false
}

// partyGone is called when the new party's leg has ended.
func (c *customer) partyGone(err error) (over bool) {
	switch {
	case c.beside != nil:
		c.besideGone()
		return false
	case c.third == nil:
		c.handFailed(cdr.TransferFailed, 480, "the new party hung up")
		return false
	}
	c.rec.HungUpBy = cdr.ThirdParty
	if err != nil {
		c.rec.HungUpBy = cdr.Network
	}
	return true
}

// meet joins the customer with the new party, who has answered.
func (c *customer) meet() {
	h := c.handing
	h.stopMusic()
	if h.kind == cdr.Conference {
		if h.briefing = c.recording.brief(h.leg.audio); h.briefing == nil {
			c.joins(h.leg.audio)
		}
		return
	}
	if err := c.goOnWith(h); err != nil {
		c.handFailed(cdr.TransferFailed, 500, err.Error())
		return
	}
	c.handed()
}

// goOnWith has the customer talk with a party who is no agent, instead of the agent.
func (c *customer) goOnWith(h *handover) error {
	end := c.board.phones.Load().transfer.Recording == config.RecordingEnd
	switch {
	case c.recording == nil:
	case end:
		c.recording.End(time.Now())
		c.cut = true
	default:
		c.recording.Mark("transferred")
		h.untap = c.recording.join(h.leg.audio)
	}
	if _, err := c.engine.Bridge(c.leg.audio, h.leg.audio); err != nil {
		return err
	}
	c.rec.Marks.TalkEnded = time.Now() // with the agent
	c.third = h
	return nil
}

// colleagueTook is called when another agent was to take the customer: bridge is nil
// where they cannot.
func (c *customer) colleagueTook(bridge *media.Bridge) {
	h := c.handing
	h.stopMusic()
	if bridge == nil {
		h.talk = nil
		c.handFailed(cdr.NoAnswer, 480, fmt.Sprintf("agent %s did not take the call", h.to.agent.id))
		return
	}
	c.past = append(c.past, c.talk)
	c.talk, c.left = h.talk, ""
	c.handed()
}

// handed is called when the customer is with the new party.
func (c *customer) handed() {
	h := c.handing
	c.handing = nil
	e := c.transferEntry(h)
	e.Outcome, e.Connected = cdr.TransferConnected, time.Now()
	c.remember()
	c.show(api.CallBridged)
	h.told(200, "OK")
	h.done <- nil
}

// handFailed ends a transfer that came to nothing: the customer is the agent's again,
// who may have left meanwhile.
func (c *customer) handFailed(outcome cdr.Outcome, status int, why string) {
	h := c.handing
	c.handing = nil
	h.stopMusic()
	h.close()
	e := c.transferEntry(h)
	e.Outcome, e.SIPStatus, e.Reason, e.Ended = outcome, status, why, time.Now()
	c.log.Info("a transfer failed", "agent", h.from, "to", h.to.name, "why", why)
	c.remember()
	c.show(api.CallBridged)
	h.told(status, why)
	h.done <- &unreached{to: h.to.name, outcome: outcome, status: status, why: why}
}

func (h *handover) stopMusic() {
	if h.music != nil {
		h.music.Stop()
		h.music = nil
	}
}

// close ends all that the handover holds.
func (h *handover) close() {
	h.turn.clear()
	if h.untap != nil {
		h.untap()
	}
	h.beepNoMore()
	if h.leg != nil {
		h.leg.drop(sip.CauseNormal)
	}
	if h.line != nil {
		h.line.release()
	}
	if h.talk != nil {
		close(h.talk.over)
	}
}

// deserted reports whether the customer has nobody left: the agent went away while a
// transfer was under way, and it came to nothing.
func (c *customer) deserted() bool { return c.left != "" && c.newParty() == nil }

// endTransfers ends what transfers have left: one that is under way, and the stay with a
// party who is no agent.
func (c *customer) endTransfers() {
	if c.handing != nil {
		c.handFailed(cdr.Cancelled, 487, "the customer's call has ended")
	}
	if c.beside != nil {
		c.partBeside()
	}
	if h := c.third; h != nil {
		e := c.transferEntry(h)
		e.Ended, e.Leg = c.rec.Marks.Ended, h.leg.figures()
		h.close()
	}
	for _, t := range c.past {
		close(t.over)
	}
}
