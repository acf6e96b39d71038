package main

import (
	"context"

	"ringpace/dialer/lab/roles"
)

// process is a subject that is this program in a role.
type process struct {
	*roles.Process
	record string // directory to record to; empty: no recording
}

func startProcess(ctx context.Context, role string, record bool, s start) (*process, error) {
	p := &process{}
	if record {
		p.record = s.dir
	}
	err := pinned(s.core, favoured, func() (err error) {
		p.Process, err = roles.Start(ctx, role, "-profile", s.profile)
		return err
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (p *process) Connect(_ context.Context, far farEnds) (nearEnds, error) {
	var answer done
	err := p.Order(work{Far: far, Record: p.record}, &answer)
	return answer.Near, err
}

func (p *process) Close() error { return p.End() }

// finish completes the recordings, if there are any, and looks at them.
func (p *process) finish(r *result) error {
	if p.record == "" {
		return nil
	}
	from, err := cpuOf(p.PID())
	if err != nil {
		return err
	}
	var answer done
	if err := p.Order(work{Finish: true}, &answer); err != nil {
		return err
	}
	to, err := cpuOf(p.PID())
	if err != nil {
		return err
	}
	r.finished = to - from
	r.exact = 0
	for call, k := range answer.Recordings {
		if err := exact(k.Path, call, r.From, r.To); err != nil {
			r.inexact = append(r.inexact, flaw{err, k})
			continue
		}
		r.exact++
	}
	return nil
}
