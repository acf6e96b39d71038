// Package lead is a person to be called: the type that the store keeps, and the
// reading of lists of them from files (see Reader). It does no I/O but through the
// reader that it is given.
package lead

import "time"

// Lead is one person of one campaign's list.
type Lead struct {
	ID       string            `json:"id"`       // given by the list, or made from the first number
	List     string            `json:"list"`     //
	Numbers  []string          `json:"numbers"`  // E.164 with +, at least one; tried in turn
	Priority int               `json:"priority"` // higher is dialed sooner
	Due      time.Time         `json:"due,omitzero"`
	Deadline time.Time         `json:"deadline,omitzero"` // not dialed after it
	TimeZone string            `json:"time_zone,omitempty"`
	Fields   map[string]string `json:"fields,omitempty"` // every other column, for the agent's screen

	// What the store keeps.
	Version  int64          `json:"version"`  // raised by each change; an attempt is made on the version it was claimed at
	Attempts int            `json:"attempts"` // attempts so far
	Today    int            `json:"today"`    // attempts on the day of LastTry, in the callee's time zone
	LastTry  time.Time      `json:"last_try,omitzero"`
	Outcomes map[string]int `json:"outcomes,omitempty"` // attempts so far by outcome, for retry caps
}

// Number is the number that the next attempt dials: each in its turn.
func (l *Lead) Number() string { return l.Numbers[l.Attempts%len(l.Numbers)] }
