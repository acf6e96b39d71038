package ledger

import (
	"time"

	"github.com/oklog/ulid/v2"
)

// Verdict is what became of a call that was answered.
type Verdict string

// The verdicts. Machine and Detected correct Answered; a later one never undoes
// Abandoned, Machine or Detected.
const (
	Answered    Verdict = "answered"    // by a person, or by what is taken for one until it is known better
	Reached     Verdict = "reached"     // an agent has the call
	Abandoned   Verdict = "abandoned"   // no agent was there in time
	Machine     Verdict = "machine"     // the agent who had the call says so
	Detected    Verdict = "detected"    // the audio says that it is a machine
	Interrupted Verdict = "interrupted" // its node died: abandoned, if it was answered and no agent had it
)

// Entry is what is told of one call.
type Entry struct {
	Campaign string
	Attempt  string // its id
	Verdict  Verdict
	// Answered is when the call was, by this node's clock: what belongs to one call counts
	// on one day. Zero: now.
	Answered time.Time
}

// callsDay says in which of the campaign's hashes a call is on record. It depends on
// nothing but the id.
func callsDay(attempt string) string {
	id, err := ulid.ParseStrict(attempt)
	if err != nil {
		return "other"
	}
	return id.Timestamp().UTC().Format(dateForm)
}
