package record

import "slices"

// maxGaps bounds the list of gaps of one channel; their sum goes on beyond it.
const maxGaps = 4096

// refillDepth is how many gaps back a late packet may fill.
const refillDepth = 64

// span is a stretch of the time line, in samples.
type span struct{ at, length int64 }

func (s span) end() int64 { return s.at + s.length }

// stretches are spans in their order, none of which touches another.
type stretches []span

// with takes a span in. One that is empty changes nothing.
func (s stretches) with(more span) stretches {
	if more.length <= 0 {
		return s
	}
	from := len(s)
	for from > 0 && s[from-1].end() >= more.at {
		from--
	}
	to := from
	for ; to < len(s) && s[to].at <= more.end(); to++ {
		at := min(more.at, s[to].at)
		more = span{at, max(more.end(), s[to].end()) - at}
	}
	return slices.Replace(s, from, to, more)
}

// total is the length of all, in samples.
func (s stretches) total() int64 {
	sum := int64(0)
	for _, one := range s {
		sum += one.length
	}
	return sum
}

// gapList keeps where packets are missing. A late packet takes its part out again.
type gapList struct {
	spans []span
	total int64 // samples
}

func (g *gapList) add(at, length int64) {
	g.total += length
	if n := len(g.spans); n > 0 && g.spans[n-1].end() == at {
		g.spans[n-1].length += length
	} else if n < maxGaps {
		g.spans = append(g.spans, span{at, length})
	}
}

// move brings the gaps from a place on nearer to the start.
func (g *gapList) move(from, by int64) {
	for i := range g.spans {
		if g.spans[i].at >= from {
			g.spans[i].at -= by
		}
	}
}

// fill takes what [at, at+length) covers out of the gap that it lies in.
func (g *gapList) fill(at, length int64) {
	for i := len(g.spans) - 1; i >= 0 && i >= len(g.spans)-refillDepth; i-- {
		s := g.spans[i]
		from, to := max(at, s.at), min(at+length, s.at+s.length)
		if from >= to {
			continue
		}
		g.total -= to - from
		left, right := span{s.at, from - s.at}, span{to, s.at + s.length - to}
		g.spans[i] = left
		switch {
		case left.length == 0 && right.length == 0:
			g.spans = append(g.spans[:i], g.spans[i+1:]...)
		case left.length == 0:
			g.spans[i] = right
		case right.length > 0 && len(g.spans) < maxGaps:
			g.spans = append(g.spans, span{})
			copy(g.spans[i+2:], g.spans[i+1:])
			g.spans[i+1] = right
		}
		return
	}
}

// cut takes out the gaps that touch [at, at+length), whole, and returns them.
func (g *gapList) cut(at, length int64) (out []span) {
	g.spans = slices.DeleteFunc(g.spans, func(s span) bool {
		touched := s.at <= at+length && at <= s.end()
		if touched {
			out = append(out, s)
			g.total -= s.length
		}
		return touched
	})
	return out
}
