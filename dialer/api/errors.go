package api

import (
	"errors"
	"fmt"
)

// The kinds of refusal that a Floor answers with. The server turns them into
// problem details (RFC 9457); any other error is a 500 and goes to the log.
var (
	ErrNotFound    = errors.New("not found")          // 404: no such campaign, agent, lead, call
	ErrConflict    = errors.New("conflict")           // 409: not possible in the present state
	ErrInvalid     = errors.New("invalid")            // 422: the input makes no sense
	ErrUnavailable = errors.New("not available now")  // 503: Redis is away, the node drains
	ErrForbidden   = errors.New("not allowed to you") // 403
	ErrCredentials = errors.New("no valid token")     // 401
	ErrTooMany     = errors.New("too many requests")  // 429
	ErrUnreachable = errors.New("daemon unreachable") // only from the Client: nothing answered
)

// Refusal is an error of one of the kinds above with words for a person and,
// where several things are wrong at once, one line for each.
type Refusal struct {
	Kind     error    // one of the kinds above
	Detail   string   // one sentence: what is wrong and what to do
	Problems []string // each single fault, such as every bad key of a configuration; may be empty
}

func (r *Refusal) Error() string { return r.Detail }

// Unwrap gives the kind, so that errors.Is(err, ErrNotFound) holds.
func (r *Refusal) Unwrap() error { return r.Kind }

// NotFound makes a Refusal of kind ErrNotFound.
func NotFound(format string, args ...any) error { return refuse(ErrNotFound, format, args) }

// Conflict makes a Refusal of kind ErrConflict.
func Conflict(format string, args ...any) error { return refuse(ErrConflict, format, args) }

// Invalid makes a Refusal of kind ErrInvalid.
func Invalid(format string, args ...any) error { return refuse(ErrInvalid, format, args) }

// Unavailable makes a Refusal of kind ErrUnavailable.
func Unavailable(format string, args ...any) error { return refuse(ErrUnavailable, format, args) }

func refuse(kind error, format string, args []any) error {
	return &Refusal{Kind: kind, Detail: fmt.Sprintf(format, args...)}
}
