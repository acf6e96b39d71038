package dialer

import (
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/media"
)

// talk is one customer brought to one agent: what the attempt hands over, and how
// the two actors tell each other what happened. Each channel has one sender, and
// those from the agent have room for all that is ever sent, so that neither actor
// can block the other.
type talk struct {
	call      api.AgentCall
	lead      api.LeadView
	line      *leg           // the customer's
	customer  *media.Session // line's
	recording *tape          // nil where nothing is recorded

	// there is set where the customer hears it ring until the agent is there: the agent
	// says so on it, and is told by meet that the customer is answered.
	there chan struct{}

	over chan struct{} // closed by the attempt: the customer's leg is over, or the attempt no longer wants the agent

	// transfers takes the agent's wishes, one at a time; handed is the number, from 1, of
	// the record's transfer that brought the customer here, 0 for none.
	transfers chan *transfer
	handed    int
	consult   bool // no customer, but a colleague who has dialed the agent

	// conference is set where the agent is called in by another, and is a third until that
	// one leaves: legs tells, from the agent, with what audio, each in the place of the one
	// before. The agent owns conference.
	conference bool
	legs       chan *media.Session

	// listened is, from the agent, who of the supervisors took and takes part so far: what
	// a crash must not lose. heardBy is the last of it, the attempt's.
	listened chan []cdr.Listening
	heardBy  []cdr.Listening

	// pauses is, from the agent, when they have paused the recording so far, for the same
	// reason. paused is the last of it, the attempt's.
	pauses chan []cdr.RecordingPause
	paused []cdr.RecordingPause

	joined  chan *media.Bridge // from the agent: the bridge, and each that takes its place; closed without one where the agent cannot take the call
	parted  chan cdr.Party     // from the agent: who of agent and network ended the conversation
	wrapped chan wrapUp        // from the agent: the wrap-up is over
}

// wrapUp is what an agent made of a call.
type wrapUp struct {
	disposition api.Disposition
	leg         *cdr.Leg
	holds       int
	held        time.Duration
	listened    []cdr.Listening
	pauses      []cdr.RecordingPause
}

func newTalk(line *leg) *talk {
	return &talk{
		line:      line,
		customer:  line.audio,
		over:      make(chan struct{}),
		joined:    make(chan *media.Bridge, 1),
		parted:    make(chan cdr.Party, 1),
		wrapped:   make(chan wrapUp, 1),
		transfers: make(chan *transfer, 1),
		listened:  make(chan []cdr.Listening, 1),
		pauses:    make(chan []cdr.RecordingPause, 1),
		legs:      make(chan *media.Session, 1),
	}
}
