package main

import (
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// bar draws the progress, or nothing.
type bar struct {
	all  *mpb.Progress
	line *mpb.Bar
}

// newBar draws how much of size is done, with its counters before it.
func newBar(t *terminal, size int64, draw bool, counters decor.Decorator) *bar {
	b := &bar{}
	if !draw || size == 0 {
		return b
	}
	b.all = mpb.New(mpb.WithOutput(t.err), mpb.WithWidth(72), mpb.WithAutoRefresh())
	b.line = b.all.AddBar(
		size,
		mpb.PrependDecorators(counters),
		mpb.AppendDecorators(decor.Percentage(), decor.Name(" "), decor.AverageETA(decor.ET_STYLE_GO)),
	)
	return b
}

func (b *bar) show(done int64) {
	if b.line != nil {
		b.line.SetCurrent(done)
	}
}

func (b *bar) close(done bool) {
	if b.line == nil {
		return
	}
	if done {
		b.line.SetTotal(-1, true)
	} else {
		b.line.Abort(false)
	}
	b.all.Wait()
}
