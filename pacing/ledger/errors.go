package ledger

import "errors"

// What calls are refused for. Other errors are Redis' own or those of the way to it; all
// of them mean that nothing may be dialed.
var (
	ErrClosed  = errors.New("ledger: closed")
	ErrFenced  = errors.New("ledger: the campaign has another owner")
	ErrName    = errors.New("ledger: not a name")
	ErrReserve = errors.New("ledger: a reservation must be a finite number, not below 0")
	ErrCount   = errors.New("ledger: redis holds what is no count")
	ErrClock   = errors.New("ledger: the clock of redis does not stand still for long enough")
)
