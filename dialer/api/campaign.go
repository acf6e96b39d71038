package api

import (
	"time"

	"ringpace/dialer/cdr"
)

// CampaignStatus is one campaign at a glance.
type CampaignStatus struct {
	Name    string    `json:"name"`
	Mode    string    `json:"mode" doc:"preview, progressive, power or predictive"`
	Running bool      `json:"running" doc:"Told to dial"`
	Since   time.Time `json:"since,omitzero" doc:"Running or stopped since then"`
	State   string    `json:"state,omitempty" doc:"In words what it does: dialing, waiting for agents, out of leads, outside its hours"`

	Leads     map[string]int      `json:"leads" doc:"Leads by state"`
	Agents    map[AgentState]int  `json:"agents" doc:"Agents who work for it, by state"`
	InFlight  int                 `json:"in_flight" doc:"Attempts not yet answered"`
	Live      int                 `json:"live" doc:"Attempts answered and not yet over"`
	Dials     int                 `json:"dials" doc:"Attempts since local midnight"`
	Connects  int                 `json:"connects" doc:"Of these, joined with an agent"`
	Abandoned int                 `json:"abandoned" doc:"Of these, answered by a person with no agent in time"`
	Outcomes  map[cdr.Outcome]int `json:"outcomes" doc:"Ended attempts since local midnight, by outcome"`
	Inbound   InboundFigures      `json:"inbound"`
	Decision  *Decision           `json:"decision,omitempty" doc:"The latest pacing decision"`
}

// InboundFigures are the calls to the campaign's numbers: those of now, and sums since
// local midnight. They count in no other figure of the campaign.
type InboundFigures struct {
	Up        int     `json:"up" doc:"Now"`
	Calls     int     `json:"calls" doc:"That came in, refused ones with them"`
	Connects  int     `json:"connects" doc:"Joined with an agent"`
	Queued    int     `json:"queued" doc:"For which no agent was free at once"`
	WaitS     float64 `json:"wait_s" doc:"Seconds from the call to the agent's voice, of those joined, in all"`
	Abandoned int     `json:"abandoned" doc:"Whose caller gave up before an agent or an announcement came"`
	Callbacks int     `json:"callbacks" doc:"Callbacks kept"`
}

// AbandonedShare is the share of calls answered by a person that found no agent,
// 0 where none was answered.
func (c CampaignStatus) AbandonedShare() float64 {
	if n := c.Connects + c.Abandoned; n > 0 {
		return float64(c.Abandoned) / float64(n)
	}
	return 0
}

// Decision is one pacing decision with its reasons.
type Decision struct {
	At      time.Time `json:"at"`
	Dial    int       `json:"dial" doc:"New numbers dialed by this decision"`
	Limit   string    `json:"limit" doc:"Which limit bound: agents, agent_request, risk, credit, max_ratio, max_in_flight, list, channels, calls_per_second or stopped"`
	Reasons []Fact    `json:"reasons" doc:"What it was reckoned from"`

	Limits     []Allowance `json:"limits,omitempty" doc:"What each limit would allow by itself"`
	Loosened   string      `json:"loosened,omitempty" doc:"In words what would be dialed if the limit that binds did not, and what would bind then"`
	Predictive *Prospect   `json:"predictive,omitempty" doc:"What mode predictive expects and may risk"`
}

// Allowance is how many calls one limit would let be dialed.
type Allowance struct {
	Limit string `json:"limit"`
	Calls int    `json:"calls"`
}

// Prospect is what a decision of mode predictive expects, and what it may risk.
type Prospect struct {
	Theta    float64  `json:"theta" doc:"Greatest risk, 0 to 1, that an answer to a call dialed now finds nobody"`
	Risk     float64  `json:"risk" doc:"That of the first call that is not dialed"`
	Kappa    float64  `json:"kappa" doc:"Abandoned calls for each unit of risk that was accepted, as learned"`
	Level    float64  `json:"level" doc:"Answers of late for each that was to be expected"`
	Answers  float64  `json:"answers" doc:"Expected of the calls in flight, those of this decision with them"`
	Lost     float64  `json:"lost" doc:"Of these, expected to find nobody, of calls that were in flight before"`
	FreeSoon float64  `json:"free_soon" doc:"Agents who are busy and expected to be free within 10 s"`
	Learned  float64  `json:"learned" doc:"Calls that what was learned is worth"`
	Window   string   `json:"window" doc:"The window that binds theta"`
	Share    float64  `json:"share" doc:"Share of further answers that may be abandoned, by that window"`
	Credit   float64  `json:"credit" doc:"Abandoned calls that the window can bear now"`
	Gate     float64  `json:"gate" doc:"Those that the calls in flight need it to bear"`
	GivenUp  int      `json:"given_up" doc:"Calls given up by this decision, as they rang too long for an agent to be there"`
	Windows  []Window `json:"windows"`
}

// Window is a period over which abandonment is bounded, with the counts of all nodes.
type Window struct {
	Name      string    `json:"name" doc:"day, 30_days"`
	Ceiling   float64   `json:"ceiling" doc:"Greatest share, 0 to 1, of answered calls that may be abandoned"`
	Answered  int       `json:"answered" doc:"Calls that a person answered, abandoned ones with them"`
	Abandoned int       `json:"abandoned"`
	Reserved  float64   `json:"reserved" doc:"Abandoned calls that other nodes' calls in flight may still cause"`
	Credit    float64   `json:"credit" doc:"Abandoned calls that it can bear now"`
	Ends      time.Time `json:"ends"`
}

// AbandonedShare is the share of answered calls that were abandoned, 0 where none was
// answered.
func (w Window) AbandonedShare() float64 {
	if w.Answered == 0 {
		return 0
	}
	return float64(w.Abandoned) / float64(w.Answered)
}

// Fact is one figure or state that an explanation rests on.
type Fact struct {
	Name  string `json:"name" doc:"Stable name, such as agents_free"`
	Value string `json:"value" doc:"With its unit"`
	Note  string `json:"note,omitempty" doc:"What it means here"`
}

// Explanation says why a campaign dials as it does.
type Explanation struct {
	Campaign string    `json:"campaign"`
	At       time.Time `json:"at"`
	Summary  string    `json:"summary" doc:"One or two sentences: what it does, why, and what would change it"`
	Limit    string    `json:"limit,omitempty" doc:"The limit that binds now"`
	Facts    []Fact    `json:"facts" doc:"In the order in which they were judged"`
	Decision *Decision `json:"decision,omitempty"`
}

// CDRPage is a run of call detail records, oldest first.
type CDRPage struct {
	Records []cdr.Record `json:"records"`
	Next    string       `json:"next,omitempty" doc:"Cursor for what comes after this page, now or later; empty where the page is empty"`
}
