package sim

import "ringpace/pacing"

// foresight is what an oracle is told beside what a pacer can know. Predictive mode then
// decides by the same rule as ever, with certainty in place of its tables: what better
// tables could gain at most.
type foresight struct {
	agents bool // when each agent who is busy will be ready
	calls  bool // whether and when a call in flight is answered; of a new one, once it is placed
}

// agent adds what is foreseen of an agent.
func (f foresight) agent(w *worker, a *pacing.Agent) {
	if !f.agents || a.State == pacing.Away {
		return
	}
	leaves := min(w.pause, w.to)
	a.Until = clock(leaves)
	if a.State != pacing.Free {
		a.FreeAt = clock(w.done)
		a.Next = w.done >= leaves
	}
}

// call adds what is foreseen of a call.
func (f foresight) call(c *call, k *pacing.Call) {
	if !f.calls {
		return
	}
	k.Foreseen = true
	if c.fate >= missed {
		k.AnswersAt = clock(c.ends)
	}
}
