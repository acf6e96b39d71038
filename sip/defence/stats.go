package defence

// Stats are counters since the guard was made, and gauges of now.
type Stats struct {
	Passed      uint64            // messages let through, trusted ones included
	Dropped     map[Reason]uint64 // messages and connections
	Banned      map[Reason]uint64 // bans, by what they were for
	Bans        int               // that hold now
	Sources     int               // that are remembered
	Connections int               // of strangers and proved sources
}

// Stats returns the counters; every reason is there.
func (g *Guard) Stats() Stats {
	s := Stats{Passed: g.passed.Load(), Dropped: map[Reason]uint64{}, Banned: map[Reason]uint64{}}
	for i, r := range dropReasons {
		s.Dropped[r] = g.drops[i].Load()
	}
	for i, r := range banReasons {
		s.Banned[r] = g.bannings[i].Load()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	for _, b := range g.bans {
		if now < b.until {
			s.Bans++
		}
	}
	s.Sources, s.Connections = g.sources.used(), g.opened
	return s
}
