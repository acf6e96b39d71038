package sim

import "ringpace/pacing"

// worker is one agent.
type worker struct {
	number  int
	handled int
	state   pacing.AgentState
	here    bool
	since   float64
	busy    float64 // when the call was got
	done    float64 // Engaged: when handling is over
	from    float64
	to      float64
	pause   float64 // when the next break is due
	paused  int
	logged  float64 // seconds logged in, without breaks
	worked  float64
	talked  float64
}

// floor is what a day is made of: who works, who is dialed, and what comes of it. What it
// answers depends on what is asked for alone, not on what was asked before, so that all
// ways of pacing meet the same day.
type floor interface {
	// crew is who works, with their shifts and the first break of each.
	crew() []*worker
	// lead tells what is known of who is behind a number of the day's order, if they are
	// dialed at t; false where nothing is known of anybody.
	lead(number int, t float64) (pacing.Lead, bool)
	// call is what comes of dialing that number at t.
	call(number int, t float64) *call
	// handling is what the worker's next call takes of their time.
	handling(w *worker, c *call) handling
	// rest is how long the worker's break lasts that begins now.
	rest(w *worker, now float64) (last float64)
	// due is when the next one is due of a worker who comes back from one.
	due(w *worker, back float64) float64
}

// handling is what a call takes of an agent's time, in seconds.
type handling struct {
	ring float64 // of the agent's telephone
	talk float64
	wrap float64
}

func (h handling) total() float64 { return h.ring + h.talk + h.wrap }

// terms is what a day is held to.
type terms struct {
	seconds  float64 // that it lasts
	ceiling  float64
	patience float64 // seconds
}
