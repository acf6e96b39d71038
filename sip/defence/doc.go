// Package defence decides, before a message is parsed, whether a source may be
// heard: a rate limit for each source, address lists, the marks of scanners, bans,
// and limits on connections. What it refuses is dropped without an answer: an
// answer would tell a scanner that somebody is here, and could be aimed at others
// with a forged source.
//
// A source is an IPv4 address or an IPv6 /64 network. There are three kinds:
//
//   - trusted: the trunks' and peers' addresses and the allow list. Never limited nor banned.
//   - proved: has shown digest credentials lately, or is registered. Limited, but banned for failed digests only.
//   - strangers: everybody else.
//
// Messages of dialogs and transactions that are ours, see [Guard.Recognise], are
// heard even when all strangers together send too much.
//
// A Guard may be used by any number of goroutines. Deciding about a message takes
// constant time; everything that it keeps is bounded.
package defence
