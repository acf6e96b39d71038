package config

import (
	"log/slog"
	"time"

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
