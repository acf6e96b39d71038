package sip

import (
	"errors"
	"fmt"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/digest"
)

// Authorize checks the caller's digest credentials for the endpoint's realm, and
// User tells then who it is. Without right ones it has sent the 401 itself and
// returns ErrUnauthorized: the INVITE is over, the caller will send another.
func (in *Incoming) Authorize(credentials func(user string) (password string, ok bool)) error {
	a := in.e.authority
	source := in.path.fallback.Addr()
	user, err := a.Check(digest.Request{
		Method: string(in.req.Method), URI: in.req.Recipient.String(), Body: in.req.Body(), Source: source.String(),
		Authorization: values(in.req, "Authorization", ""),
	}, credentials)
	in.e.judged(source, user, err)
	if err == nil {
		in.user = user
		return nil
	}
	res := in.e.response(in.req, 401, "Unauthorized", nil)
	for _, c := range a.Challenges(source.String(), errors.Is(err, digest.ErrStale)) {
		res.AppendHeader(sipgo.NewHeader("WWW-Authenticate", c))
	}
	in.e.count.challenged.Add(1)
	if sendErr := in.respond(res, true); sendErr != nil {
		return sendErr
	}
	return fmt.Errorf("%w: %w", ErrUnauthorized, err)
}

// User is who the caller is, proved by Authorize, or "".
func (in *Incoming) User() string { return in.user }
