package api

import "time"

// AgentState says what an agent does now.
type AgentState string

// The states of an agent.
const (
	AgentOffline      AgentState = "offline"      // not logged in
	AgentConnecting   AgentState = "connecting"   // logged in, the leg to the extension comes up
	AgentReady        AgentState = "ready"        // waits for a call
	AgentReserved     AgentState = "reserved"     // a lead is previewed, or a dial is made for this agent
	AgentRinging      AgentState = "ringing"      // the extension rings for a call
	AgentTalking      AgentState = "talking"      // bridged to a customer
	AgentHold         AgentState = "hold"         // the softphone put the customer on hold
	AgentTransferring AgentState = "transferring" // the customer waits for the party that they are transferred to
	AgentGoodbye      AgentState = "goodbye"      // hung up first; the customer's line is held quiet
	AgentWrapUp       AgentState = "wrap_up"      // the call is over, its result is written
	AgentPaused       AgentState = "paused"       // a break; see Reason
)

// AgentStates returns every state, in the order in which boards show them.
func AgentStates() []AgentState {
	return []AgentState{
		AgentReady, AgentReserved, AgentRinging, AgentTalking, AgentHold, AgentTransferring, AgentGoodbye,
		AgentWrapUp, AgentPaused, AgentConnecting, AgentOffline,
	}
}

// ListenPart is how a supervisor takes part in an agent's conversations. They hear both
// sides in each.
type ListenPart string

// The parts.
const (
	PartListen  ListenPart = "listen"  // nobody hears the supervisor
	PartWhisper ListenPart = "whisper" // the agent hears the supervisor
	PartBarge   ListenPart = "barge"   // so does the customer
)

// AgentStatus is one agent: what a wallboard shows and, with Call and Lead, what
// the agent's own screen shows.
type AgentStatus struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Extension string     `json:"extension"`
	Mode      string     `json:"mode" doc:"nailed: the leg stays up for the shift; ring: the extension rings for each call"`
	State     AgentState `json:"state" doc:"offline, connecting, ready, reserved, ringing, talking, hold, transferring, goodbye, wrap_up or paused"`
	Reason    string     `json:"reason,omitempty" doc:"Why paused or offline, in words"`
	Since     time.Time  `json:"since,omitzero" doc:"In this state since then"`
	Next      AgentState `json:"next,omitempty" doc:"paused or offline, where asked for during a call"`
	LeavesAt  time.Time  `json:"leaves_at,omitzero" doc:"When they take the break, or end the shift, that they have announced"`
	LeavesFor string     `json:"leaves_for,omitempty" doc:"Why they take that break; left out where the shift ends"`
	WrapUpEnd time.Time  `json:"wrap_up_end,omitzero" doc:"When wrap-up ends by itself"`
	Campaigns []string   `json:"campaigns" doc:"Those the agent works for"`

	Registered []Registration `json:"registered,omitempty" doc:"The agent's telephones, where they register at Ringpace"`

	Call *AgentCall `json:"call,omitempty" doc:"The call that is up or in wrap-up"`
	Lead *LeadView  `json:"lead,omitempty" doc:"The customer of that call, or the lead that is previewed"`

	Today AgentFigures `json:"today"`
}

// AgentCall is the call on an agent's screen.
type AgentCall struct {
	ID            string    `json:"id" doc:"The attempt's id"`
	Direction     string    `json:"direction" doc:"out: we called; in: they called one of our numbers"`
	Campaign      string    `json:"campaign"`
	Number        string    `json:"number"`
	AnsweredAt    time.Time `json:"answered_at,omitzero"`
	BridgedAt     time.Time `json:"bridged_at,omitzero" doc:"First agent packet sent to the customer"`
	Disposition   string    `json:"disposition,omitempty" doc:"Chosen so far"`
	Conference    string    `json:"conference,omitempty" doc:"Who else takes part: whom the agent has called in, or the agent who has called this one in"`
	TransferredBy string    `json:"transferred_by,omitempty" doc:"The agent who has handed the customer over"`

	RecordingPausedAt  time.Time `json:"recording_paused_at,omitzero" doc:"The agent has paused the recording, since then: nothing that is said is kept"`
	RecordingResumesAt time.Time `json:"recording_resumes_at,omitzero" doc:"When the recording goes on by itself, at the latest"`

	// Dispositions are those that the campaign offers; empty: any word is taken.
	Dispositions []string `json:"dispositions,omitempty"`
}

// LeadView is a lead as the agent sees it.
type LeadView struct {
	ID       string    `json:"id"`
	List     string    `json:"list"`
	Campaign string    `json:"campaign"`
	Number   string    `json:"number" doc:"The number dialed or to be dialed"`
	Attempts int       `json:"attempts" doc:"Attempts before this one"`
	LastTry  time.Time `json:"last_try,omitzero"`
	Asked    time.Time `json:"asked,omitzero" doc:"The person asked to be called back then, by a call to our number"`
	// DoNotCall may only be set for somebody who has called us.
	DoNotCall string            `json:"do_not_call,omitempty" doc:"The do-not-call entry that has the caller's number: they may call, and may not be called"`
	Fields    map[string]string `json:"fields" doc:"Every other column of the list"`
}

// AgentFigures are an agent's sums since local midnight.
type AgentFigures struct {
	Calls     int     `json:"calls" doc:"Calls joined with a customer"`
	OnlineS   float64 `json:"online_s" doc:"Seconds logged in"`
	TalkS     float64 `json:"talk_s" doc:"Seconds talking, hold left out"`
	HoldS     float64 `json:"hold_s"`
	WaitS     float64 `json:"wait_s" doc:"Seconds ready without a call"`
	WrapUpS   float64 `json:"wrap_up_s"`
	PauseS    float64 `json:"pause_s"`
	Transfers int     `json:"transfers" doc:"Customers handed to another party"`
	Disposed  int     `json:"disposed" doc:"Calls given a disposition"`
}

// Leave is a break, or the end of a shift, as an agent announces it.
type Leave struct {
	At     time.Time `json:"at" doc:"When it begins, within the next 24 hours"`
	Reason string    `json:"reason,omitempty" maxLength:"64" doc:"Of the break, such as lunch; left out: the shift ends"`
}

// Disposition is the result of a call as its agent names it.
type Disposition struct {
	Name     string    `json:"disposition" minLength:"1" maxLength:"64" doc:"One of the campaign's dispositions"`
	Note     string    `json:"note,omitempty" maxLength:"4000" doc:"Free words, kept in the call detail record"`
	Callback time.Time `json:"callback,omitzero" doc:"Call this person again at that time"`
}
