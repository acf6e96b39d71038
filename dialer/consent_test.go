package dialer

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"ringpace/dialer/config"
	"ringpace/media"
	"ringpace/media/record"
)

// recordedPair are a recorder, and a customer and an agent who are not joined yet.
func recordedPair(t *testing.T) (r *record.Recorder, customer, agent *media.Session) {
	t.Helper()
	engine, err := media.NewEngine(media.Config{Addr: netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	if r, err = record.New(record.Config{Dir: t.TempDir(), MinFree: 1}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	var sessions [4]*media.Session
	for i := range sessions {
		if sessions[i], err = engine.NewSession(media.SessionConfig{}); err != nil {
			t.Fatal(err)
		}
		if i%2 == 1 { // the far side of the one before
			answer, err := sessions[i].Answer(sessions[i-1].Offer())
			if err := errors.Join(err, sessions[i-1].Accept(answer)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return r, sessions[0], sessions[2]
}

// TestKeysAmidThePrompt holds that an agent who presses keys while the prompt plays hears it
// to its end, and the beep with it.
func TestKeysAmidThePrompt(t *testing.T) {
	recorder, customer, audio := recordedPair(t)
	rec, err := recorder.Start(record.Meta{ID: "pressed"})
	if err != nil {
		t.Fatal(err)
	}
	tape, untap := newTape(rec, newDisclosure(&config.Recording{}), notice{file: media.PromptTone([]float64{900}, -13, time.Second)}, customer)
	defer untap()
	defer tape.join(audio)()
	beep := media.PromptTone([]float64{300}, -13, 60*time.Millisecond)
	a := &agent{leg: &leg{audio: audio}, board: &switchboard{high: beep, low: beep}}
	for _, obeyed := range []bool{true, false} {
		a.beep(obeyed)
		if a.hush == nil {
			t.Error("no beep is laid over what the agent hears")
		}
	}
	select {
	case <-tape.echo.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the prompt does not end")
	}
	if !tape.echo.Completed() {
		t.Error("the agent does not hear the prompt to its end")
	}
}

// TestRefusedAtTheLastWord holds that who refuses just as the prompt is over is not taken for
// one who was told and did not object; who does not refuse is.
func TestRefusedAtTheLastWord(t *testing.T) {
	recorder, customer, agent := recordedPair(t)
	prompt := media.PromptTone([]float64{900}, -13, 60*time.Millisecond)
	for id, refuses := range map[string]bool{"refuses": true, "does not": false} {
		rec, err := recorder.Start(record.Meta{ID: id})
		if err != nil {
			t.Fatal(err)
		}
		tape, untap := newTape(rec, newDisclosure(&config.Recording{}), notice{file: prompt}, customer)
		leave := tape.join(agent)
		select {
		case <-tape.said():
		case <-time.After(10 * time.Second):
			t.Fatal("the prompt does not end")
		}
		if refuses {
			tape.reject(whyRefused)
		}
		if told := tape.settle(); told == refuses {
			t.Errorf("who %s counts as told: %v", id, told)
		}
		leave()
		untap()
		tape.End(time.Now())
	}
}
