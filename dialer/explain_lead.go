package dialer

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/gate"
	"ringpace/dialer/store"
	"ringpace/pacing"
)

// standing is all that may stand against dialing a lead.
type standing struct {
	store.LeadStatus
	forbidden string     // the do-not-call entry that has the number; "" if none
	before    int        // leads that are dialed before it
	inTurn    bool       // before is known
	batched   bool       // and leads are put in order, a batch at a time
	unserved  string     // why no trunk takes the number; "" if one does
	stop      string     // why the campaign dials nobody; "" if nothing forbids it
	limit     string     // that binds the campaign's pacing
	pace      string     // why pacing dials nobody now; "" if it does
	trunks    []api.Fact // whether each would take the call
	rules     gate.Rules
}

// ExplainLead implements api.LeadDesk.
func (d *Daemon) ExplainLead(ctx context.Context, name, id string) (api.LeadExplanation, error) {
	c, err := d.findCampaign(name)
	if err != nil {
		return api.LeadExplanation{}, err
	}
	var s standing
	if s.LeadStatus, err = d.store.Lead(ctx, name, id); err != nil {
		return api.LeadExplanation{}, away(err)
	}
	number := s.Lead.Number()
	if s.forbidden, err = d.store.CheckDNC(ctx, name, number); err != nil {
		return api.LeadExplanation{}, away(err)
	}
	if s.before, s.inTurn, err = d.store.Turn(ctx, name, id); err != nil {
		return api.LeadExplanation{}, away(err)
	}
	if err := c.ask(ctx, func() error {
		s.rules, s.unserved, s.stop = c.rules, d.trunks.unserved(c.cfg, number), c.limits().Stop
		s.batched = c.isGranted() || len(c.ahead.batch.ids) > 0 || c.arranger() != nil
		if s.limit = c.last.Limit; c.last.Dial == 0 {
			s.pace = c.text
		}
		s.trunks = d.trunks.explain(c.cfg, number)
		return nil
	}); err != nil {
		return api.LeadExplanation{}, err
	}
	x := s.explain(time.Now())
	x.Campaign = name
	x.History, err = d.history(ctx, name, id)
	return x, away(err)
}

// explain says what stands against dialing the lead, and until when.
func (s *standing) explain(now time.Time) api.LeadExplanation {
	x := api.LeadExplanation{LeadID: s.Lead.ID, At: now, State: string(s.State)}
	fact := func(name, value, note string) {
		x.Facts = append(x.Facts, api.Fact{Name: name, Value: value, Note: note})
	}
	fact("state", string(s.State), stateWords[s.State])
	fact("attempts", strconv.Itoa(s.Lead.Attempts), "so far")
	var against []string
	due := s.State == store.Waiting && !s.Lead.Due.After(now) // the next claim finds it
	switch {
	case s.State == store.Ready || due:
	case s.State == store.Waiting:
		words := "it waits until " + s.Lead.Due.Format(time.RFC3339)
		x.NextTry = s.Lead.Due
		if s.Reason != "" {
			words += ": " + s.Reason
		}
		against = append(against, words)
	default:
		against = append(against, stateWords[s.State])
	}
	if s.forbidden != "" {
		fact("do_not_call", s.forbidden, "the entry that forbids the number")
		against = append(against, fmt.Sprintf("its number is on the do-not-call list (%s)", s.forbidden))
	}
	if s.unserved != "" {
		against = append(against, s.unserved)
	}
	if v := gate.Judge(s.rules, &s.Lead, now); v.Action != gate.Allow {
		fact("rule", string(v.Rule), v.Reason)
		if s.State != store.Waiting || v.Rule != gate.RuleDue {
			against = append(against, v.Reason)
		}
		if v.Action == gate.Wait {
			x.NextTry = v.Until
		}
	}
	if s.stop != "" {
		against = append(against, s.stop)
	}
	turn := "when its turn comes"
	if s.inTurn {
		note, about := "leads go before it", ""
		if s.batched {
			note, about = fmt.Sprintf("leads go before it, give or take %d: %d at a time are put in order by how likely they answer", pacing.Batch-1, pacing.Batch), "about "
		}
		fact("turn", strconv.Itoa(s.before), note)
		turn += fmt.Sprintf(", after %s%d others", about, s.before)
	}
	if s.limit != "" {
		fact("pacing", s.limit, "the limit that binds the campaign")
	}
	x.Facts = append(x.Facts, s.trunks...)

	x.Dialable = len(against) == 0
	switch {
	case !x.Dialable:
		x.Summary = "It is not dialed now: " + strings.Join(against, "; ") + "."
	case s.pace == "":
		x.Summary = fmt.Sprintf("Nothing stands against it: it is dialed %s.", turn)
	default:
		x.Summary = fmt.Sprintf("Nothing stands against it: it is dialed %s. No call is placed now, though: %s", turn, s.pace)
	}
	if c := s.Lead.Callback; !c.Asked.IsZero() {
		asked := fmt.Sprintf("callback asked for by the caller at %s, from %s", c.Asked.Format(time.RFC3339), c.Number)
		fact("callback", c.Asked.Format(time.RFC3339), asked)
		x.Summary += " It has a " + asked + "."
	}
	return x
}

var stateWords = map[store.State]string{
	store.Waiting:   "it waits for its time",
	store.Ready:     "it may be dialed now",
	store.Claimed:   "it is about to be dialed, or an agent looks at it",
	store.Dialing:   "it is being dialed",
	store.Done:      "it is done: no further attempt",
	store.Withdrawn: "it was withdrawn",
}

// history finds a lead's records in the campaign's stream.
func (d *Daemon) history(ctx context.Context, campaign, id string) ([]cdr.Record, error) {
	const page = 1000
	var found []cdr.Record
	for after := ""; ; {
		recs, err := d.store.CDRs(ctx, campaign, after, page)
		if err != nil {
			return found, err
		}
		for _, r := range recs {
			if r.LeadID == id {
				found = append(found, r.Record)
			}
			after = r.StreamID
		}
		if len(recs) < page {
			return found, nil
		}
	}
}
