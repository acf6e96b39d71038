// Package workload foretells how long a list takes with so many agents, hour by hour. (What
// calls in flight will come to within seconds is another forecast, pacing's own.)
//
// It plays the list to its end many times (Monte Carlo). Of every hour in which agents work,
// the leads that are due and within their calling hours are dialed in turn until the agents
// have as much to do as the mode of pacing can give them. Each call is answered with the
// odds of its lead; else it ends as calls of the campaign have ended so far, and the retry rules
// say whether and when the lead is due again. What is not known for sure, how many answer,
// how long agents take, how busy pacing keeps them, is drawn anew each time from what the
// records leave possible.
//
// It is pure: it has no clock, and the same seed gives the same course.
package workload
