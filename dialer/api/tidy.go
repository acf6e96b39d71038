package api

// JSON has no nil: a list without entries is [] and a map {} to every reader, so
// that none must ask for null. The tidy methods see to it on a copy.

func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func table[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return m
}

func (s Status) tidy() Status {
	s.NotReady, s.Alarms, s.Warnings = list(s.NotReady), list(s.Alarms), list(s.Warnings)
	s.Defence.Dropped, s.Defence.Banned = table(s.Defence.Dropped), table(s.Defence.Banned)
	return s
}

func (t TrunkStatus) tidy() TrunkStatus {
	t.CallerIDs, t.Prefixes = list(t.CallerIDs), list(t.Prefixes)
	return t
}

func (a AgentStatus) tidy() AgentStatus {
	a.Campaigns = list(a.Campaigns)
	if a.Lead != nil {
		lead := *a.Lead
		lead.Fields = table(lead.Fields)
		a.Lead = &lead
	}
	return a
}

func (c CampaignStatus) tidy() CampaignStatus {
	c.Leads, c.Agents, c.Outcomes = table(c.Leads), table(c.Agents), table(c.Outcomes)
	c.Decision = c.Decision.tidy()
	return c
}

func (d *Decision) tidy() *Decision {
	if d == nil {
		return nil
	}
	tidied := *d
	tidied.Reasons = list(d.Reasons)
	return &tidied
}

func (e Explanation) tidy() Explanation {
	e.Facts, e.Decision = list(e.Facts), e.Decision.tidy()
	return e
}

func (e LeadExplanation) tidy() LeadExplanation {
	e.Facts = list(e.Facts)
	return e
}

func (p CDRPage) tidy() CDRPage {
	p.Records = list(p.Records)
	return p
}

func (c LeadCounts) tidy() LeadCounts {
	c.States = table(c.States)
	return c
}

func (l LeadStatus) tidy() LeadStatus {
	l.Numbers = list(l.Numbers)
	return l
}

func (e Event) tidy() Event {
	if e.Agent != nil {
		a := e.Agent.tidy()
		e.Agent = &a
	}
	if e.Campaign != nil {
		c := e.Campaign.tidy()
		e.Campaign = &c
	}
	if e.Trunk != nil {
		t := e.Trunk.tidy()
		e.Trunk = &t
	}
	return e
}

// each tidies the entries of a list of states into a new list.
func each[T interface{ tidy() T }](s []T) []T {
	out := make([]T, len(s))
	for i, v := range s {
		out[i] = v.tidy()
	}
	return out
}
