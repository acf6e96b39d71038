package demo

import (
	"fmt"
	"io"
	"time"

	"ringpace/dialer/api"
)

// printer tells the progress in plain lines, for a log or a pipe.
type printer struct {
	out  io.Writer
	next time.Duration // of the demo's time
	done bool
}

// between is the time between two lines.
const between = 2 * time.Second

func (p *printer) show(s scene) {
	last := s.over == s.leads && !p.done
	if s.elapsed < p.next && !last {
		return
	}
	p.next, p.done = s.elapsed+between, p.done || last
	talking := 0
	for _, a := range s.agents {
		if a.State == api.AgentTalking {
			talking++
		}
	}
	// What cannot be written now cannot be told either; the summary will fail on it.
	_, _ = fmt.Fprintf(p.out, "%s  trunk %s  %4d of %d leads  %3d calls up  %3d of %d agents talking  %5.1f calls/s  p99 %s\n",
		clock(s.elapsed), s.trunk.State, s.over, s.leads, len(s.calls), talking, len(s.agents), s.dialRate, millis(s.toAgent.P99))
}
