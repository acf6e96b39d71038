package api

import "time"

// EventKind says what an event is about.
type EventKind string

// The kinds of event. For each but EventReset the field of that name is set and
// holds the whole new state, so a reader may apply events in any order of kinds and
// needs no differences.
const (
	EventAgent    EventKind = "agent"
	EventCampaign EventKind = "campaign"
	EventTrunk    EventKind = "trunk"
	EventCall     EventKind = "call"
	EventAlarm    EventKind = "alarm"
	EventReset    EventKind = "reset" // events were missed: read everything anew
)

// Event is a change of state somewhere on the floor.
type Event struct {
	ID   string    `json:"id" doc:"Give it as Last-Event-ID to go on after it"` // set by the Feed
	Kind EventKind `json:"kind" doc:"agent, campaign, trunk, call, alarm or reset"`
	At   time.Time `json:"at"` // set by the Feed where zero

	Agent    *AgentStatus    `json:"agent,omitempty"`
	Campaign *CampaignStatus `json:"campaign,omitempty"`
	Trunk    *TrunkStatus    `json:"trunk,omitempty"`
	Call     *CallEvent      `json:"call,omitempty"`
	Alarm    *Alarm          `json:"alarm,omitempty"`
}

// CallEvent is a step of one attempt.
type CallEvent struct {
	CallStatus
	Over    bool   `json:"over,omitempty" doc:"The attempt has ended; outcome says how"`
	Outcome string `json:"outcome,omitempty"`
}

// About reports whether the event is the business of the agent with that id.
func (e Event) About(agent string) bool {
	switch e.Kind {
	case EventAgent:
		return e.Agent != nil && e.Agent.ID == agent
	case EventCall:
		return e.Call != nil && e.Call.Agent == agent
	case EventReset:
		return true
	}
	return false
}
