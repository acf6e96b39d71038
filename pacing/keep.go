package pacing

import (
	"encoding/json"
	"maps"
)

// Keeper is a learner whose knowledge can outlive it: changed settings, the process, the
// node. It is the pacer of predictive mode.
type Keeper interface {
	Learner
	// Model is a copy of what was learned so far.
	Model() Model
	// Resume goes on from what another pacer of the campaign had learned. It is called
	// between two decisions and takes the place of what was learned before.
	Resume(Model)
}

// Model implements Keeper.
func (p *predictive) Model() Model { return p.model.clone() }

// Resume implements Keeper.
func (p *predictive) Resume(m Model) {
	p.model = m.clone()
	p.forecast = forecast{}
}

func (m *Model) clone() Model {
	c := *m
	c.Odds.Words = maps.Clone(m.Odds.Words)
	for w, t := range c.Odds.Words {
		again := *t
		c.Odds.Words[w] = &again
	}
	return c
}

// kindNames are the kinds of words as they are kept.
var kindNames = [kinds]string{listKind: "list", hourKind: "hour", attemptKind: "attempt", previousKind: "previous", numberKind: "number"}

// MarshalJSON writes what is known of each word, by kind and text.
func (o odds) MarshalJSON() ([]byte, error) {
	all := map[string]map[string]*tally{}
	for w, t := range o.Words {
		name := kindNames[w.kind]
		if all[name] == nil {
			all[name] = map[string]*tally{}
		}
		all[name][w.text] = t
	}
	return json.Marshal(all)
}

// UnmarshalJSON reads what MarshalJSON wrote. Kinds that are not known are passed over.
func (o *odds) UnmarshalJSON(text []byte) error {
	var all map[string]map[string]tally
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	o.Words = map[word]*tally{}
	for k, name := range kindNames {
		for s, t := range all[name] {
			o.Words[word{kind(k), s}] = &t
		}
	}
	return nil
}
