package pacing

import "time"

// Event is something that a pacer learns from. Each tells of a call or an agent of a
// snapshot that is no longer as it was there.
type Event struct {
	At   time.Time
	Node string `json:",omitzero"` // of the snapshot
	Kind EventKind
	Call Call      `json:",omitzero"` // as in a snapshot before the event; of AgentDone: zero
	Busy time.Time `json:",omitzero"` // AgentDone: when the agent got the call
}

// EventKind is what happened.
type EventKind uint8

// The kinds.
const (
	CallAnswered  EventKind = iota // by a person, or what may be one
	CallEnded                      // without a person
	CallAbandoned                  // after CallAnswered: nobody was free in time
	AgentDone                      // talk and wrap-up are over
)

// Learner is a pacer that learns. Observe is called for each event between two
// decisions, by the goroutine that decides.
type Learner interface {
	Pacer
	Observe(Event)
}
