package pacing

// flying is a call in flight that nobody has answered.
type flying struct {
	stay
	at    int     // in the snapshot
	alike int     // in what is known of leads
	whole int     // seconds of its age in that stage, as far as the tables tell
	part  float64 // of a second beside
	gone  bool    // it is given up

	foreseen bool    // only an oracle knows
	in       float64 // seconds to its answer, where that is foreseen
}

// survey finds the calls in flight that nobody has answered.
func (p *predictive) survey(s *Snapshot) {
	p.calls = p.calls[:0]
	p.decision++
	gap := s.Now.Sub(p.last)
	for i := range s.Calls {
		k := &s.Calls[i]
		if k.State == Waiting {
			continue
		}
		f := flying{stay: p.stay(k, s.Now, gap), at: i, alike: p.meet(&k.Lead)}
		f.whole, f.part = tabled(f.to)
		if k.Foreseen {
			f.foreseen, f.gone, f.in = true, k.AnswersAt.IsZero(), k.AnswersAt.Sub(s.Now).Seconds()
		}
		p.calls = append(p.calls, f)
	}
}

// course is the course of calls like that one at a level.
func (p *predictive) course(f *flying, level int) *course {
	a := &p.alike[f.alike]
	c := &a.courses[level][stageAt(f.ringing)]
	if *c == nil {
		*c = a.forecast.course(f.ringing, p.points[level].octaves+a.octaves)
	}
	return *c
}

// answered fills r with by when a call will be answered, at a level.
func (p *predictive) answered(r *row, f *flying, level int) {
	if f.foreseen {
		r.by(f.in)
		return
	}
	c := p.course(f, level)
	r.between(&c.at(f.whole).answered, &c.at(f.whole+1).answered, f.part)
}

// held fills r with how likely it then has an agent, at a level.
func (p *predictive) held(r *row, f *flying, level int) {
	if f.foreseen {
		r.since(f.in, p.forecasts.held(&p.model))
		return
	}
	c := p.course(f, level)
	r.between(&c.at(f.whole).held, &c.at(f.whole+1).held, f.part)
}
