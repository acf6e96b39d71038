package pacing

import "time"

// callTable is what a campaign has learned of its calls: of all of them, and of those of
// each list, which differ in when they are answered too.
type callTable struct {
	stages
	Lists map[string]*stages `json:"lists,omitempty"`
	Level level              `json:"level"`
}

// stages are those of a call that nobody has answered.
type stages struct {
	Dialing stage `json:"dialing"` // before anything was heard of ringing
	Ringing stage `json:"ringing"`
}

// of is one of them.
func (s *stages) of(ringing bool) *stage {
	if ringing {
		return &s.Ringing
	}
	return &s.Dialing
}

// mostLists bounds the lists that are told apart.
const mostLists = 64

// list is what was learned of one list; nil for the calls of none.
func (t *callTable) list(name string) *stages {
	l := t.Lists[name]
	if l == nil && name != "" && len(t.Lists) < mostLists {
		if t.Lists == nil {
			t.Lists = map[string]*stages{}
		}
		l = &stages{}
		t.Lists[name] = l
	}
	return l
}

// learned is how many calls stand behind the table, at most what it remembers.
func (t *callTable) learned() float64 {
	n := 0.0
	for i := range stageBins {
		n += t.Dialing.Answered[i] + t.Dialing.Over[i] + t.Ringing.Answered[i] + t.Ringing.Over[i]
	}
	return n
}

// forecasts are those of all calls and of each list's. They are made of a model when they
// are first wanted, and anew now and then.
type forecasts struct {
	made     time.Time
	patience float64              // of who answers and waits, less what an agent's telephone rings, seconds
	all      *forecast            // of all calls: asked for with each call, it has a place of its own
	calls    map[string]*forecast // by list
	handling *survival
	holds    *[lookout]float64
}

// renewEvery is how long a forecast is good for.
const renewEvery = 20 * time.Second

// renew forgets forecasts that are too old, and reports whether it did.
func (f *forecasts) renew(now time.Time, patience float64) bool {
	old := now.Sub(f.made)
	if old >= 0 && old < renewEvery {
		return false
	}
	*f = forecasts{made: now, patience: patience}
	return true
}

// of is the forecast of a list's calls: that of all where the list is not told apart.
func (f *forecasts) of(m *Model, list string) *forecast {
	l := m.Calls.Lists[list]
	if l == nil {
		return f.ofAll(m)
	}
	c := f.calls[list]
	if c != nil {
		return c
	}
	c = &forecast{held: f.held(m)}
	all, odds := f.ofAll(m), m.Odds.list(list)
	c.dialing.take(&l.Dialing, &all.dialing, odds, &listSeconds)
	c.ringing.take(&l.Ringing, &all.ringing, odds, &listSeconds)
	if f.calls == nil {
		f.calls = map[string]*forecast{}
	}
	f.calls[list] = c
	return c
}

// ofAll is the forecast of all calls.
func (f *forecasts) ofAll(m *Model) *forecast {
	if f.all == nil {
		f.all = &forecast{held: f.held(m)}
		f.all.dialing.take(&m.Calls.Dialing, &dialingPrior, 1, &priorSeconds)
		f.all.ringing.take(&m.Calls.Ringing, &ringingPrior, 1, &priorSeconds)
	}
	return f.all
}

// busy is the forecast of handling times.
func (f *forecasts) busy(m *Model) *survival {
	if f.handling == nil {
		f.handling = &survival{}
		f.handling.fill(&m.Handling)
	}
	return f.handling
}

// held is how likely an agent still has who answered so many seconds ago, when another who
// answers now has waited for all their patience.
func (f *forecasts) held(m *Model) *[lookout]float64 {
	if f.holds == nil {
		f.holds = &[lookout]float64{}
		for s := range f.holds {
			f.holds[s] = f.busy(m).at(max(float64(s)+0.5+f.patience, 0))
		}
	}
	return f.holds
}
