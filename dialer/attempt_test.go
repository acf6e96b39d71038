package dialer

import (
	"testing"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
)

// TestPatience holds from when on the time counts that a person waits for an agent, by
// each law.
func TestPatience(t *testing.T) {
	answered := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	at := func(s float64) time.Time { return answered.Add(time.Duration(s * float64(time.Second))) }
	silent := cdr.Marks{Answered: answered}
	speaks := cdr.Marks{Answered: answered, SpeechStart: at(1)}
	spoken := cdr.Marks{Answered: answered, SpeechStart: at(1), GreetingEnd: at(1.8)}
	for _, c := range []struct {
		from  string
		marks cdr.Marks
		want  float64
	}{
		{config.FromAnswer, silent, 2},
		{config.FromAnswer, speaks, 2},
		{config.FromAnswer, spoken, 2},
		{config.FromSpeech, silent, 2},
		{config.FromSpeech, speaks, 3},
		{config.FromSpeech, spoken, 3},
		{config.FromGreeting, silent, 2},
		{config.FromGreeting, speaks, 6}, // they may talk for 3 s
		{config.FromGreeting, spoken, 3.8},
	} {
		terms := terms{abandonAfter: 2 * time.Second, waitFrom: c.from}
		if got := terms.patience(&c.marks); !got.Equal(at(c.want)) {
			t.Errorf("from %s, %+v: %v after the answer, want %v s", c.from, c.marks, got.Sub(answered), c.want)
		}
	}
}
