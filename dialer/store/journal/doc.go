// Package journal is the node's own memory of its calls: an append-only file that
// outlives the process and holds what Redis has not been told yet. It knows ids and
// payloads, not calls.
//
// An id is open from its first mark, has ended from [Journal.End] on, and is
// forgotten with [Journal.Done]. What a former process left behind comes back
// from [Open]: its open ids with their last mark, and its ends that were not
// done, in their order.
//
// One goroutine owns the file. Ends that arrive together share one fsync (group
// commit); marks are coalesced by id and written without one, so that they survive
// the death of the process though not of the machine.
package journal
