package dialer_test

import (
	"fmt"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab"
	"ringpace/dialer/lab/peers"
	"ringpace/dialer/lab/tone"
	"ringpace/media"
)

// behindAsterisk is a floor whose one agent's phone is an extension of an Asterisk that
// passes hold on.
func behindAsterisk(t *testing.T, pbx *peers.PBX) *house {
	t.Helper()
	return build(t, plan{
		Agents: 1, AgentSet: "wrap_up: 0s", Tones: true,
		Peer: fmt.Sprintf("server: %q, username: %s, password: %s", pbx.Addr().String(), peers.PBXUser, peers.Password(peers.PBXUser)),
	})
}

// TestHoldBehindAsterisk holds that the hold key of a phone behind an Asterisk with
// moh_passthrough=yes shows in the agent's state, that the customer hears the tone and
// not the agent meanwhile, and that the agent is heard again afterwards.
func TestHoldBehindAsterisk(t *testing.T) {
	t.Parallel()
	pbx := peers.AsteriskWith(t, peers.Plan{}, peers.Manners{PassHold: true})
	phone := peers.Baresip(t, pbx, peers.Softphone{ToneHz: phoneHz})
	h := behindAsterisk(t, pbx)
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentTalking)
	for range 2 {
		h.customerHears(phoneHz, true)
		phone.Command(t, "hold", "")
		h.awaitAgent("a1001", api.AgentHold)
		h.customerHears(phoneHz, false)
		phone.Command(t, "resume", "")
		h.awaitAgent("a1001", api.AgentTalking)
	}
	h.customerHears(phoneHz, true)
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	if r := h.awaitRecords(1)[0]; r.Holds != 2 || r.HungUpBy != cdr.Agent {
		t.Errorf("record %+v", r)
	}
	h.quit()
}

// TestAttendedTransferAtAsterisk has the agent's phone hold, call a colleague through
// Asterisk, and transfer the one call to the other. The phone's REFER is Asterisk's: it
// joins our leg with the colleague's phone, and tells that the hold is over. The leg is
// the agent's still, until the colleague hangs up.
func TestAttendedTransferAtAsterisk(t *testing.T) {
	t.Parallel()
	const colleagueHz = 700
	pbx := peers.AsteriskWith(t, peers.Plan{}, peers.Manners{PassHold: true})
	colleague := peers.Baresip(t, pbx, peers.Softphone{Extension: "1002", ToneHz: colleagueHz})
	phones, err := lab.NewPBX(lab.PBXConfig{Extensions: []string{"1001"}, Voice: func(string) *media.Prompt { return sound(phoneHz) }})
	if err != nil {
		t.Fatal(err)
	}
	if err := phones.Register(t.Context(), pbx.Addr(), "1001", peers.Password("1001")); err != nil {
		t.Fatal(err)
	}
	pbx.AwaitRegistered(t, "1001")
	h := behindAsterisk(t, pbx)
	h.atEnd(phones.Close)
	h.firstTalk()
	x := phones.Extension("1001")
	line, err := x.Line()
	if err != nil {
		t.Fatal(err)
	}
	if err := line.Hold(t.Context(), lab.SendOnly); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentHold)
	with, err := x.Consult(t.Context(), "1002")
	if err != nil {
		t.Fatal(err)
	}
	h.hears("the agent", with.Hears, colleagueHz, true)
	if status, err := line.Refer(t.Context(), "1002", with); err != nil || status != 200 {
		t.Fatalf("the phone was told %d, %v", status, err)
	}
	h.awaitAgent("a1001", api.AgentTalking)
	h.customerHears(colleagueHz, true)
	if err := x.Await(t.Context(), false); err != nil {
		t.Error("the agent's phone is still in its call:", err)
	}
	if n := len(h.records()); n != 0 {
		t.Errorf("%d records while the customer talks", n)
	}
	colleague.Command(t, "hangup", "")
	if r := h.awaitRecords(1)[0]; r.Outcome != cdr.Person || r.HungUpBy != cdr.Agent || r.Holds != 1 || len(r.Transfers) != 0 {
		t.Errorf("record %+v", r)
	}
	h.quit()
}

// TestSupervisorBehindAsterisk has a supervisor come in by the dial plan of the PBX behind
// which both telephones are: what they dialed goes to Ringpace, who knows them by the
// extension in From. Their keys, which Asterisk passes on, change their part.
func TestSupervisorBehindAsterisk(t *testing.T) {
	t.Parallel()
	const bossHz = 700
	pbx := peers.Asterisk(t, peers.Plan{})
	agent := peers.Baresip(t, pbx, peers.Softphone{ToneHz: phoneHz})
	boss := peers.Baresip(t, pbx, peers.Softphone{Extension: "1002", ToneHz: bossHz})
	h := build(t, plan{
		Agents: 2, AgentSet: "wrap_up: 0s, supervisor: true", Tones: true, NoLogin: true, SIPPort: freePort(t),
		Peer: fmt.Sprintf("server: %q, username: %s, password: %s, register: true", pbx.Addr().String(), peers.PBXUser, peers.Password(peers.PBXUser)),
	})
	pbx.AwaitRegistered(t, peers.PBXUser)
	h.logIn("a1001")
	h.firstTalk()
	boss.Command(t, "dial", fmt.Sprintf("sip:*231001@%s", pbx.Addr()))
	h.customerHears(bossHz, true)
	h.customerHears(phoneHz, true)
	boss.AwaitHeard(t, 1, 1500*time.Millisecond)
	boss.Command(t, "sndcode", "4")
	h.customerHears(bossHz, false)
	boss.Command(t, "hangup", "")
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	listened(t, h.awaitRecords(1)[0], "", "barge", "listen")
	h.quit()
	for who, phone := range map[string]*peers.Phone{"agent": agent, "supervisor": boss} {
		heard := phone.Heard(t, 1)
		other := map[string]float64{"agent": bossHz, "supervisor": phoneHz}[who]
		for _, hz := range []float64{calleeHz, other} {
			if !soundsAmong(heard, hz) {
				t.Errorf("the %s did not hear %.0f Hz", who, hz)
			}
		}
	}
}

// soundsAmong reports whether a sound has a tone, perhaps among others, for half a second.
func soundsAmong(sound tone.Sound, hz float64) bool {
	window := sound.Rate / 10
	samples, times := sound.Channels[0], 0
	for at := 0; at+window <= len(samples); at += window {
		if loudness(samples[at:at+window], int(hz)*8000/sound.Rate) > -22 {
			times++
		}
	}
	return times >= 5
}
