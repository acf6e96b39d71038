// Package dialer is the call floor: the actors that turn a list of leads into
// conversations.
//
// # Who does what
//
//	Daemon    wires the rooms together, starts and stops the actors, answers the API
//	campaign  paces: asks the pacer, claims leads, has the rules judge them, starts attempts;
//	          reads the abandonment budget, keeps what pacing has learned; in mode predictive
//	          one node's decides for those of all nodes (nodes.go, granted.go)
//	attempt   one call to one lead, from the INVITE to the call detail record
//	reception who calls in, and who deals with it: an agent's telephone, a customer, a stranger
//	inbound   one call to one of our numbers, from the INVITE to the call detail record
//	customer  what every call with a customer has in common: audio, recording, agent, record
//	agent     one person's shift: the leg to their extension, their states, their wrap-up
//	trunks    the ways out: which takes a call, and with which caller ID
//	floor     who is free and which calls are in flight: where pacing looks and answers are
//	          matched, and where what became of them is noted for pacing to learn from
//
// # Concurrency
//
// Each campaign, attempt and agent is one goroutine that owns its state. They speak
// by channels: an actor's inbox takes functions to run on it, and a talk carries
// what an attempt and an agent tell each other about one customer. No actor waits
// for another with its inbox closed: what an attempt sends to an agent the agent
// takes at once, since agents wait neither for the far side nor for the disk or the
// store: they open and close sockets, and that is all.
//
// What actors share is the floor (a mutex held for microseconds), the trunks'
// channels (likewise) and the published status of each actor (an atomic pointer).
//
// # The way of a call
//
// campaign: floor.plan (reserve) -> store.Claim -> gate.Judge -> trunks.take ->
// store.StartAttempt -> attempt: INVITE -> answer -> floor.claim -> agent.take ->
// media.Bridge -> ... -> goodbye -> BYE -> wrap-up -> store.Finish. The ledger counts the
// answer, and what became of it, as it happens.
//
// A trunk that cannot carry the call, where nothing has rung, is followed by another
// within the attempt: trunks.take -> store.Reroute -> INVITE.
//
// A call that comes in: reception (whose number, who calls) -> store.OpenIn -> inbound:
// 180 -> floor.claimFor -> answer -> agent.take -> media.Bridge -> ... -> store.FinishIn.
//
// From StartAttempt or OpenIn on the store knows the attempt, and it ends in exactly one
// record, also when this process dies. Between the answer and the bridge nothing
// but memory is touched.
package dialer
