// Package trace keeps the SIP messages of the last minutes as they were on the wire,
// in both directions and with every retransmission, so that any call can be shown
// as a ladder afterwards, and sends copies of them to a HEP collector such as Homer.
//
// What is kept is bounded in bytes and in number; the oldest goes first. Secrets
// are masked before anything is kept: the response and cnonce of digest
// credentials, SDES keys, and digits that a customer keys in.
//
// A Recorder may be used by any number of goroutines. Recording copies the message
// and allocates nothing.
package trace
