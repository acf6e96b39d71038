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
	p.forecasts = forecasts{}
}

func (m *Model) clone() Model {
	c := *m
	c.Calls.Lists = maps.Clone(m.Calls.Lists)
	for name, l := range c.Calls.Lists {
		again := *l
		c.Calls.Lists[name] = &again
	}
	c.Odds.Words = maps.Clone(m.Odds.Words)
	for w, t := range c.Odds.Words {
		again := *t
		c.Odds.Words[w] = &again
	}
	return c
}

// kindNames are the kinds of words as they are kept.
var kindNames = [kinds]string{listKind: "list", hourKind: "hour", attemptKind: "attempt", previousKind: "previous", numberKind: "number"}

// keptOdds is how odds are kept: by kind of word and text.
type keptOdds[T any] struct {
	Words map[string]map[string]T `json:"words"`
	Mean  float64                 `json:"mean"`
}

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
	return json.Marshal(keptOdds[*tally]{all, o.Mean})
}

// UnmarshalJSON reads what MarshalJSON wrote. Kinds that are not known are passed over.
func (o *odds) UnmarshalJSON(text []byte) error {
	var kept keptOdds[tally]
	if err := json.Unmarshal(text, &kept); err != nil {
		return err
	}
	all := kept.Words
	o.Words, o.Mean = map[word]*tally{}, kept.Mean
	for k, name := range kindNames {
		for s, t := range all[name] {
			o.Words[word{kind(k), s}] = &t
		}
	}
	return nil
}
