// Package sip is Ringpace's signalling: endpoints, trunks, calls, registration
// and a registrar. It is a dialog layer and client transactions of our own over sipgo's
// parser, transports and server transactions; only it and the packages below it know sipgo.
//
// # Who owns what
//
// An [Endpoint] owns the table of calls, and the sockets by [ringpace/sip/wire]. A
// [Trunk] owns its registration, its health and its rules for numbers and caller IDs.
// A [Call] owns one dialog. Session descriptions pass through as opaque bytes.
//
// What needs no call and no trunk stands in packages of its own:
//
//   - [ringpace/sip/wire]: sockets, connections, frames, TLS; what goes to sipgo and
//     comes from it. It asks wellformed, defence and trace about each message.
//   - [ringpace/sip/wellformed]: what is in order, and what is answered to the rest.
//   - [ringpace/sip/defence]: who is heard.
//   - [ringpace/sip/trace]: what went over the wire.
//   - [ringpace/sip/header]: header fields that sipgo leaves as text, and what may be
//     written into one.
//   - [ringpace/sip/digest]: credentials, asked for and given.
//   - [ringpace/sip/identity]: which caller ID is presented, and how.
//   - [ringpace/sip/resolve]: where a host is (RFC 3263).
//   - [ringpace/sip/fault]: what the network, TLS and certificates report, in plain words.
//   - [ringpace/sip/registrar]: where users are.
//
// # Concurrency
//
// One goroutine owns each call: all dialog state (tags, route set, CSeq numbers,
// pending transactions, timers) is touched by it alone. Everything reaches it by
// channels: messages from the wire, Hangup, Reinvite. It reports by
// [Call.Events], which it never blocks on: only [Progress] and [Digit] events
// may be dropped, when nobody reads them; the final events always fit.
//
// sipgo runs one goroutine per received message, so its messages can overtake each
// other. Client transactions are therefore our own ([wire.Transaction]): responses
// reach the call in the order in which the socket's reader saw them. The endpoint's
// receive runs on the reader goroutine, and puts the 1xx and 2xx to INVITE into the
// call's mailbox without ever blocking; the transaction comes after it, ACKs a final
// failure (RFC 3261 section 17.1.1.3) and reports that.
//
// A trunk has one goroutine while [Trunk.Run] runs, plus one each for its health
// checks, its keep-alives and its name. What its calls tell of it goes to its breaker
// under the trunk's mutex. Everything else is a short-lived goroutine for one transaction,
// counted by the endpoint; [Endpoint.Close] returns when all are gone.
//
// The goroutine of an outgoing call begins with setup (INVITE to its answer), that of
// an incoming one with ringing (the same from the other side); both go on in
// Call.confirmed. Work for it from elsewhere goes through Call.ask as a function. It
// never waits for the network: INVITE and BYE leave at once where that takes neither the
// name service nor a connection; else, and for other requests inside dialogs
// (Call.send), a goroutine sends them and brings the end back.
//
// # Many places, many dialogs
//
// An INVITE goes to groups of targets (RFC 3261 section 16.5): servers of a trunk,
// contacts of a user or of a redirection. The members of a group ring at once, each in
// a branch of its own; the next group is tried when one failed before ringing in a way
// that another place may not. Every To tag is an early dialog with RSeq, session and
// UPDATE of its own (fork). The first 2xx wins; all others are cancelled, or ACKed and
// ended.
//
// # Sessions
//
// Offers and answers are opaque, but their order is not: reliable provisional responses
// and PRACK (RFC 3262), UPDATE (RFC 3311), re-INVITE, late offers and the refresh of the
// session timer (RFC 4028), which repeats the description that a dialog has agreed, all
// keep to one exchange at a time; what collides gets 491 or 500. What a [Policy] asks
// for is announced and required accordingly.
//
// # Servers
//
// Where a request goes is found by RFC 3263 ([ringpace/sip/resolve]); a server that
// says nothing, or 503, is followed by the next. How the request leaves, over which
// socket or connection, is the business of [ringpace/sip/wire].
//
// # Ghost calls
//
// A 2xx that nobody waits for (it crossed our CANCEL, it is a second fork, it
// came after the call was given up) is a call that the carrier bills. Every one
// is ACKed and ended with BYE, even when the call it belongs to is long
// forgotten: our Via branches are signed, so that a 2xx proves by itself that it
// answers an INVITE of this endpoint, and nobody can make us send BYEs by
// forged answers.
package sip
