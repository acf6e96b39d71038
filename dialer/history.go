package dialer

import (
	"strconv"
	"strings"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
	"ringpace/pacing"
	"ringpace/pacing/sim"
)

// Replayable is what a replay of a campaign may know of a record; false where it tells it
// nothing. The hour is by the clock that the record's instants are written in.
func Replayable(r *cdr.Record, campaign string) (c sim.RecordedCall, ok bool) {
	m := &r.Marks
	c = sim.RecordedCall{
		Sent: m.Invite, Rang: m.Ringing, Answered: m.Answered, Ended: m.Ended, Queued: r.Queued,
		Elsewhere: r.Campaign != campaign || r.Direction == cdr.In,
		Cut:       r.GivenUp || r.Outcome == cdr.Cancelled || r.Outcome == cdr.Interrupted,
		Lead: pacing.Lead{
			List: r.List, Hour: hourOf(m.Invite), Attempt: ordinalOf(r.Ordinal), Number: lead.Kind(r.Number),
		},
	}
	if r.Agent != "" && !m.AgentClaimed.IsZero() && r.Bridged() {
		c.Agent, c.Claimed, c.Joined, c.Parted = r.Agent, m.AgentClaimed, m.AgentAudio, m.TalkEnded
		c.Ready = m.WrappedUp
		if c.Ready.IsZero() {
			c.Ready = m.TalkEnded
		}
	}
	if c.Elsewhere {
		return c, c.Agent != ""
	}
	return c, !m.Invite.IsZero()
}

// RecordOf is the record that a simulated call would leave.
func RecordOf(c *sim.RecordedCall, campaign, id string) cdr.Record {
	r := cdr.Record{
		ID: id, Direction: cdr.Out, Campaign: campaign, List: c.Lead.List, Node: "simulated", Ordinal: 1,
		Outcome: cdr.NoAnswer, GivenUp: c.Cut, Queued: c.Queued, Agent: c.Agent,
		Marks: cdr.Marks{
			Invite: c.Sent, Ringing: c.Rang, Answered: c.Answered, AgentClaimed: c.Claimed, AgentAudio: c.Joined,
			TalkEnded: c.Parted, WrappedUp: c.Ready, Ended: c.Ended,
		},
	}
	if n, err := strconv.Atoi(strings.TrimSuffix(c.Lead.Attempt, "+")); err == nil {
		r.Ordinal = n
	}
	switch {
	case c.Agent != "":
		r.Outcome = cdr.Person
	case !c.Answered.IsZero():
		r.Outcome = cdr.Abandoned
	case c.Cut:
		r.Outcome = cdr.Cancelled
	case c.Rang.IsZero():
		r.Outcome = cdr.Unreachable
	}
	return r
}
