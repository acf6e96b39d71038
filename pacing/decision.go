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

	// Limits are what each limit would allow by itself, as far as it was asked.
	Limits []Allowance `json:"limits"`

	Predictive *Prospect `json:"predictive,omitempty"` // predictive mode's reasons

	// Spare is how many abandonments more than the windows counted leave the decision right:
	// with the one after that it would have been to dial less. Unlimited where it rests on
	// none.
	Spare  int     `json:"-"`
	Theta  float64 `json:"theta,omitempty"`   // of calls that are dialed now; see Call
	GiveUp []int   `json:"give_up,omitempty"` // calls to be given up: their places in the snapshot's Calls, ascending
}

// Allowance is how many calls one limit would let be dialed.
type Allowance struct {
	Limit Limit `json:"limit"`
	Calls int   `json:"calls"` // Unlimited where it does not bind
}

// Prospect is what a predictive decision expects, and what it may risk.
type Prospect struct {
	Theta    float64 `json:"theta"`     // greatest risk that an answer to a call dialed now finds nobody
	Risk     float64 `json:"risk"`      // of the first call that is not dialed
	Kappa    float64 `json:"kappa"`     // abandonments for each unit of risk accepted, as learned
	Level    float64 `json:"level"`     // answers for each that the tables expect, of late
	Answers  float64 `json:"answers"`   // expected of the calls in flight, those of this decision included
	Lost     float64 `json:"lost"`      // of those in flight before it: answers expected to find nobody
	FreeSoon float64 `json:"free_soon"` // agents expected to become free within FreeWithin
	Window   string  `json:"window"`    // the window that bound theta
	Share    float64 `json:"share"`     // of further answers that may be abandoned, by that window
	Credit   float64 `json:"credit"`    // abandonments that the window could bear now
	Gate     float64 `json:"gate"`      // and that the calls in flight need it to have
	Learned  float64 `json:"learned"`   // calls that what was learned is worth
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
	case ByRisk, ByCredit:
		return d.Predictive.words(d.Bound)
	case ByRatio:
		return "The campaign's max_ratio binds: so many calls are in flight for each agent already."
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

// words says what a predictive decision rests on.
func (p *Prospect) words(by Limit) string {
	var b strings.Builder
	if by == ByRisk {
		fmt.Fprintf(&b, "The risk binds: an answer to one more call would find nobody with a probability of %.1f %%, and %.1f %% may be risked now", 100*p.Risk, 100*p.Theta)
	} else {
		fmt.Fprintf(&b, "The credit binds: %.1f abandoned calls are to spare in the window %q, and the calls in flight may need %.0f; until there is more, an answer may find nobody with a probability of %.2f %% only, and one more call would have %.1f %%",
			p.Credit, p.Window, p.Gate, 100*p.Theta, 100*p.Risk)
	}
	fmt.Fprintf(&b, ". Of the calls in flight %.1f are expected to be answered, %.1f agents to be free within %d s.", p.Answers, p.FreeSoon, int(FreeWithin.Seconds()))
	if p.Learned < wellLearned {
		fmt.Fprintf(&b, " The campaign has only just begun to learn: from %.0f calls.", p.Learned)
	}
	return b.String()
}

// wellLearned is how many calls a campaign must have made before what it expects of the
// next ones is its own.
const wellLearned = 100
