// Package pacing decides how many new calls a campaign may place now. It knows
// no SIP, no audio and no store, and does no I/O: a Snapshot goes in, a Decision
// with its reasons comes out, so that the daemon, the simulator and a replay of
// recorded history run the very same code.
//
// A Pacer belongs to one campaign and to one goroutine, the campaign's. It is
// asked at every event that could change the answer and at least once a second.
//
// # Predictive mode
//
// The question is not which ratio of lines to agents is right on average, but whether one
// more call is right now. Of every call in flight it is known for how long it has been
// dialed, whether it rings and who is called; of every agent, for how long they have been
// busy. From what the campaign has learned (learn.go) follows, for each second ahead, how
// likely each call has been answered by then (flying.go, stage.go, forecast.go; odds.go and
// alike.go for who is called, level.go for how good the list is today) and each agent is free
// (staff.go, handling.go).
// Together they give the distribution of how many people will want an agent against how
// many there are (outlook.go, crowd.go), and so the risk that an answer at that second
// finds nobody. One more number is dialed while its risk, averaged over when it may be
// answered, is at most theta (predictive.go); a call that has rung for long enough and
// whose answer would now too likely find nobody is given up (give_up.go).
//
// Theta is what keeps the law (budget.go): the share of further answers that may be
// abandoned so that the window ends on its target, over how many abandonments come of
// each unit of risk that was accepted, as learned. It falls to nearly nothing where the
// window could not bear what the calls in flight may cause at worst. So a campaign begins
// with little more than one call for each free agent, until it has credit, and comes back
// to that when it has none. Over several windows the tightest binds.
//
// The handling time is one time, from the call to the end of wrap-up.
package pacing
