package gate

import (
	"time"

	"ringpace/dialer/cdr"
)

// Retry says whether and when a person is tried again.
type Retry struct {
	Delay time.Duration `yaml:"delay"` // from the end of the attempt
	Max   int           `yaml:"max"`   // how often after this outcome, over the lead's life; 0 is never
}

// Policy is a campaign's retry rules.
type Policy struct {
	MaxAttempts  int                   // attempts that reached the callee's network, in all; 0 is no limit
	Outcomes     map[cdr.Outcome]Retry // an outcome that is missing is never tried again
	Dispositions map[string]Retry      // by name: overrides the outcome's rule
}

// DefaultRetries is a retry rule for every outcome, to be tuned per campaign.
func DefaultRetries() map[cdr.Outcome]Retry {
	const day = 24 * time.Hour
	return map[cdr.Outcome]Retry{
		cdr.Person:        {},
		cdr.Machine:       {Delay: 4 * time.Hour, Max: 3},
		cdr.Screened:      {Delay: day, Max: 1},
		cdr.Fax:           {},
		cdr.Silence:       {Delay: 4 * time.Hour, Max: 2},
		cdr.Busy:          {Delay: 10 * time.Minute, Max: 5},
		cdr.NoAnswer:      {Delay: 3 * time.Hour, Max: 5},
		cdr.Rejected:      {Delay: day, Max: 1},
		cdr.InvalidNumber: {Delay: time.Minute},
		cdr.Unreachable:   {Delay: 2 * time.Hour, Max: 5},
		cdr.Suspended:     {Delay: day, Max: 2},
		cdr.Blocked:       {Delay: day, Max: 1},
		cdr.Congestion:    {Delay: 5 * time.Minute, Max: 20},
		cdr.TrunkFailure:  {Delay: 5 * time.Minute, Max: 20},
		cdr.Abandoned:     {Delay: 3 * day, Max: 1},
		cdr.Cancelled:     {Delay: 15 * time.Minute, Max: 3},
		cdr.Interrupted:   {Delay: 15 * time.Minute, Max: 3},
		cdr.Skipped:       {},
	}
}
