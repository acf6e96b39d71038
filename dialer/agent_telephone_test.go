package dialer_test

import (
	"errors"
	"testing"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab"
	"ringpace/sip"
)

// TestTransferByThePhone has the softphone transfer by its own key: it is told how it
// goes, hangs up as phones do, and is called back for the next call, though the agent is
// not one who is called back.
func TestTransferByThePhone(t *testing.T) {
	t.Parallel()
	h := build(t, plan{
		Agents: 1, Phones: 2, Tones: true, AgentSet: "wrap_up: 300ms, call_back: false",
		Global: "transfer: {extensions: [10XX]}",
	})
	h.firstTalk()
	line := h.line("1001")
	if _, err := line.Refer(t.Context(), "911", nil); !errors.Is(err, sip.ErrRefused) {
		t.Errorf("the phone transfers to where nobody may: %v", err)
	}
	h.pbx.Extension("1003").Refuse(486)
	if err := line.Hold(t.Context(), lab.SendOnly); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentHold)
	if status, err := line.Refer(t.Context(), "1003", nil); err != nil || status != 486 {
		t.Errorf("the phone was told %d, %v, want 486", status, err)
	}
	h.awaitAgent("a1001", api.AgentHold)
	if err := line.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentTalking)
	h.customerHears(phoneHz, true)
	if status, err := line.Refer(t.Context(), "1002", nil); err != nil || status != 200 {
		t.Fatalf("the phone was told %d, %v", status, err)
	}
	h.customerHears(hz(1002), true)
	h.hears("the new party", h.pbx.Extension("1002").Hears, calleeHz, true)
	h.awaitAgent("a1001", api.AgentReady)
	if n := h.pbx.Extension("1001").Served(); n != 2 {
		t.Errorf("the phone was called %d times, want 2", n)
	}
	if err := h.pbx.Extension("1002").Hangup(); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0]
	if r.HungUpBy != cdr.ThirdParty || len(r.Transfers) != 2 || r.Transfers[0].Outcome != cdr.Busy || r.Transfers[1].Outcome != cdr.TransferConnected || r.Holds < 1 {
		t.Errorf("record %+v", r)
	}
}

// TestSoftphoneTransfers has baresip, registered here, hold, resume and transfer by its
// own commands, and hears what it and the others hear.
func TestSoftphoneTransfers(t *testing.T) {
	t.Parallel()
	p := deskPlan(t, "")
	p.Agents, p.Phones, p.Tones, p.NoCalls = 1, 0, true, true
	p.Global = `transfer: {external: true, prefixes: ["+120255501"]}`
	h := build(t, p)
	phone := h.telephone(t)
	if _, err := h.daemon.Login(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentPaused)
	if _, err := h.daemon.Ready(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.load(0, 1)
	if _, err := h.daemon.StartCampaign(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentTalking)
	h.customerHears(600, true)
	phone.Command(t, "hold", "")
	h.awaitAgent("a1001", api.AgentHold)
	h.customerHears(600, false)
	phone.Command(t, "resume", "")
	h.awaitAgent("a1001", api.AgentTalking)
	h.customerHears(600, true)
	phone.Command(t, "transfer", "sip:"+number(7)+"@"+h.cfg.SIP.Listen[0].Addr.String())
	h.hears("the number outside", func(hz int) float64 { return h.carrier.Hears(number(7), hz) }, calleeHz, true)
	h.customerHears(calleeHz, true)
	h.awaitAgent("a1001", api.AgentReady) // called back
	if err := h.hangUpAll(); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0]
	if r.Holds != 1 || len(r.Transfers) != 1 || r.Transfers[0].Outcome != cdr.TransferConnected || r.Transfers[0].To != number(7) {
		t.Errorf("record %+v", r)
	}
	h.quit() // while the telephone is there to be hung up
}
