package pacing

import "math"

const (
	oddsPrior    = 40.0  // expected answers that even odds are worth, for each word
	oddsHalfLife = 600.0 // expected answers of a word after which what was learned counts half
	usualCalls   = 100.0 // calls that the usual odds are the mean of
	mostOdds     = 8.0   // and 1/8 are the bounds of a lead's odds
)

// odds is what a campaign has learned of its leads: how many times as often as usual
// people answer of whom a word is known. The words' factors multiply, as in Cox's
// proportional hazards (1972), and each is shrunk towards 1.
type odds struct {
	Words map[word]*tally `json:"-"`
	Mean  float64         `json:"mean"` // of the odds of late calls, less 1
}

// usual is the odds of a lead of whom nothing is known yet: those of late calls.
func (o *odds) usual() float64 { return 1 + o.Mean }

// word is one thing that is known of a lead.
type word struct {
	kind kind
	text string
}

// kind is what a word is about.
type kind uint8

const (
	listKind kind = iota
	hourKind
	attemptKind
	previousKind
	numberKind
	kinds
)

// tally is how many answered of those of whom a word is known, and how many would have
// with even odds for that word.
type tally struct {
	Answered float64 `json:"answered"`
	Expected float64 `json:"expected"`
}

func (t *tally) factor() float64 { return (t.Answered + oddsPrior) / (t.Expected + oddsPrior) }

func (l *Lead) words() [kinds]string {
	return [kinds]string{l.List, l.Hour, l.Attempt, l.Previous, l.Number}
}

// of is how many times as often as usual such a lead answers.
func (o *odds) of(l *Lead) float64 {
	var known tallies
	all, _ := o.apart(l, &known)
	return all
}

// tallies are those of a lead's words; nil where none is known yet.
type tallies [kinds]*tally

// apart is the same, and besides but for what the list tells. It goes by the tallies that are
// known, and looks up the others.
func (o *odds) apart(l *Lead, known *tallies) (all, among float64) {
	all, among = 1, 1
	for k, w := range l.words() {
		if w == "" {
			continue
		}
		t := known[k]
		if t == nil {
			if t = o.Words[word{kind(k), w}]; t == nil {
				continue
			}
			known[k] = t
		}
		f := t.factor()
		all *= f
		if kind(k) != listKind {
			among *= f
		}
	}
	return bounded(all), bounded(among)
}

func bounded(odds float64) float64 { return min(max(odds, 1/mostOdds), mostOdds) }

// list is how many times as often as usual those of a list answer.
func (o *odds) list(name string) float64 {
	if t := o.Words[word{listKind, name}]; t != nil {
		return bounded(t.factor())
	}
	return 1
}

// learn counts a call to such a lead that is over. expected is the answers that were to be
// expected of it, with its odds.
func (o *odds) learn(l *Lead, expected float64, answered bool) {
	if *l == (Lead{}) {
		return
	}
	o.Mean += (o.of(l) - 1 - o.Mean) / usualCalls
	if o.Words == nil {
		o.Words = map[word]*tally{}
	}
	for k, w := range l.words() {
		if w == "" {
			continue
		}
		key := word{kind(k), w}
		t := o.Words[key]
		if t == nil {
			t = &tally{}
			o.Words[key] = t
		}
		n := expected / t.factor()
		f := math.Exp2(-n / oddsHalfLife)
		t.Answered *= f
		t.Expected = t.Expected*f + n
		if answered {
			t.Answered++
		}
	}
}
