package config

import (
	"log/slog"
	"slices"
	"strings"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/dialer/gate"
	"ringpace/dialer/lead"
)

// Trunk returns the trunk of that name, nil if there is none.
func (c *Config) Trunk(name string) *Trunk {
	return find(c.Trunks, name, func(t *Trunk) string { return t.Name })
}

// Peer returns the peer of that name, nil if there is none.
func (c *Config) Peer(name string) *Peer {
	return find(c.Peers, name, func(p *Peer) string { return p.Name })
}

// links are what all trunks and peers have in common.
func (c *Config) links() []*Link {
	var all []*Link
	for i := range c.Trunks {
		all = append(all, &c.Trunks[i].Link)
	}
	for i := range c.Peers {
		all = append(all, &c.Peers[i].Link)
	}
	return all
}

// Agent returns the agent with that id, nil if there is none.
func (c *Config) Agent(id string) *Agent {
	return find(c.Agents, id, func(a *Agent) string { return a.ID })
}

// Campaign returns the campaign of that name, nil if there is none.
func (c *Config) Campaign(name string) *Campaign {
	return find(c.Campaigns, name, func(k *Campaign) string { return k.Name })
}

func find[T any](all []T, name string, of func(*T) string) *T {
	for i := range all {
		if of(&all[i]) == name {
			return &all[i]
		}
	}
	return nil
}

func (c *Config) trunkNames() []string {
	return names(c.Trunks, func(t *Trunk) string { return t.Name })
}

func (c *Config) peerNames() []string {
	return names(c.Peers, func(p *Peer) string { return p.Name })
}

func (c *Config) agentIDs() []string { return names(c.Agents, func(a *Agent) string { return a.ID }) }

func (c *Config) campaignNames() []string {
	return names(c.Campaigns, func(k *Campaign) string { return k.Name })
}

func names[T any](all []T, of func(*T) string) []string {
	out := make([]string, 0, len(all))
	for i := range all {
		if n := of(&all[i]); n != "" {
			out = append(out, n)
		}
	}
	return out
}

// Shown returns the caller IDs of which one is shown to a number: those of the rule
// with the longest prefix of it, else the campaign's own.
func (k *Campaign) Shown(number string) []string {
	shown, longest := k.CallerIDs, 0
	if len(shown) == 0 {
		shown = []string{k.CallerID}
	}
	for _, r := range k.CallerIDRules {
		if n := longestPrefix(r.Prefixes, number); n > longest {
			shown, longest = r.CallerIDs, n
		}
	}
	return shown
}

// AllShown returns every caller ID that the campaign may show to anybody.
func (k *Campaign) AllShown() []string {
	all := k.CallerIDs
	if len(all) == 0 && k.CallerID != "" {
		all = []string{k.CallerID}
	}
	all = slices.Clone(all)
	for _, r := range k.CallerIDRules {
		for _, id := range r.CallerIDs {
			if !slices.Contains(all, id) {
				all = append(all, id)
			}
		}
	}
	return all
}

// Serves reports whether the trunk takes calls to a number, and by how many
// characters of a prefix; 0 where it takes all.
func (t *Trunk) Serves(number string) (prefix int, ok bool) {
	prefix = longestPrefix(t.Prefixes, number)
	return prefix, prefix > 0 || len(t.Prefixes) == 0
}

func longestPrefix(prefixes []string, number string) int {
	longest := 0
	for _, p := range prefixes {
		if len(p) > longest && strings.HasPrefix(number, p) {
			longest = len(p)
		}
	}
	return longest
}

// Rules returns what the gate holds the campaign's leads against.
func (k *Campaign) Rules() gate.Rules {
	zone, err := time.LoadLocation(k.TimeZone) // "" is UTC
	if err != nil || k.TimeZone == "" {
		zone = nil
	}
	return gate.Rules{
		Hours: k.Hours, Zone: zone, MaxAttempts: k.MaxAttempts, MaxAttemptsPerDay: k.MaxAttemptsPerDay,
	}
}

// Policy returns the campaign's retry rules.
func (k *Campaign) Policy() gate.Policy {
	p := gate.Policy{MaxAttempts: k.MaxAttempts, Outcomes: k.Retry, Dispositions: make(map[string]gate.Retry)}
	for _, d := range k.Dispositions {
		if d.Retry != nil {
			p.Dispositions[d.Name] = *d.Retry
		}
	}
	return p
}

// Classes is what has answered, by the dispositions that say so.
func (k *Campaign) Classes() map[string]cdr.Outcome {
	classes := make(map[string]cdr.Outcome)
	for _, d := range k.Dispositions {
		if d.Outcome != "" {
			classes[d.Name] = d.Outcome
		}
	}
	return classes
}

// HasDisposition reports whether agents of the campaign may choose that.
func (k *Campaign) HasDisposition(name string) bool {
	return find(k.Dispositions, name, func(d *Disposition) string { return d.Name }) != nil
}

// SlogLevel is the least level that is logged.
func (l Logging) SlogLevel() slog.Level {
	var level slog.Level
	if level.UnmarshalText([]byte(l.Level)) != nil {
		return slog.LevelInfo
	}
	return level
}

func regionOf(number string) string { return lead.RegionOf(number) }
