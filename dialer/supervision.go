package dialer

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/config"
	"ringpace/sip"
)

// supervision is one supervisor's call, from when they have dialed or are called. One
// goroutine owns it.
type supervision struct {
	*supervisor
	of  *agent // whose conversations they take part in
	leg *leg

	parts chan api.ListenPart
	done  chan struct{} // closed when it is over
	// timeout is how long the supervisor's telephone may send nothing before it is taken
	// for dead.
	timeout time.Duration
	log     *slog.Logger
}

// supervisions are those that are up, at most one of each supervisor.
type supervisions struct {
	mu   sync.Mutex // protects live
	live map[string]*supervision
	// calls are those of supervisors whom we have called; they end with the agents.
	calls sync.WaitGroup
}

// begin adds one, or returns that of the same supervisor that is there already.
func (ss *supervisions) begin(s *supervision) (*supervision, bool) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if there := ss.live[s.by]; there != nil {
		return there, false
	}
	ss.live[s.by] = s
	return s, true
}

func (ss *supervisions) end(s *supervision) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	delete(ss.live, s.by)
}

func (d *Daemon) newSupervision(by, token string, part api.ListenPart, of *agent) *supervision {
	return &supervision{
		supervisor: &supervisor{by: by, token: token, part: part, over: make(chan struct{})},
		of:         of, parts: make(chan api.ListenPart), done: make(chan struct{}),
		timeout: d.mediaTimeout, log: d.log.With("supervisor", by, "agent", of.id),
	}
}

// take takes the supervisor's leg.
func (s *supervision) take(l *leg) { s.leg, s.audio = l, l.audio }

// supervisorDialed deals with a call that asks for an agent's conversations. It runs on
// the call's goroutine.
func (d *Daemon) supervisorDialed(in *sip.Incoming, from *config.Agent, part api.ListenPart, extension string, log *slog.Logger) {
	if !from.Supervisor {
		log.Warn("somebody who is no supervisor wants to listen to an agent")
		in.Reject(403, "Forbidden")
		return
	}
	of := d.board.colleague(extension, from.Peer)
	if of == nil || of.id == from.ID {
		log.Info("a supervisor dialed what is no other agent's extension")
		in.Reject(404, "Not Found")
		return
	}
	l, err := d.answerAgent(in, from.Peer, nil)
	if err != nil {
		log.Warn("a supervisor's call cannot be answered", "error", err)
		return
	}
	s := d.newSupervision(from.ID, "", part, of)
	s.take(l)
	defer close(s.done)
	if _, first := d.board.supervisions.begin(s); !first {
		log.Info("a supervisor who listens already dialed again")
		d.confirm(s.leg, false)
		return
	}
	defer d.board.supervisions.end(s)
	ctx, cancel := context.WithTimeout(context.Background(), dialedLimit)
	defer cancel()
	if err := of.ask(ctx, func() error { return of.supervise(s.supervisor) }); err != nil {
		log.Info("a supervisor cannot listen", "error", err)
		d.confirm(s.leg, false)
		return
	}
	s.audio.Play(d.board.high, false)
	s.attend()
}

// Listen implements api.AgentDesk.
func (d *Daemon) Listen(ctx context.Context, id string, part api.ListenPart, by string) (api.AgentStatus, error) {
	of, from := d.findAgent(id), d.configured(by)
	switch {
	case of == nil:
		return api.AgentStatus{}, noAgent(id)
	case from.ID == "":
		return api.AgentStatus{}, noAgent(by)
	case !from.Supervisor:
		return api.AgentStatus{}, api.Invalid("%s is no supervisor: agents[].supervisor of the configuration says who is", by)
	case by == id:
		return api.AgentStatus{}, api.Invalid("agent %s cannot listen to themselves", id)
	case d.draining.Load():
		return api.AgentStatus{}, api.Unavailable("the daemon shuts down")
	}
	if s := of.status.Load(); s.State == api.AgentOffline {
		return api.AgentStatus{}, api.Conflict("agent %s is not logged in here", id)
	}
	caller, _ := api.CallerFrom(ctx)
	s := d.newSupervision(by, caller.Name, part, of)
	there, first := d.board.supervisions.begin(s)
	switch {
	case first:
		if err := d.callSupervisor(s, &from); err != nil {
			d.board.supervisions.end(s)
			close(s.done)
			return api.AgentStatus{}, err
		}
	case there.of != of:
		return api.AgentStatus{}, api.Conflict("%s listens to agent %s; hang up first", by, there.of.id)
	default:
		select {
		case there.parts <- part:
		case <-there.done:
			return api.AgentStatus{}, api.Conflict("%s has just hung up", by)
		case <-ctx.Done():
			return api.AgentStatus{}, ctx.Err()
		}
	}
	return d.Agent(ctx, id)
}

// callSupervisor calls the supervisor's telephone, and has a goroutine do the rest.
func (d *Daemon) callSupervisor(s *supervision, from *config.Agent) error {
	p := d.peer(from.Peer)
	if p == nil {
		return api.Conflict("peer %q of %s is not configured", from.Peer, from.ID)
	}
	l, err := p.dial(context.Background(), d.engine, from.Extension, sip.Invite{
		DisplayName: "listen " + s.of.id, RingTimeout: from.RingTimeout,
	}, nil)
	if err != nil {
		return api.Unavailable("%s cannot be called: %v", from.ID, err)
	}
	s.take(l)
	d.board.supervisions.calls.Go(func() {
		defer close(s.done)
		defer d.board.supervisions.end(s)
		if !s.answered() {
			return
		}
		if err := s.of.ask(context.Background(), func() error { return s.of.supervise(s.supervisor) }); err != nil {
			s.log.Info("a supervisor cannot listen", "error", err)
			d.confirm(s.leg, false)
			return
		}
		s.attend()
	})
	return nil
}

// answered waits until the supervisor's telephone answers. It reports false where it
// does not, or the agent has gone home meanwhile.
func (s *supervision) answered() bool {
	for {
		select {
		case ev, open := <-s.leg.call.Events():
			switch ev := ev.(type) {
			case sip.Answered:
				if err := s.leg.accept(ev.Body); err != nil {
					s.log.Warn("the answer of a supervisor's telephone cannot be used", "error", err)
					s.leg.drop(sip.CauseNormal)
					return false
				}
				return true
			case sip.Failed:
				s.log.Info("a supervisor did not answer", "failure", describe(ev.Failure))
				s.leg.drop(sip.CauseNormal)
				return false
			default:
				if !open {
					s.leg.drop(sip.CauseNormal)
					return false
				}
			}
		case s.part = <-s.parts:
		case <-s.of.gone:
			s.leg.drop(sip.CauseNormal)
			return false
		}
	}
}

// partOf is what the keys 4, 5 and 6 mean.
func partOf(key rune) (api.ListenPart, bool) {
	part, ok := map[rune]api.ListenPart{'4': api.PartListen, '5': api.PartWhisper, '6': api.PartBarge}[key]
	return part, ok
}

// attend lasts as long as the supervisor is on the line.
func (s *supervision) attend() {
	defer s.leg.drop(sip.CauseNormal)
	defer s.of.post(func() { s.of.unsupervise(s.supervisor) })
	keys := s.audio.Digits()
	watch := time.NewTicker(watchEvery)
	defer watch.Stop()
	began := time.Now()
	change := func(part api.ListenPart) { s.of.post(func() { s.of.takePart(s.supervisor, part) }) }
	for {
		select {
		case ev, open := <-s.leg.call.Events():
			switch ev := ev.(type) {
			case sip.SessionAnswer:
				if s.leg.renew(ev.Body) != nil {
					return
				}
			case sip.Digit:
				if part, ok := partOf(ev.Digit); ok {
					change(part)
				}
			case sip.Referred:
				ev.Reject(603) // the conversation is not theirs
			case sip.Ended:
				return
			default:
				if !open {
					return
				}
			}
		case key, open := <-keys:
			if part, ok := partOf(key.Digit); ok {
				change(part)
			}
			if !open {
				keys = nil
			}
		case part := <-s.parts:
			change(part)
		case <-watch.C:
			if s.leg.silentFor(s.timeout, began) {
				s.log.Warn("no audio comes any more from a supervisor")
				return
			}
		case <-s.over:
			return
		}
	}
}
