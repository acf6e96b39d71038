package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// What calls are refused for.
var (
	ErrAway          = errors.New("store: redis is away")
	ErrClosed        = errors.New("store: closed")
	ErrFenced        = errors.New("store: the campaign has another owner")
	ErrStopped       = errors.New("store: the campaign was stopped")
	ErrOwned         = errors.New("store: the campaign is owned by another node")
	ErrUnclaimed     = errors.New("store: the lead is not claimed")
	ErrLeadUnknown   = errors.New("store: no such lead")
	ErrLeadChanged   = errors.New("store: the lead was changed")
	ErrLeadWithdrawn = errors.New("store: the lead was withdrawn")
	ErrDuplicate     = errors.New("store: another lead has the number")
	ErrDoNotCall     = errors.New("store: the number is on a do-not-call list")
	ErrCalling       = errors.New("store: the person calls us just now")
	ErrUngranted     = errors.New("store: the call is not granted")
	ErrCredit        = errors.New("store: the counts of abandoned calls forbid the call")
	ErrFinished      = errors.New("store: the attempt has ended already")
	ErrNodeTaken     = errors.New("store: another process goes by this node's name")
	ErrName          = errors.New("store: not a name")
	ErrLead          = errors.New("store: not a lead")
)

// refusals maps the first word of a script's error to what it means.
func refusal(word string) error {
	switch word {
	case "FENCED":
		return ErrFenced
	case "STOPPED":
		return ErrStopped
	case "OWNED":
		return ErrOwned
	case "UNCLAIMED":
		return ErrUnclaimed
	case "UNKNOWN":
		return ErrLeadUnknown
	case "CHANGED":
		return ErrLeadChanged
	case "WITHDRAWN":
		return ErrLeadWithdrawn
	case "DUPLICATE":
		return ErrDuplicate
	case "CALLING":
		return ErrCalling
	case "UNGRANTED":
		return ErrUngranted
	case "CREDIT":
		return ErrCredit
	case "DNC":
		return ErrDoNotCall
	// Redis is there and does not serve: starting up, no memory or disk for
	// writes, a replica, a cluster with a hole.
	case "LOADING", "OOM", "MISCONF", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN",
		"NOREPLICAS", "BUSY", "UNKILLABLE", "NOAUTH", "WRONGPASS", "NOPERM":
		return ErrAway
	}
	return nil
}

// explain turns an error of go-redis into one of ours. Whatever is not an
// answer of Redis means that Redis is away, unless the caller gave up.
func explain(caller context.Context, err error) error {
	var answer redis.Error
	switch {
	case err == nil, errors.Is(err, redis.Nil):
		return err
	case errors.As(err, &answer):
		word, detail, _ := strings.Cut(answer.Error(), " ")
		if meaning := refusal(word); meaning != nil {
			return fmt.Errorf("%w: %s", meaning, detail)
		}
		return fmt.Errorf("store: redis answered: %w", err)
	case caller.Err() != nil:
		return fmt.Errorf("store: %w", context.Cause(caller))
	case lapsed(caller):
		return fmt.Errorf("store: %w", context.DeadlineExceeded)
	}
	return fmt.Errorf("%w: %w", ErrAway, err)
}

// lapsed reports whether a caller's deadline has passed, be it that the context does not
// say so yet: the connection has the same deadline and may be first.
func lapsed(caller context.Context) bool {
	deadline, ok := caller.Deadline()
	return ok && !time.Now().Before(deadline)
}

// ambiguous reports whether the command behind err may have been carried out.
func ambiguous(err error) bool {
	var answer redis.Error
	return err != nil && !errors.As(err, &answer)
}
