// Package store keeps the floor's state in Redis: leads, attempts, campaigns, the
// shares of trunks, the leases of agents, do-not-call lists and call detail
// records. Scripts (lua/) change it, each within one slot, by the Redis clock.
//
// # Keys
//
//	{c:CAMPAIGN}:campaign   hash: epoch, node, boot, until, desired, seq
//	{c:CAMPAIGN}:lead:ID    hash: a lead (fields in lua/prelude.lua)
//	{c:CAMPAIGN}:ids        sorted set: lead ids in order of import
//	{c:CAMPAIGN}:numbers    hash: first number -> lead id
//	{c:CAMPAIGN}:more       hash: further number -> lead id
//	{c:CAMPAIGN}:talk:NUM   string: the agent who talked last with the number; expires
//	{c:CAMPAIGN}:ended_in   sorted set: calls that came in and have ended, by time; the newest 10,000
//	{c:CAMPAIGN}:waiting    sorted set: lead id by due time
//	{c:CAMPAIGN}:ready      sorted set: rank and lead id by priority
//	{c:CAMPAIGN}:claimed    sorted set: lead id by the lapse of its claim
//	{c:CAMPAIGN}:done       sorted set: lead id by the time it was done
//	{c:CAMPAIGN}:withdrawn  sorted set: lead id by the time it was withdrawn
//	{c:CAMPAIGN}:attempts   hash: id of an open attempt -> what is known of it
//	{c:CAMPAIGN}:calls_in   hash: id of a call that came in and is up -> what is known of it
//	{c:CAMPAIGN}:calling    hash: number that calls us just now -> its calls (calling.go)
//	{c:CAMPAIGN}:counters   hash: counter -> amount
//	{c:CAMPAIGN}:cdrs       stream: field cdr, a record in JSON
//	{c:CAMPAIGN}:dnc …      sets: do-not-call numbers and prefixes (dnc.go)
//	{t:TRUNK}:shares, slot  hash and string: channels and slots (trunk.go)
//	{a:POOL}:leases         hash: agent -> boot, lapse, node
//	{r:NODE}:contacts …     hash, sorted set: who is registered there (contact.go)
//	{c:CAMPAIGN}:reports    hash: boot -> ms, how the campaign stands at that process (grant.go)
//	{c:CAMPAIGN}:news       list: ms, what processes have told and the owner has not gathered
//	{c:CAMPAIGN}:grants     hash: boot -> epoch, sequence number, lapse (ms), calls left; BOOT:text
//	{c:CAMPAIGN}:ledger …   abandonment counts, and what pacing has learned (pacing/ledger)
//	{ringpace}:…            nodes, campaigns, do-not-call for all
//
// Leases are values that are compared with the clock, never keys that expire. (Who
// talked with whom is no lease: forgetting it does no harm.)
//
// # A call's way through the store
//
// Claim takes leads for this node. StartAttempt is the one round trip before an
// INVITE: from then on the attempt is known. Progress notes on the local disk what
// happens to it. Finish writes its end to the local journal and returns; a
// goroutine delivers it to Redis, exactly once by the attempt's id, as soon as
// Redis is there, after the ledger has counted it (abandonment.go). What a dead process left open is ended by Recover. A Redis that
// comes back is told anew of the attempts that are up (live.go).
//
// # Concurrency
//
// A Store's methods may be called from any goroutine. It runs two goroutines of
// its own, one that watches Redis (health.go) and one that delivers ends
// (outbox.go), and those of the journal and the ledger; all end with Close.
package store
