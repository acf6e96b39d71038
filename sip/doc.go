// Package sip is Ringpace's signalling: endpoints, trunks, calls, registration
// and a registrar. It is a dialog layer of our own over sipgo's parser,
// transports and transactions, and the only package that knows sipgo.
//
// # Who owns what
//
// An [Endpoint] owns the sockets and the table of calls. A [Trunk] owns its
// registration, its health and its rules for numbers and caller IDs. A [Call]
// owns one dialog. Session descriptions pass through as opaque bytes.
//
// # Concurrency
//
// One goroutine owns each call: all dialog state (tags, route set, CSeq numbers,
// pending transactions, timers) is touched by it alone. Everything reaches it by
// channels: messages from the wire, Hangup, Reinvite. It reports by
// [Call.Events], which it never blocks on: only [Progress] and [Digit] events
// may be dropped, when nobody reads them; the final events always fit.
//
// sipgo runs one goroutine per received message, so provisional responses can
// overtake each other and the 200. Responses to INVITE therefore reach the
// call in the order in which the socket's reader saw them: the endpoint's
// receive hook runs on the reader goroutine, before sipgo's transactions, and
// puts them into the call's mailbox without ever blocking. Only the final
// failure responses wait for the transaction, which has to ACK them first
// (RFC 3261 section 17.1.1.3).
//
// A trunk has one goroutine while [Trunk.Run] runs, plus one for its health
// checks. Everything else is a short-lived goroutine for one transaction,
// counted by the endpoint; [Endpoint.Close] returns when all are gone.
//
// # Ghost calls
//
// A 2xx that nobody waits for (it crossed our CANCEL, it is a second fork, it
// came after the call was given up) is a call that the carrier bills. Every one
// is ACKed and ended with BYE, even when the call it belongs to is long
// forgotten: our Via branches are signed, so that a 2xx proves by itself that it
// answers an INVITE of this endpoint, and nobody can make us send BYEs by
// forged answers.
//
// # Message size
//
// sipgo refuses UDP messages over 1300 bytes. An INVITE with credentials and
// SDP passes that easily, so the limit is raised, once and before any
// endpoint exists, to maxDatagram; such messages travel as IP fragments, as
// they do with every common user agent. Longer ones fail with [ErrTooLong]:
// use TCP for trunks that need them.
package sip
