package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// kinds pairs each kind of refusal with its HTTP status, both ways.
func kinds() []struct {
	kind   error
	status int
} {
	return []struct {
		kind   error
		status int
	}{
		{ErrNotFound, http.StatusNotFound},
		{ErrConflict, http.StatusConflict},
		{ErrInvalid, http.StatusUnprocessableEntity},
		{ErrUnavailable, http.StatusServiceUnavailable},
		{ErrForbidden, http.StatusForbidden},
		{ErrCredentials, http.StatusUnauthorized},
		{ErrTooMany, http.StatusTooManyRequests},
	}
}

// problem turns an error of the floor into a problem document (RFC 9457). What is
// no refusal is logged here, and the caller learns only that it was.
func problem(ctx context.Context, log *slog.Logger, err error) error {
	var details []error
	var refusal *Refusal
	if errors.As(err, &refusal) {
		for _, p := range refusal.Problems {
			details = append(details, errors.New(p))
		}
	}
	for _, k := range kinds() {
		if errors.Is(err, k.kind) {
			return huma.NewError(k.status, err.Error(), details...)
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return huma.NewError(http.StatusServiceUnavailable, "The floor did not answer in time; see /readyz.")
	}
	if ctx.Err() != nil {
		return huma.NewError(499, "The client went away.") // the usual code for it; nobody reads it
	}
	caller, _ := CallerFrom(ctx)
	log.ErrorContext(ctx, "api request failed", "caller", caller.Name, "error", err)
	return huma.NewError(http.StatusInternalServerError, "Something failed inside the daemon; its log says what.")
}
