package dialer_test

import (
	"fmt"
	"testing"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab/peers"
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

// TestAttendedTransferAtAsterisk has the agent's linphone hold, call a colleague through
// Asterisk, and transfer the one call to the other: Asterisk joins our leg with the
// colleague's phone, the hold is over, and the leg stays up until the colleague hangs up.
func TestAttendedTransferAtAsterisk(t *testing.T) {
	const colleagueHz = 700
	pbx := peers.AsteriskWith(t, peers.Plan{}, peers.Manners{PassHold: true})
	phone := peers.Linphone(t, pbx.Account("1001"))
	colleague := peers.Baresip(t, pbx, peers.Softphone{Extension: "1002", ToneHz: colleagueHz})
	h := behindAsterisk(t, pbx)
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentTalking)
	phone.Command(t, "call-pause 1")
	h.awaitAgent("a1001", api.AgentHold)
	phone.Command(t, "call sip:1002@"+pbx.Addr().String())
	phone.Await(t, "call-status 2", "LinphoneCallStreamsRunning")
	phone.Command(t, "call-transfer 1 2")
	h.awaitAgent("a1001", api.AgentTalking)
	h.customerHears(colleagueHz, true)
	if n := len(h.records()); n != 0 {
		t.Errorf("%d records while the customer talks", n)
	}
	colleague.Command(t, "hangup", "")
	if r := h.awaitRecords(1)[0]; r.HungUpBy != cdr.Agent || r.Holds != 1 || r.Outcome != cdr.Person {
		t.Errorf("record %+v", r)
	}
	h.quit()
}
