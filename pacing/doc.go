// Package pacing decides how many new calls a campaign may place now. It knows
// no SIP, no audio and no store, and does no I/O: a Snapshot goes in, a Decision
// with its reasons comes out, so that the daemon, the simulator and a replay of
// recorded history run the very same code.
//
// A Pacer belongs to one campaign and to one goroutine, the campaign's. It is
// asked at every event that could change the answer and at least once a second.
package pacing
