package pacing

import "time"

// Snapshot is all that a decision may know: every agent and every call of one
// campaign at one instant, and what the surroundings allow.
type Snapshot struct {
	Now    time.Time
	Node   string  // whose agents and calls these are, where nodes share the campaign; an answer needs an agent of its own node
	Agents []Agent // every logged-in agent of the campaign
	Calls  []Call  // every call that has neither ended nor reached an agent
	Asked  int     // previewed leads that agents have asked to be dialed and that are not dialed yet
	Next   []Lead  // leads that will be dialed next, in order, as far as they are known
	Limits Limits

	Elsewhere Elsewhere // what else counts against the windows

	// Windows are the periods over which abandonment is bounded; predictive mode needs one.
	Windows []Window
}

// Elsewhere is what other nodes do for the same campaign.
type Elsewhere struct {
	Agents int     // logged in there
	Calls  int     // in flight there
	Lost   float64 // answers, to the calls in flight there, that are expected to find nobody: Prospect.Lost
}

// Agent is one logged-in agent.
type Agent struct {
	State AgentState
	Since time.Time     `json:",omitzero"` // when the state began
	Busy  time.Time     `json:",omitzero"` // Engaged, WrapUp: when the agent got the call that they handle
	Until time.Time     `json:",omitzero"` // when the agent leaves, as far as it is known: the shift's end, an announced break. Zero: not known
	Next  bool          `json:",omitzero"` // Engaged, WrapUp: the agent takes a break, or logs out, after this call
	Ring  time.Duration `json:",omitzero"` // how long the agent's telephone rings before they have a call; 0 for who stays on the line

	FreeAt time.Time `json:",omitzero"` // Engaged, WrapUp: when they are ready again. Only an oracle knows: see the simulator. Zero: not known
}

// AgentState is what an agent does, as far as pacing cares.
type AgentState uint8

// The states.
const (
	Free    AgentState = iota // ready for a call, and held for none
	Engaged                   // reserved, rung, talking, holding or in the goodbye
	WrapUp                    // after a call
	Away                      // paused, or the agent's leg is not up
)

// Call is one call in flight.
type Call struct {
	State CallState
	Since time.Time // when the INVITE was sent
	Rings time.Time `json:",omitzero"` // when it was first heard to ring; zero while it is not
	Lead  Lead      `json:",omitzero"` // what is known of who is called
	Theta float64   `json:",omitzero"` // the risk bound under which it was dialed: Decision.Theta then

	// What only an oracle knows: see the simulator.
	Foreseen  bool      `json:",omitzero"` // whether AnswersAt is known
	AnswersAt time.Time `json:",omitzero"` // when a person answers; zero: nobody will
}

// Lead is what is known of the person who is called, as far as it may tell how likely
// they are to answer. Each is a word of its own kind; empty where it is not known.
type Lead struct {
	List     string `json:",omitzero"` // the list that they are on
	Hour     string `json:",omitzero"` // weekday or weekend, and hour of the day, where they are
	Attempt  string `json:",omitzero"` // ordinal of the attempt: 1, 2, 3, 4+
	Previous string `json:",omitzero"` // outcome that the attempts so far came to most often
	Number   string `json:",omitzero"` // mobile, fixed …
}

// CallState is how far a call has come.
type CallState uint8

// The states.
const (
	Dialing CallState = iota // no answer yet, nor word that it rings
	Ringing                  // a provisional response said that it rings
	Waiting                  // answered, and waits for an agent
)

// Limits is what the surroundings allow. Unlimited stands for no limit.
type Limits struct {
	Stop     string // why nothing may be dialed at all (store away, disk full, trunks down …); "" if nothing forbids it
	Leads    int    // leads that may be dialed now
	Channels int    // free channels on the campaign's trunks
	Rate     int    // calls that the trunks' calls-per-second limits allow now
}

// Unlimited is the value of a limit that does not bind.
const Unlimited = int(^uint(0) >> 1)

// count is how many agents and calls are in which state.
type count struct {
	agents, free, away        int
	dialing, ringing, waiting int
}

func (s *Snapshot) count() count {
	c := count{agents: len(s.Agents)}
	for _, a := range s.Agents {
		switch a.State {
		case Free:
			c.free++
		case Away:
			c.away++
		}
	}
	for _, k := range s.Calls {
		switch k.State {
		case Dialing:
			c.dialing++
		case Ringing:
			c.ringing++
		case Waiting:
			c.waiting++
		}
	}
	return c
}

func (c count) inFlight() int { return c.dialing + c.ringing + c.waiting }
