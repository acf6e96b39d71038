package sip

import (
	"slices"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"
)

// acceptsSession reports whether the sender of a request takes a session description
// in the response. Without Accept it does (RFC 3261 section 20.1).
func acceptsSession(req *sipgo.Request) bool {
	if len(values(req, "Accept", "")) == 0 {
		return true
	}
	return slices.ContainsFunc(tokens(req, "Accept", ""), func(media string) bool {
		kind, _, _ := strings.Cut(media, ";")
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case sdpType, "application/*", "*/*":
			return true
		}
		return false
	})
}

// unacceptable is the response to a request whose sender takes no body that we could
// send (RFC 3261 section 8.2.4).
func (e *Endpoint) unacceptable(req *sipgo.Request) *sipgo.Response {
	res := e.response(req, 406, "Not Acceptable", nil)
	res.AppendHeader(sipgo.NewHeader("Accept", sdpType))
	e.count.rejected.Add(1)
	return res
}
