package sip

import (
	"context"
	"fmt"
	"mime"
	"strings"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
)

// takeInfo answers INFO (RFC 6086, legacy usage) and reports a DTMF digit in it.
func (c *Call) takeInfo(req *sipgo.Request, tx *sipgo.ServerTx) {
	kind, _, err := mime.ParseMediaType(value(req, "Content-Type"))
	if len(req.Body()) > 0 && (err != nil || !strings.HasPrefix(kind, "application/dtmf")) {
		res := c.e.response(req, 415, "Unsupported Media Type", nil)
		res.AppendHeader(sipgo.NewHeader("Accept", "application/dtmf-relay, application/dtmf"))
		c.e.respond(tx, res)
		return
	}
	c.e.respond(tx, c.e.response(req, 200, "OK", nil))
	if digit, ok := parseDTMF(string(req.Body())); ok {
		c.emit(Digit{At: time.Now(), Digit: digit})
	}
}

// SendInfo sends INFO (RFC 6086, legacy usage) and waits for its response: ErrRefused
// when the far side does not take it, ErrEarly before the call is answered.
func (c *Call) SendInfo(ctx context.Context, contentType string, body []byte) error {
	if _, _, err := mime.ParseMediaType(contentType); err != nil || header.Check([]Header{{Name: "X-Type", Value: contentType}}) != nil {
		return fmt.Errorf("%w: content type %q", ErrHeader, header.Clip(contentType, 64))
	}
	return c.demand(ctx, sipgo.INFO, func(*dialog) inside {
		return inside{contentType: contentType, body: body}
	})
}

// SendDigit sends a DTMF digit (0-9, A-D, *, #) of that length by INFO, as
// application/dtmf-relay. For far sides that take no telephone events (RFC 4733).
func (c *Call) SendDigit(ctx context.Context, digit rune, length time.Duration) error {
	d, ok := parseDTMF(string(digit))
	if !ok {
		return fmt.Errorf("%w: %q is no DTMF digit", ErrConfig, digit)
	}
	return c.SendInfo(ctx, "application/dtmf-relay", fmt.Appendf(nil, "Signal=%c\r\nDuration=%d\r\n", d, length.Milliseconds()))
}

// parseDTMF reads the digit from an application/dtmf-relay body ("Signal=5" and
// further lines) or an application/dtmf body ("5").
func parseDTMF(body string) (rune, bool) {
	signal := strings.TrimSpace(body)
	for line := range strings.Lines(body) {
		if name, v, ok := strings.Cut(line, "="); ok && strings.EqualFold(strings.TrimSpace(name), "signal") {
			signal = strings.TrimSpace(v)
			break
		}
	}
	switch signal {
	case "10":
		return '*', true
	case "11":
		return '#', true
	}
	if len(signal) != 1 || !strings.Contains("0123456789ABCDabcd*#", signal) {
		return 0, false
	}
	return rune(strings.ToUpper(signal)[0]), true
}
