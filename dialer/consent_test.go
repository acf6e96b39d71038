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

// TestRefusedAtTheLastWord holds that who refuses just as the prompt is over is not taken for
// one who was told and did not object; who does not refuse is.
func TestRefusedAtTheLastWord(t *testing.T) {
	engine, err := media.NewEngine(media.Config{Addr: netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	recorder, err := record.New(record.Config{Dir: t.TempDir(), MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer recorder.Close()
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
	customer, agent := sessions[0], sessions[2]
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
