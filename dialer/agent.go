package dialer

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/media"
	"ringpace/pacing"
	"ringpace/sip"
	"ringpace/sip/trace"
)

// agent is the actor of one agent: one goroutine (run) owns every field below the
// line; others speak to it through ask and post, and read status.
type agent struct {
	id     string
	floor  *floor
	engine *media.Engine
	board  *switchboard
	feed   *api.Feed
	log    *slog.Logger
	wire   *trace.Recorder // nil: no messages are kept
	// mediaTimeout is how long the leg may send nothing before it is taken for dead.
	mediaTimeout time.Duration

	inbox
	status atomic.Pointer[api.AgentStatus]

	// ---
	ctx     context.Context // run's; a leg is dialed under it
	cfg     config.Agent
	mode    string // of the leg; cfg's from the next one
	state   api.AgentState
	reason  string
	since   time.Time
	next    api.AgentState // paused or offline after the call; "" is ready
	nextWhy string
	leave   leave
	figures figures

	leg     *leg
	proven  bool            // the leg was answered and has sent RTP
	dropped <-chan struct{} // closed when the leg that was hung up last is gone
	own     bool            // the agent dialed the leg: who hangs it up goes home
	excused bool            // the phone has asked for a transfer: it hangs up by itself then, and is called back
	proof   deadline        // set by the answer, until the leg has sent some: when it must have
	redial  deadline
	retries int
	keys    <-chan media.Digit // that are pressed on the leg; nil once there are no more
	keypad  keypad
	hush    func() // ends the tone that is laid over what the leg hears; nil before the first

	talk       *talk
	over       <-chan struct{} // talk's, until it was seen closed
	conversing bool            // joined with the customer, who may be on hold
	bridge     *media.Bridge   // nil while the customer is on hold
	hold       hold
	transfer   *transfer          // under way
	third      *third             // called in to the conversation, or being called
	atJoin     media.SessionStats // the leg's figures when the conversation began
	heard      *cdr.Leg           // what the leg was like during the conversation
	untap      func()
	listened   []cdr.Listening // in this call, by those who have left or changed their part
	pauses     recordingPauses
	result     api.Disposition
	wrapEnd    deadline
	wrapBy     time.Time

	supervisors []*supervisor // on the line, whether there is a conversation or not

	fetching bool // a lead to look at is on its way
	preview  *preview
	decideBy deadline // for the preview
}

// proofOfAudio is how long an extension that answered may take to send its first
// packet before it is taken for deaf and dumb.
const proofOfAudio = 5 * time.Second

func newAgent(cfg config.Agent, eq *equipment, log *slog.Logger) *agent {
	a := &agent{
		id: cfg.ID, floor: eq.floor, engine: eq.engine, mediaTimeout: eq.mediaTimeout, board: eq.board, feed: eq.feed,
		log: log.With("agent", cfg.ID), wire: eq.wire, inbox: newInbox(),
		cfg: cfg, mode: cfg.Mode, state: api.AgentOffline, since: time.Now(),
	}
	a.publish()
	return a
}

// run is the actor. It ends when ctx does, with the agent's leg hung up.
func (a *agent) run(ctx context.Context) {
	defer close(a.gone)
	a.ctx = ctx
	watch := time.NewTicker(watchEvery)
	defer watch.Stop()
	for {
		var events <-chan sip.Event
		var received <-chan struct{}
		if a.leg != nil {
			events = a.leg.call.Events()
			if a.proof.isSet() {
				received = a.leg.audio.Received()
			}
		}
		select {
		case f := <-a.messages:
			f()
		case ev, open := <-events:
			a.signal(ev, open)
		case <-received:
			a.arrive()
		case key, open := <-a.keys:
			if !open {
				a.keys = nil // the leg is being closed
			} else if !a.press(key.Digit) && a.bridge != nil && !a.talk.customer.TakesEvents() {
				a.talk.line.press(key.Digit) // which the bridge cannot relay
			}
		case <-a.keypad.idle.reached():
			a.forgetKeys()
		case <-a.dropped:
			a.dropped = nil
			if a.state == api.AgentConnecting && a.mode == config.Ring {
				a.settle()
			}
		case <-a.over:
			a.customerGone()
		case not := <-a.transfer.outcome():
			a.transferred(not)
		case not := <-a.third.outcome():
			a.thirdCalled(not)
		case s, open := <-a.third.heard():
			a.hearThird(s, open)
		case <-a.pauses.limit.reached():
			a.pausedTooLong()
		case <-a.wrapEnd.reached():
			a.finish()
		case <-a.decideBy.reached():
			a.tooLong()
		case <-a.leave.reached():
			a.leaves()
		case <-a.proof.reached():
			a.legLost(fmt.Sprintf("extension %s answered and sent no audio: look at its codecs and at NAT", a.cfg.Extension))
		case <-a.redial.reached():
			a.redial.clear()
			a.dial(sip.Invite{RingTimeout: a.cfg.RingTimeout})
		case <-watch.C:
			a.listenIn()
		case <-ctx.Done():
			a.shut()
			return
		}
	}
}

// shut ends everything of the agent at once.
func (a *agent) shut() {
	a.part(cdr.Ringpace)
	if a.talk != nil {
		a.release()
	}
	a.offline("the daemon shuts down")
}

// become changes the state, keeps the floor and the figures in step, and tells.
func (a *agent) become(s api.AgentState, reason string) {
	now := time.Now()
	a.figures.spend(a.state, a.since, now)
	if s != a.state {
		a.since = now
	}
	a.state, a.reason = s, reason
	a.publish()
	switch s {
	case api.AgentReady:
		a.floor.free(a.id)
	case api.AgentWrapUp, api.AgentGoodbye:
		a.floor.mark(a.id, pacing.WrapUp)
	case api.AgentPaused, api.AgentConnecting:
		a.floor.mark(a.id, pacing.Away)
	case api.AgentOffline:
		a.floor.leave(a.id)
	default:
		a.floor.mark(a.id, pacing.Engaged)
	}
}

// publish makes the agent's status anew for readers and tells it to the feed.
func (a *agent) publish() {
	s := &api.AgentStatus{
		ID: a.id, Name: a.cfg.Name, Extension: a.cfg.Extension, Mode: a.cfg.Mode,
		State: a.state, Reason: a.reason, Since: a.since,
		Campaigns: a.cfg.Campaigns, Today: a.figures.sums(),
	}
	if a.next != a.state {
		s.Next = a.next
	}
	if s.LeavesAt = a.leave.at; a.leave.next == api.AgentPaused && !s.LeavesAt.IsZero() {
		s.LeavesFor = a.leave.why
	}
	if a.wrapEnd.isSet() {
		s.WrapUpEnd = a.wrapBy
	}
	if t := a.talk; t != nil {
		call, lead := t.call, t.lead
		call.Disposition = a.result.Name
		if call.RecordingPausedAt = lasting(a.pauses.list); !call.RecordingPausedAt.IsZero() {
			call.RecordingResumesAt = a.pauses.until
		}
		s.Call, s.Lead = &call, &lead
	} else if a.preview != nil {
		view := a.preview.view
		s.Lead = &view
	}
	a.status.Store(s)
	a.floor.manner(a.id, a.next != "", a.mode == config.Ring, a.leave.at)
	a.feed.Publish(api.Event{Kind: api.EventAgent, Agent: s})
}

// login starts the shift. A ready agent takes calls as soon as their leg is up; any
// other is paused until they say that they are ready.
func (a *agent) login(ready bool) error {
	if a.state != api.AgentOffline {
		return nil
	}
	a.begin(ready)
	if a.mode == config.Ring {
		a.settle()
	} else {
		a.connect()
	}
	return nil
}

// begin brings the agent to the floor, where no call reaches them yet.
func (a *agent) begin(ready bool) {
	a.next, a.nextWhy, a.retries = api.AgentPaused, "logged in", 0
	if ready {
		a.next, a.nextWhy = "", ""
	}
	a.mode = a.cfg.Mode
	a.floor.sit(a, a.cfg.Campaigns)
}

// connect calls a nailed agent's extension.
func (a *agent) connect() {
	a.become(api.AgentConnecting, "calling extension "+a.cfg.Extension)
	a.dial(sip.Invite{RingTimeout: a.cfg.RingTimeout})
}

// configure takes new settings; those of the leg hold from the next one.
func (a *agent) configure(cfg config.Agent) {
	a.cfg = cfg
	if a.state != api.AgentOffline {
		a.floor.sit(a, cfg.Campaigns)
	}
	idle := a.state == api.AgentPaused || a.state == api.AgentConnecting || a.state == api.AgentReady && a.floor.busy(a.id, pacing.Away)
	if idle && a.mode != cfg.Mode {
		a.settle()
		return
	}
	if idle && a.state == api.AgentReady {
		a.floor.free(a.id)
	}
	a.publish()
}

// returned is called when a claim on the agent was given up before it reached them:
// they go where they belong.
func (a *agent) returned() {
	if a.state == api.AgentReady && a.talk == nil {
		a.settle()
	}
}

// settle brings the agent to where they belong when no call holds them: ready,
// paused, offline, or waiting for the leg to come back.
func (a *agent) settle() {
	switch {
	case a.next == api.AgentOffline:
		a.offline(a.nextWhy)
	case a.mode != a.cfg.Mode:
		a.dropLeg(sip.CauseNormal)
		a.redial.clear()
		a.mode = a.cfg.Mode
		if a.mode == config.Nailed {
			a.connect()
		} else {
			a.settle()
		}
	case a.mode == config.Nailed && !a.proven:
		a.reconnect()
	case a.next == api.AgentPaused:
		a.become(api.AgentPaused, a.nextWhy)
	case a.mode == config.Nailed && a.leg.audio.Held():
		a.become(api.AgentPaused, heldReason) // until they take the leg back
	case a.mode == config.Ring && a.dropped != nil:
		a.become(api.AgentConnecting, "the phone is being hung up") // it would be busy to the next call
	default:
		a.become(api.AgentReady, "")
	}
}

// offline ends the shift.
func (a *agent) offline(why string) {
	a.dropLeg(sip.CauseNormal)
	a.redial.clear()
	a.leave.forget()
	a.next = ""
	a.sendSupervisorsAway()
	a.become(api.AgentOffline, why)
}
