package record

// maxGaps bounds the list of gaps of one channel; their sum goes on beyond it.
const maxGaps = 4096

// refillDepth is how many gaps back a late packet may fill.
const refillDepth = 64

// span is a stretch of the time line, in samples.
type span struct{ at, length int64 }

// gapList keeps where packets are missing. A late packet takes its part out again.
type gapList struct {
	spans []span
	total int64 // samples
}

func (g *gapList) add(at, length int64) {
	g.total += length
	if len(g.spans) < maxGaps {
		g.spans = append(g.spans, span{at, length})
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
