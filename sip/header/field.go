package header

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrForbidden is wrapped by the error for a field that must not be sent.
var ErrForbidden = errors.New("sip: header not allowed")

// Field is one header field of a message.
type Field struct {
	Name, Value string
}

// ours are the fields that package sip alone writes: a caller who could
// name them could forge a dialog, an identity or credentials.
var ours = []string{
	"via", "v", "from", "f", "to", "t", "call-id", "i", "cseq", "contact", "m", "route", "record-route",
	"max-forwards", "content-length", "l", "content-type", "c", "content-encoding", "e", "require", "proxy-require",
	"supported", "k", "allow", "user-agent", "authorization", "proxy-authorization", "reason", "rack", "path",
	"p-asserted-identity", "p-preferred-identity", "remote-party-id", "privacy", "identity", "y", "session-expires", "x",
	"replaces", "expires", "rseq", "min-se", "referred-by", "b", "refer-to", "r", "event", "o", "subscription-state",
}

// Check refuses fields that are ours, are no token, or whose value could
// end the field (RFC 3261 section 25.1): the error wraps ErrForbidden.
func Check(fields []Field) error {
	for _, h := range fields {
		if !IsToken(h.Name) || len(h.Name) > 128 || slices.Contains(ours, strings.ToLower(h.Name)) {
			return fmt.Errorf("%w: %q", ErrForbidden, Clip(h.Name, 64))
		}
		if len(h.Value) > 1024 || strings.IndexFunc(h.Value, func(r rune) bool { return r < 0x20 || r == 0x7f }) >= 0 {
			return fmt.Errorf("%w: value of %s", ErrForbidden, h.Name)
		}
	}
	return nil
}
