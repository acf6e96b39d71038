package sip

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
)

// Notified is news of a transfer that we asked the far side for with [Call.Refer].
type Notified struct {
	At     time.Time
	Status int // of the far side's new call; 200 and more are the end of it
}

func (Notified) event() {}

// Refer asks the far side to call a user at its own address instead of us: REFER
// (RFC 3515), blind, or attended with the dialog that the new call is to take the place
// of. It returns when the far side has agreed; what comes of it is told by [Notified].
// ErrRefused: it does not do that. ErrTarget: user cannot be part of a SIP URI.
func (c *Call) Refer(ctx context.Context, user string, replaces *ReplacesID) error {
	if !header.IsUser(user) {
		return fmt.Errorf("%w: %q", ErrTarget, header.Clip(user, header.MaxUser))
	}
	return c.demand(ctx, sipgo.REFER, func(d *dialog) inside {
		target := d.remote.Address
		uri := sipgo.Uri{Scheme: target.Scheme, User: user, Host: target.Host, Port: target.Port}
		to := "<" + uri.String() + ">"
		if replaces != nil {
			to = "<" + uri.String() + "?Replaces=" + url.QueryEscape(replaces.String()) + ">"
		}
		return inside{headers: []Header{{Name: "Refer-To", Value: to}, {Name: "Referred-By", Value: d.local.Address.String()}}}
	})
}

// takeNotify takes news of a transfer (RFC 3515 section 2.4.4).
func (c *Call) takeNotify(m incomingRequest) {
	event, _, _ := strings.Cut(value(m.req, "Event"), ";")
	line, _, _ := strings.Cut(string(m.req.Body()), "\r\n")
	fields := strings.Fields(line)
	if strings.TrimSpace(event) != "refer" {
		c.e.refuse(m.tx, m.req, 489, "Bad Event") // RFC 6665 section 4.2.1.1
		return
	}
	c.e.respond(m.tx, c.e.response(m.req, 200, "OK", nil))
	if len(fields) < 2 || fields[0] != "SIP/2.0" {
		return
	}
	if status, err := strconv.Atoi(fields[1]); err == nil {
		c.emit(Notified{At: time.Now(), Status: status})
	}
}
