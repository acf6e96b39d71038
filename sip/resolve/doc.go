// Package resolve locates SIP servers by RFC 3263: from a host name to the
// transports (NAPTR), servers (SRV, weighted by RFC 2782) and addresses (AAAA, A)
// where a request can be sent, in the order in which to try them.
//
// # What it remembers
//
// Every answer is kept for its TTL, within bounds; so is the answer that there
// is none (RFC 2308). When the name service is away, an answer that has run out
// is used on (RFC 8767). A server that failed is tried after all others until its
// time is over. All of that is bounded in number, since far sides can
// name hosts to us.
//
// # Concurrency
//
// A [Resolver] is safe for concurrent use. One question is asked once, however
// many wait for it, on a goroutine of its own; [Resolver.Close] ends them all.
// One mutex protects the memory and is never held over the network.
package resolve
