package sim

import "ringpace/pacing"

// line is who is dialed next, as numbers of the day's order.
type line struct {
	batch []int // go first, as a pacer has arranged them
	after int   // the first of the others, who follow as they are
}

// at is who is dialed after n others.
func (l *line) at(n int) int {
	if n < len(l.batch) {
		return l.batch[n]
	}
	return l.after + n - len(l.batch)
}

// take takes out who is dialed now.
func (l *line) take() int {
	n := l.at(0)
	if len(l.batch) > 0 {
		l.batch = l.batch[1:]
	} else {
		l.after++
	}
	return n
}

// arrange has the pacer put those in order who come next, where something is known of them.
func (d *day) arrange(agents int) {
	var leads []pacing.Lead
	for n := range pacing.Batch {
		l, known := d.floor.lead(d.line.after+n, d.now)
		if !known {
			return
		}
		leads = append(leads, l)
	}
	order := d.arranger.Arrange(leads, agents)
	for _, i := range order {
		d.line.batch = append(d.line.batch, d.line.after+i)
	}
	d.line.after += len(order)
}
