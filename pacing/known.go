package pacing

// AnswerOdds is how many times as often as usual such a lead answers.
func (m *Model) AnswerOdds(l *Lead) float64 { return m.Odds.of(l) / m.Odds.usual() }

// HandlingTime is how long agents are busy with a call, in seconds on average, and from how
// many calls, weighed by their age, that is known.
func (m *Model) HandlingTime() (mean, calls float64) {
	for _, n := range m.Handling.Done {
		calls += n
	}
	return m.Handling.mean(), calls
}

// CallTimes are how long it takes to an answer, and to the end of a call without one, in seconds
// from the dial on; and from how many calls, weighed by their age, that is known.
func (m *Model) CallTimes() (answer, end, calls float64) {
	var answered, over, rang, answeredAt, overAt, rangAt float64
	d, r := &m.Calls.Dialing, &m.Calls.Ringing
	for i := range stageBins {
		rang += d.Rang[i]
		rangAt += d.Rang[i] * (float64(i) + 0.5)
	}
	ringsAt := rangAt / max(rang, 1)
	for i := range stageBins {
		at := float64(i) + 0.5
		answered += d.Answered[i] + r.Answered[i]
		answeredAt += d.Answered[i]*at + r.Answered[i]*(ringsAt+at)
		over += d.Over[i] + r.Over[i]
		overAt += d.Over[i]*at + r.Over[i]*(ringsAt+at)
	}
	return answeredAt / max(answered, 1), overAt / max(over, 1), answered + over
}
