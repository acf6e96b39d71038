package api

import (
	"context"
	"io"

	"ringpace/dialer/lead"
)

// Floor is the call floor as the API sees it. The daemon implements it.
//
// Every method may be called by many goroutines at once, honours ctx, and answers
// with facts as of now: no method waits for a call to progress. A command returns
// when the actor concerned has accepted it; what follows is told by the Feed.
// Refusals are errors of the kinds in errors.go.
type Floor interface {
	Overview
	CampaignDesk
	AgentDesk
	LeadDesk
	DoNotCallDesk
	WireDesk

	// Reload reads the configuration file again, applies what may change while
	// running, and tells each difference. A file with any fault is refused whole
	// (*Refusal of kind ErrInvalid, one Problem per fault) and the old one stays.
	Reload(ctx context.Context) ([]Change, error)
}

// Overview is the node and what flows through it.
type Overview interface {
	Status(ctx context.Context) (Status, error)
	Trunks(ctx context.Context) ([]TrunkStatus, error)
	Calls(ctx context.Context) ([]CallStatus, error)
	// Registrations gives the telephones that are registered, at whatever node.
	Registrations(ctx context.Context) ([]Registration, error)
	// HangupCall ends the attempt with that id on both legs, at once.
	HangupCall(ctx context.Context, id string) error
}

// CampaignDesk reads and commands campaigns.
type CampaignDesk interface {
	Campaigns(ctx context.Context) ([]CampaignStatus, error) // ordered by name
	Campaign(ctx context.Context, name string) (CampaignStatus, error)
	// StartCampaign lets the campaign dial. Starting one that runs is no error.
	StartCampaign(ctx context.Context, name string) (CampaignStatus, error)
	// StopCampaign makes no new dial from the moment it returns; calls in flight
	// go on. Stopping one that is stopped is no error.
	StopCampaign(ctx context.Context, name string) (CampaignStatus, error)
	// Explain says why the campaign dials as it does now.
	Explain(ctx context.Context, name string) (Explanation, error)
	// Forecast says how long the campaign's list takes.
	Forecast(ctx context.Context, name string, q ForecastQuery) (Forecast, error)
	// CDRs gives at most limit records from the oldest after the cursor; "" starts
	// at the oldest kept.
	CDRs(ctx context.Context, campaign, after string, limit int) (CDRPage, error)
}

// AgentDesk reads and commands agents. A command that the agent's state does not
// allow is refused with ErrConflict; a repeated command (Ready when ready) is not.
type AgentDesk interface {
	Agents(ctx context.Context) ([]AgentStatus, error) // ordered by id
	Agent(ctx context.Context, id string) (AgentStatus, error)

	Login(ctx context.Context, id string) (AgentStatus, error)
	// Logout takes effect at once where no call is up, else after it and its wrap-up.
	Logout(ctx context.Context, id string) (AgentStatus, error)
	// Ready ends a pause or the wrap-up; in wrap-up without a disposition the
	// record keeps none.
	Ready(ctx context.Context, id string) (AgentStatus, error)
	// Pause takes effect at once, or after the call when one is up.
	Pause(ctx context.Context, id, reason string) (AgentStatus, error)
	// Hangup ends the agent's call: the customer is held quiet for the goodbye.
	Hangup(ctx context.Context, id string) (AgentStatus, error)
	// Hold lets the customer wait, who hears what the configuration says.
	Hold(ctx context.Context, id string) (AgentStatus, error)
	// Resume takes the customer back. A hold by the phone's own key is ended there.
	Resume(ctx context.Context, id string) (AgentStatus, error)
	// Leave announces a break or the end of the shift, in place of what was announced before.
	// Pacing does not count on the agent after that time.
	Leave(ctx context.Context, id string, l Leave) (AgentStatus, error)
	// Stay takes that back.
	Stay(ctx context.Context, id string) (AgentStatus, error)
	// PauseRecording keeps what is said out of the recording of the call, which has silence
	// instead, from the moment that it returns: until ResumeRecording, the end of the
	// agent's part in the call, or recording.max_pause, which begins anew with each.
	PauseRecording(ctx context.Context, id string) (AgentStatus, error)
	// ResumeRecording ends what PauseRecording began.
	ResumeRecording(ctx context.Context, id string) (AgentStatus, error)
	// Transfer hands the customer to an extension, another agent's or not, or a number
	// outside, where the configuration allows it. It returns when the new party is called;
	// the agent's state tells what becomes of it.
	Transfer(ctx context.Context, id, to string) (AgentStatus, error)
	// CallIn has a third party, whom Transfer could reach, join the agent and the customer,
	// who goes on with the third party where the agent hangs up. It returns when the party
	// is called; the agent's call tells when it is there.
	CallIn(ctx context.Context, id, to string) (AgentStatus, error)
	// DropThird ends what CallIn began.
	DropThird(ctx context.Context, id string) (AgentStatus, error)
	// Listen calls a supervisor, an agent's id, to take part in the conversations of the
	// agent, this one and those to come, until either hangs up or logs out. Where the
	// supervisor takes part in them already, it changes how. It returns when the
	// supervisor's telephone is called.
	Listen(ctx context.Context, id string, part ListenPart, supervisor string) (AgentStatus, error)
	// Dispose names the result of the call that is up or in wrap-up.
	Dispose(ctx context.Context, id string, d Disposition) (AgentStatus, error)

	// Preview reserves the next lead for the agent and shows it in the status.
	Preview(ctx context.Context, id string) (AgentStatus, error)
	// Dial calls the previewed lead.
	Dial(ctx context.Context, id string) (AgentStatus, error)
	// Skip gives the previewed lead back undialed.
	Skip(ctx context.Context, id string) (AgentStatus, error)
}

// LeadDesk reads and changes the leads of a campaign.
type LeadDesk interface {
	// ImportLeads reads CSV from r until its end. It calls watch from the calling
	// goroutine as it goes on. An error means that it stopped: what was added up to
	// then stays, and importing the same file again adds only the rest.
	ImportLeads(ctx context.Context, campaign string, r io.Reader, opts ImportOptions, watch ImportWatch) (ImportResult, error)
	// ExportLeads writes every lead as CSV with a header line. It refuses before
	// the first byte where it can.
	ExportLeads(ctx context.Context, campaign string, w io.Writer) error
	LeadCounts(ctx context.Context, campaign string) (LeadCounts, error)
	Lead(ctx context.Context, campaign, id string) (LeadStatus, error)
	// UpdateLead replaces what the list gave for the lead l.ID (numbers, priority,
	// due, deadline, time zone, list, fields). From its return on the lead is never
	// dialed as it was.
	UpdateLead(ctx context.Context, campaign string, l lead.Lead) (LeadStatus, error)
	// WithdrawLead takes the lead out for good: from its return on it is not dialed.
	WithdrawLead(ctx context.Context, campaign, id string) error
	// ExplainLead says why the lead is not dialed now, or that it is about to be.
	ExplainLead(ctx context.Context, campaign, id string) (LeadExplanation, error)
}

// DoNotCallDesk keeps the numbers that are never dialed. The campaign "" means the
// list that holds for all campaigns. Numbers are given as people write them and
// normalised to E.164; one that cannot be is refused and then none is taken.
type DoNotCallDesk interface {
	DoNotCall(ctx context.Context, campaign string) ([]string, error)
	// AddDoNotCall tells how many were new.
	AddDoNotCall(ctx context.Context, campaign string, numbers []string) (int, error)
	// RemoveDoNotCall tells how many were on the list.
	RemoveDoNotCall(ctx context.Context, campaign string, numbers []string) (int, error)
}
