// Package lead is a person to be called: the type that the store keeps, the
// reading of lists of them from CSV files (see Reader), and the writing of lists
// (see Writer). It does no I/O but through the readers and writers it is given,
// and a Reader or Writer belongs to one goroutine.
package lead

import (
	"slices"
	"time"
)

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
	Dead     []string       `json:"dead,omitempty"`     // those of Numbers that the network said do not exist
	Callback Callback       `json:"callback,omitzero"`  // what the person has asked for
}

// Callback is a person's own wish to be called, kept until they were reached.
type Callback struct {
	Asked  time.Time `json:"asked"`  // when they called
	Number string    `json:"number"` // from where: the number to call, E.164 with +
}

// Number is the number that the next attempt dials: the one that asked to be called,
// else each in its turn, dead ones passed over. It is "" when none is left.
func (l *Lead) Number() string {
	if n := l.Callback.Number; n != "" && !slices.Contains(l.Dead, n) {
		return n
	}
	for i := range l.Numbers {
		n := l.Numbers[(l.Attempts+i)%len(l.Numbers)]
		if !slices.Contains(l.Dead, n) {
			return n
		}
	}
	return ""
}
