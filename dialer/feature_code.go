package dialer

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/config"
	"ringpace/media"
	"ringpace/sip"
)

// dialedLimit is how long what an agent dialed may take to be obeyed.
const dialedLimit = 10 * time.Second

// agentDialed deals with a call that an agent makes to Ringpace. It runs on the call's
// goroutine.
func (d *Daemon) agentDialed(in *sip.Incoming, from *config.Agent) {
	log := d.log.With("agent", from.ID, "dialed", in.To())
	who := d.findAgent(from.ID)
	does, extension := d.board.phones.Load().codes.Read(in.To())
	if extension != "" {
		d.supervisorDialed(in, from, api.ListenPart(does), extension, log)
		return
	}
	if does == "" && who != nil {
		if to, err := d.board.find(from, in.To()); err == nil && to.number == "" {
			d.consult(in, from, to, log)
			return
		}
	}
	if who == nil || does == "" {
		log.Info("an agent dialed what is neither a feature code nor an extension of an agent")
		in.Reject(404, "Not Found")
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), dialedLimit)
	defer cancel()
	if does == "login" && from.Mode == config.Nailed {
		d.dialIn(ctx, in, from, who, log)
		return
	}
	l, err := d.answerAgent(in, from.Peer, nil)
	if err != nil {
		log.Warn("an agent's call cannot be answered", "error", err)
		return
	}
	obeyed, err := d.obeyCode(ctx, who, does)
	if err != nil {
		log.Info("a feature code was refused", "code", does, "error", err)
	}
	d.confirm(l, obeyed)
}

// obeyCode does what a feature code asks for, and reports how to confirm it.
func (d *Daemon) obeyCode(ctx context.Context, who *agent, does string) (bool, error) {
	var err error
	switch does {
	case "login":
		_, err = d.logIn(ctx, who, true)
	case "logout":
		_, err = d.Logout(ctx, who.id)
	case "ready":
		_, err = d.Ready(ctx, who.id)
	case "pause":
		_, err = d.command(ctx, who.id, func(a *agent) error { return a.pause(d.board.phones.Load().pauseReason) })
	case "status":
		s := who.status.Load()
		return s.State != api.AgentOffline && s.State != api.AgentPaused && s.Next == "", nil
	}
	return err == nil, err
}

// dialIn makes the call that the agent dialed their leg.
func (d *Daemon) dialIn(ctx context.Context, in *sip.Incoming, from *config.Agent, who *agent, log *slog.Logger) {
	l, err := d.answerAgent(in, from.Peer, who.legChanged)
	if err != nil {
		log.Warn("an agent's call cannot be answered", "error", err)
		return
	}
	if err := d.lease(ctx, who); err != nil {
		log.Warn("an agent cannot log in by phone", "error", err)
		d.confirm(l, false)
		return
	}
	if err := who.ask(ctx, func() error { return who.dialedIn(l) }); err != nil {
		log.Warn("an agent's leg is not taken", "error", err)
		l.drop(sip.CauseNormal)
	}
}

// replaceLeg deals with an INVITE that is to take the place of a call of ours: a PBX has
// moved an agent's leg to another telephone, or an agent who registers here has done so
// among telephones of their own. The PBX vouches for who may take whose place; one agent's
// telephone never takes another's.
func (d *Daemon) replaceLeg(in *sip.Incoming, call *sip.Call) {
	log := d.log.With("from", in.From(), "source", in.Source())
	ctx, cancel := context.WithTimeout(context.Background(), dialedLimit)
	defer cancel()
	for _, a := range d.allAgents() {
		var its bool
		if err := a.ask(ctx, func() error { its = a.leg != nil && a.leg.call == call; return nil }); err != nil || !its {
			continue
		}
		cfg := d.configured(a.id)
		p := d.peer(cfg.Peer)
		switch {
		case p == nil || p.local == nil && !slices.Contains(in.Trunks(), p.Trunk):
			log.Warn("somebody else than the agent's PBX wants to replace their leg", "agent", a.id)
			in.Reject(403, "Forbidden")
			return
		case p.local != nil && in.Authorize(d.registry.credentials) != nil:
			return // Authorize has answered it
		case p.local != nil && (in.User() != cfg.Extension || in.From() != in.User()):
			log.Warn("another agent's telephone wants to replace an agent's leg", "agent", a.id, "user", in.User())
			in.Reject(403, "Forbidden")
			return
		}
		l, err := d.answerAgent(in, p.Name(), a.legChanged)
		if err != nil {
			log.Warn("the new leg of an agent cannot be answered", "agent", a.id, "error", err)
			return
		}
		if err := a.ask(ctx, func() error { return a.replacedLeg(call, l) }); err != nil {
			log.Warn("the new leg of an agent is not taken", "agent", a.id, "error", err)
			l.drop(sip.CauseNormal)
		}
		return
	}
	in.Reject(403, "Forbidden")
}

// confirm says by a beep, high or low, whether the agent was obeyed, and hangs up.
func (d *Daemon) confirm(l *leg, obeyed bool) {
	tone := d.board.low
	if obeyed {
		tone = d.board.high
	}
	l.part(l.audio.Play(tone, false), dialedLimit)
}

// decline says by the busy or the congestion tone, as the SIP status is, that who was
// dialed does not come, and hangs up.
func (d *Daemon) decline(l *leg, status int) {
	rules := d.board.phones.Load()
	tone := rules.failure(status)
	if tone == nil {
		d.confirm(l, false)
		return
	}
	l.part(l.audio.Play(tone, true), rules.failed)
}

// part hangs up after the last that is to be heard on a leg, or after the limit.
func (l *leg) part(played *media.Playback, after time.Duration) {
	defer l.drop(sip.CauseNormal)
	limit := time.NewTimer(after)
	defer limit.Stop()
	for {
		select {
		case <-played.Done():
			return
		case <-limit.C:
			return
		case ev, open := <-l.call.Events():
			switch ev := ev.(type) {
			case sip.SessionAnswer:
				_ = l.renew(ev.Body) // without it there is no beep, and the limit ends the call
			case sip.Ended:
				return
			default:
				if !open {
					return
				}
			}
		}
	}
}

// agentAudio opens the audio of a call that came over an agent's peer. Where there can be
// none, the call is refused.
func (d *Daemon) agentAudio(in *sip.Incoming, peer string) (audio *media.Session, err error) {
	if p := d.peer(peer); p == nil {
		err = fmt.Errorf("peer %q is not configured", peer)
	} else {
		audio, err = d.engine.NewSession(p.audio.offered(in))
	}
	if err != nil {
		in.Reject(503, "Service Unavailable")
	}
	return audio, err
}

// answerAgent answers a call that an agent has made; where that fails, the call is over.
func (d *Daemon) answerAgent(in *sip.Incoming, peer string, changed func()) (*leg, error) {
	audio, err := d.agentAudio(in, peer)
	if err != nil {
		return nil, err
	}
	return answerLeg(in, audio, changed)
}

// answerLeg answers a call, with audio that is open already and that it closes where
// the call cannot be answered, which it then has refused. changed is as for dialLeg. It
// returns once the answer is confirmed: anybody can send an INVITE in an agent's name, and
// nothing may be done for one whose sender does not hear us.
func answerLeg(in *sip.Incoming, audio *media.Session, changed func()) (*leg, error) {
	body := audio.Offer() // where the caller leaves the offer to us
	offer := in.Offer()
	if offer != nil {
		var err error
		if body, err = audio.Answer(offer); err != nil {
			audio.Close()
			in.Reject(488, "Not Acceptable Here")
			return nil, err
		}
	}
	call, err := in.Answer(body, onOffer(audio, changed))
	if err != nil {
		audio.Close()
		return nil, err
	}
	l := &leg{call: call, audio: audio}
	if err := l.confirmed(offer == nil); err != nil {
		l.drop(sip.CauseNormal)
		return nil, err
	}
	return l, nil
}
