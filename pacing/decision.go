package pacing

import (
	"fmt"
	"strings"
)

// Limit names what kept a decision from dialing more.
type Limit string

// The limits.
const (
	ByAgents   Limit = "agents"           // no agent is free for another call
	ByRequest  Limit = "agent_request"    // preview: no agent has asked for another call
	ByMaximum  Limit = "max_in_flight"    // the campaign's own maximum of calls in flight
	ByLeads    Limit = "list"             // no lead may be dialed now
	ByChannels Limit = "channels"         // the trunks' channels are taken
	ByRate     Limit = "calls_per_second" // the trunks' calls-per-second limits
	ByRatio    Limit = "max_ratio"        // the campaign's own maximum of calls in flight for each agent
	ByRisk     Limit = "risk"             // an answer to one more call would too likely find nobody
	ByCredit   Limit = "credit"           // the budget of abandonments is used up, or may be by the calls in flight
	ByStop     Limit = "stopped"          // nothing may be dialed; Decision.Stop says why
)

// Decision is how many calls to place now, and why not more.
type Decision struct {
	Dial  int    `json:"dial"`  // calls to place now, never negative
	Bound Limit  `json:"bound"` // what kept it from being more
	Stop  string `json:"stop,omitempty"`

	// What it was decided on.
	Mode      Mode    `json:"mode"`
	Ratio     float64 `json:"ratio,omitempty"` // lines per free agent, where the mode has one
	Agents    int     `json:"agents"`          // logged in
	Free      int     `json:"free"`            // of them, ready for a call
	InFlight  int     `json:"in_flight"`       // calls before the agent: dialing, ringing and waiting
	Ringing   int     `json:"ringing"`
	Waiting   int     `json:"waiting"` // answered, and no agent yet
	Lines     int     `json:"lines"`   // calls in flight that the mode wants
	Asked     int     `json:"asked,omitempty"`
	Leads     int     `json:"leads"`
	Channels  int     `json:"channels"`
	Rate      int     `json:"rate"`
	MaxFlight int     `json:"max_in_flight,omitempty"`

	// Predictive mode.
	Theta  float64 `json:"theta,omitempty"`   // greatest risk that an answer to a call dialed now may find nobody
	Risk   float64 `json:"risk,omitempty"`    // of the first call that is not dialed
	GiveUp []int   `json:"give_up,omitempty"` // calls to be given up: their places in the snapshot's Calls, ascending
}

// Explain says in words why so many calls are dialed, and what would have to
// change for more.
func (d Decision) Explain() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s mode dials %d now: %d of %d agents are free, %d calls are in flight (%d ringing, %d answered and waiting)",
		d.Mode, d.Dial, d.Free, d.Agents, d.InFlight, d.Ringing, d.Waiting)
	if d.Mode == Preview {
		fmt.Fprintf(&b, ", and agents have asked for %d calls", d.Asked)
	} else {
		fmt.Fprintf(&b, ", and %d are wanted", d.Lines)
	}
	b.WriteString(". ")
	b.WriteString(d.bound())
	return b.String()
}

func (d Decision) bound() string {
	switch d.Bound {
	case ByStop:
		return "Nothing is dialed: " + d.Stop + "."
	case ByAgents:
		switch {
		case d.Agents == 0:
			return "The agents bind: none is logged in."
		case d.Free == 0:
			return "The agents bind: none is free."
		default:
			return "The agents bind: every free agent has its calls in flight."
		}
	case ByRequest:
		return "The agents bind: in preview mode each call waits for an agent to ask for it."
	case ByMaximum:
		return fmt.Sprintf("The campaign's max_in_flight of %d binds.", d.MaxFlight)
	case ByLeads:
		return fmt.Sprintf("The list binds: %d leads may be dialed now.", d.Leads)
	case ByChannels:
		return fmt.Sprintf("The trunks bind: %d channels are free.", d.Channels)
	case ByRate:
		return fmt.Sprintf("The trunks' calls-per-second limit binds: %d may start now.", d.Rate)
	}
	return ""
}
