package sip

import (
	"errors"

	"ringpace/sip/digest"
	"ringpace/sip/header"
	"ringpace/sip/identity"
	"ringpace/sip/wire"
)

// What cannot be sent, or was refused. Errors that reach the caller wrap one of
// these where one fits; errors.Is tells them apart.
var (
	ErrCallerID      = identity.ErrCallerID
	ErrTarget        = identity.ErrTarget
	ErrHeader        = header.ErrForbidden
	ErrDuplicateID   = errors.New("sip: a call with that id is up")
	ErrClosed        = wire.ErrClosed
	ErrListen        = wire.ErrListen
	ErrConfig        = errors.New("sip: configuration")
	ErrNoRoute       = wire.ErrNoRoute
	ErrTransport     = wire.ErrTransport
	ErrTooLong       = wire.ErrTooLong
	ErrTimeout       = wire.ErrTimeout
	ErrCredentials   = digest.ErrCredentials
	ErrNoChallenge   = digest.ErrNoChallenge
	ErrRedirect      = errors.New("sip: redirection is not followed")
	ErrGlare         = errors.New("sip: the far side is changing the session at the same time")
	ErrRefused       = errors.New("sip: far side refused the request")
	ErrEarly         = errors.New("sip: call is not answered yet")
	ErrEnded         = errors.New("sip: call has ended")
	ErrNoACK         = errors.New("sip: no ACK for our answer")
	ErrCancelled     = errors.New("sip: call was cancelled")
	ErrNotRegistered = errors.New("sip: user is not registered")
	ErrUnauthorized  = errors.New("sip: request is not authorized")
	ErrExpired       = errors.New("sip: session was not refreshed in time")
	ErrNoPRACK       = errors.New("sip: no PRACK for our provisional response")
)
