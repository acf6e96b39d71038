// Package cdr holds the call detail record and the closed set of outcomes. It is
// a leaf: the store writes records, reports read them, retry rules and pacing
// feed on their outcomes, and nothing here knows how a call is made.
package cdr

import "fmt"

// Outcome says how one attempt ended. The set is closed; see All.
type Outcome string

// The outcomes. Detection may refine what the SIP code says (a 200 that turns
// out to be a fax); Record keeps both.
const (
	Person        Outcome = "person"         // a human being answered
	Machine       Outcome = "machine"        // an answering machine or voicemail answered
	Screened      Outcome = "screened"       // a call-screening assistant answered
	Fax           Outcome = "fax"            // a fax or modem answered
	Silence       Outcome = "silence"        // answered, and nothing was heard
	Busy          Outcome = "busy"           // 486, 600, Q.850 17
	NoAnswer      Outcome = "no_answer"      // rang until the ring timeout, 408 or 480 after ringing, Q.850 19
	Rejected      Outcome = "rejected"       // declined by the callee: 603, Q.850 21
	InvalidNumber Outcome = "invalid_number" // 404, 410, 484, 604, Q.850 1, 22, 28
	Unreachable   Outcome = "unreachable"    // switched off or out of coverage: 480, Q.850 18, 20
	Suspended     Outcome = "suspended"      // the line is out of service: Q.850 27
	Blocked       Outcome = "blocked"        // the network blocks number or caller ID: 607, 608, 603 with a network reason
	Congestion    Outcome = "congestion"     // 503, Q.850 34, 42
	TrunkFailure  Outcome = "trunk_failure"  // the trunk could not carry the call: timeout, transport, 401, 403, 5xx
	Abandoned     Outcome = "abandoned"      // a person answered and no agent was there in time
	Cancelled     Outcome = "cancelled"      // we gave up before the answer
	Interrupted   Outcome = "interrupted"    // the node died with the call in flight
	Skipped       Outcome = "skipped"        // a rule forbade the call; Record.Rule names it
)

// all is in the order in which reports show them.
var all = []Outcome{
	Person, Machine, Screened, Fax, Silence, Busy, NoAnswer, Rejected, InvalidNumber, Unreachable,
	Suspended, Blocked, Congestion, TrunkFailure, Abandoned, Cancelled, Interrupted, Skipped,
}

// All returns every outcome, in the order in which reports show them.
func All() []Outcome { return append([]Outcome(nil), all...) }

// Valid reports whether o is a member of the set.
func (o Outcome) Valid() bool {
	for _, k := range all {
		if o == k {
			return true
		}
	}
	return false
}

// Answered reports whether somebody or something picked up.
func (o Outcome) Answered() bool {
	switch o {
	case Person, Machine, Screened, Fax, Silence, Abandoned:
		return true
	}
	return false
}

// Parse returns the outcome with that name.
func Parse(name string) (Outcome, error) {
	if o := Outcome(name); o.Valid() {
		return o, nil
	}
	return "", fmt.Errorf("cdr: no outcome %q", name)
}
