package dialer

import (
	"slices"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/media"
)

// supervisor is somebody on the line who takes part in an agent's conversations, one
// after the other. The agent's actor owns guest and entry; see [Daemon.attend] for the
// supervisor's own call.
type supervisor struct {
	by    string // their agent id
	token string // name of the API's token that asked for it; "" where they dialed
	audio *media.Session
	over  chan struct{} // closed by the agent's actor: there is nobody to listen to any more

	part  api.ListenPart
	guest *media.Guest // nil: there is no conversation
	entry cdr.Listening
}

// mediaPart is what a part means for the audio.
func mediaPart(p api.ListenPart) media.Part {
	switch p {
	case api.PartWhisper:
		return media.Whisper
	case api.PartBarge:
		return media.Barge
	}
	return media.Monitor
}

// supervise lets a supervisor take part in this agent's conversations from now on.
func (a *agent) supervise(s *supervisor) error {
	if a.state == api.AgentOffline {
		return api.Conflict("agent %s is not logged in here", a.id)
	}
	a.supervisors = append(a.supervisors, s)
	a.log.Info("a supervisor is on the line", "supervisor", s.by, "token", s.token, "part", s.part)
	if a.leg != nil && a.proven {
		a.admit(s)
	}
	return nil
}

// takePart changes how a supervisor takes part.
func (a *agent) takePart(s *supervisor, part api.ListenPart) {
	if s.part == part {
		return
	}
	s.part = part
	if s.guest == nil {
		return
	}
	a.note(s)
	s.guest.Take(mediaPart(part))
	a.audit(s)
}

// unsupervise ends what supervise began.
func (a *agent) unsupervise(s *supervisor) {
	for i, at := range a.supervisors {
		if at == s {
			a.dismiss(s)
			a.supervisors = append(a.supervisors[:i:i], a.supervisors[i+1:]...)
			a.log.Info("a supervisor has left", "supervisor", s.by)
			return
		}
	}
}

// admitSupervisors lets those who are on the line hear the conversation that has begun,
// or goes on at another leg.
func (a *agent) admitSupervisors() {
	for _, s := range a.supervisors {
		a.admit(s)
	}
}

// admit lets one hear the conversation, if there is one with a customer: a talk with a
// colleague is nobody else's business, nor is another agent's conversation that this one
// is called in to.
func (a *agent) admit(s *supervisor) {
	if !a.conversing || a.talk.consult || a.talk.conference || s.guest != nil {
		return
	}
	var err error
	if s.guest, err = a.engine.Join(s.audio, a.talk.customer, a.leg.audio, mediaPart(s.part)); err != nil {
		a.log.Error("a supervisor cannot listen", "supervisor", s.by, "attempt", a.talk.call.ID, "error", err)
		return
	}
	a.hearsCustomer(s.guest)
	a.audit(s)
}

// audit begins the entry for the call detail record, and writes the log's.
func (a *agent) audit(s *supervisor) {
	s.entry = cdr.Listening{By: s.by, Token: s.token, Agent: a.id, Part: string(s.part), Began: time.Now()}
	a.tellListened()
	a.log.Info("a supervisor takes part in a call", "supervisor", s.by, "token", s.token, "part", s.part, "attempt", a.talk.call.ID)
}

// note ends the entry.
func (a *agent) note(s *supervisor) {
	s.entry.Ended = time.Now()
	a.listened = append(a.listened, s.entry)
	a.tellListened()
	a.log.Info("a supervisor took part in a call", "supervisor", s.by, "token", s.token, "part", s.entry.Part, "attempt", a.talk.call.ID,
		"seconds", s.entry.Ended.Sub(s.entry.Began).Seconds())
}

// tellListened lets the attempt know who took and takes part.
func (a *agent) tellListened() {
	list := slices.Clone(a.listened)
	for _, s := range a.supervisors {
		if s.guest != nil && s.entry.Ended.IsZero() {
			list = append(list, s.entry)
		}
	}
	offerLatest(a.talk.listened, list)
}

// dismissSupervisors ends what admitSupervisors began.
func (a *agent) dismissSupervisors() {
	for _, s := range a.supervisors {
		a.dismiss(s)
	}
}

func (a *agent) dismiss(s *supervisor) {
	if s.guest != nil {
		s.guest.Leave()
		s.guest = nil
		a.note(s)
	}
}

// sendSupervisorsAway ends the calls of those on the line.
func (a *agent) sendSupervisorsAway() {
	for _, s := range a.supervisors {
		close(s.over)
	}
	a.supervisors = nil
}
