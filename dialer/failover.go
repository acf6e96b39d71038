package dialer

import (
	"context"
	"fmt"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/sip"
)

// One attempt tries so many trunks, and begins with none of them later than so long
// after the first: the agent for whom it is made waits.
const (
	mostTries    = 4
	failoverTime = 20 * time.Second
)

// place makes the call. A trunk that cannot carry it, where nothing has rung yet, is
// followed by the next one that serves the number. Only one INVITE is ever on its way:
// the next goes out when the one before has come to its end, and what that one's
// far side may still say is for signalling to end. place reports whether the call
// was answered.
func (a *attempt) place(ctx context.Context) bool {
	a.rec.Marks.Invite = time.Now()
	tried := []*trunk{a.line.trunk}
	for id := a.rec.ID; ; id = fmt.Sprintf("%s-%d", a.rec.ID, len(tried)) {
		try := cdr.Try{Trunk: a.rec.Trunk, CallerID: a.rec.CallerID, Invite: time.Now()}
		answer, failure := a.ring(ctx, id)
		try.Ended = time.Now()
		if failure == nil {
			a.note(try, sip.Failure{Status: 200, Phrase: "OK"})
			a.picked()
			return a.pickedUp(answer)
		}
		a.trunks.hear(a.line.trunk, *failure)
		a.line.release()
		if !failure.Elsewhere || len(tried) == mostTries || !a.reroute(ctx, tried, try, *failure) {
			a.note(try, *failure)
			a.fail(*failure)
			return false
		}
		tried = append(tried, a.line.trunk)
	}
}

// note keeps a try in the record, once there is more than one.
func (a *attempt) note(try cdr.Try, f sip.Failure) {
	if len(a.rec.Tries) == 0 {
		return // the record itself says it all
	}
	a.rec.Tries = append(a.rec.Tries, tryOf(try, f))
}

func tryOf(try cdr.Try, f sip.Failure) cdr.Try {
	try.SIPStatus, try.SIPReason, try.Q850 = f.Status, phraseOf(f), f.Q850
	return try
}

// reroute finds another trunk for the call after one that failed. The store knows
// of the change before anything is sent, so that what remains of a crash names the
// trunk that has the call; and it forbids it where the number came on a do-not-call
// list or the lead was withdrawn meanwhile. reroute reports false where the attempt
// ends with the failure that there was.
func (a *attempt) reroute(ctx context.Context, tried []*trunk, try cdr.Try, f sip.Failure) bool {
	line := a.nextLine(ctx, tried)
	if line == nil {
		return false
	}
	audio, err := a.engine.NewSession(line.trunk.outgoing()) // a late answer of the former trunk must not be heard
	if err != nil {
		line.release()
		a.log.Error("the call is not tried over another trunk", "error", err)
		return false
	}
	rec := a.rec
	rec.Tries = append(rec.Tries, tryOf(try, f))
	rec.Trunk, rec.CallerID = line.trunk.Name(), line.callerID
	if err := a.store.Reroute(ctx, rec); err != nil {
		line.release()
		audio.Close()
		a.log.Warn("the call is not tried over another trunk", "error", err)
		return false
	}
	a.log.Info("the call is tried over another trunk", "trunk", try.Trunk, "failure", f.String(), "next", rec.Trunk)
	a.wire.Note(rec.ID, fmt.Sprintf("trunk %s failed (%s); on over trunk %s", try.Trunk, f.String(), rec.Trunk))
	a.metrics.FailedOver(rec.Campaign, try.Trunk)
	if a.leg != nil {
		a.leg.drop(sip.CauseNormal)
	}
	a.rec, a.line, a.audio, a.leg, a.described = rec, line, audio, nil, false
	return true
}

// nextLine takes a line on a trunk that was not tried. Where all of those are at
// their limit of calls per second it waits for its turn, within the time that the
// attempt has. It returns nil where there is none.
func (a *attempt) nextLine(ctx context.Context, tried []*trunk) *line {
	deadline := a.rec.Marks.Invite.Add(failoverTime)
	for !a.stopped && ctx.Err() == nil && time.Now().Before(deadline) {
		line, soon := a.trunks.take(a.cfg, a.rec.Number, a.rec.CallerID, tried...)
		if line != nil || soon == 0 {
			return line
		}
		turn := time.NewTimer(soon)
		select {
		case <-turn.C:
		case <-ctx.Done():
			a.rec.HungUpBy, a.stopped = cdr.Ringpace, true
		case a.rec.HungUpBy = <-a.stop:
			a.stopped = true
		}
		turn.Stop()
	}
	return nil
}
