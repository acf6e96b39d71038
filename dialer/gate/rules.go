package gate

import "time"

// Rules is what a campaign's leads are held against before they are dialed.
type Rules struct {
	Hours             Hours
	Zone              *time.Location // where neither the lead nor its number tells the time zone; nil: such a lead is skipped
	MaxAttempts       int            // in all; 0 is no limit
	MaxAttemptsPerDay int            // of the callee's day; 0 is no limit
}
