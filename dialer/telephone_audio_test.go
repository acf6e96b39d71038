package dialer_test

import (
	"fmt"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/lab/peers"
	"ringpace/dialer/lab/tone"
)

// TestTelephoneAudio: a real telephone and the customer hear each other, and the
// recording has both, whether the telephone's audio is plain or encrypted (RFC 4568),
// as the configuration and the telephone want it, and where the telephone speaks
// G.722.
func TestTelephoneAudio(t *testing.T) {
	for _, c := range []struct {
		name      string // short: baresip cuts the paths of what it hears
		srtp      string // of the registrar
		phone     peers.Softphone
		codec     string
		encrypted bool
	}{
		{"insist", "required", peers.Softphone{Encrypts: "srtp-mand"}, "PCMA", true},
		{"both can", "optional", peers.Softphone{Encrypts: "srtp"}, "PCMA", true},
		{"wideband", "optional", peers.Softphone{Codecs: "g722", Encrypts: "srtp"}, "G722", true},
		{"plain", "optional", peers.Softphone{}, "PCMA", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := deskPlan(t, peers.Redis(t).URL())
			p.Media = "agent_codecs: [G722, PCMA]"
			p.SIP = fmt.Sprintf("registrar: {enabled: true, min_expires: 10s, srtp: %q}", c.srtp)
			h := build(t, p)
			if err := loginError(h); err != nil {
				t.Fatal(err)
			}
			c.phone.ToneHz = phoneHz
			phone := peers.BaresipAt(t, peers.Account{User: "1001", Password: "telephone-1001", Server: h.cfg.SIP.Listen[0].Addr}, c.phone)
			h.await("the shift to begin", func() bool { s := h.state("a1001"); return s == api.AgentPaused || s == api.AgentReady })
			if _, err := h.daemon.Ready(t.Context(), "a1001"); err != nil {
				t.Fatal(err)
			}
			h.load(0, 1)
			if _, err := h.daemon.StartCampaign(t.Context(), "test"); err != nil {
				t.Fatal(err)
			}
			h.awaitAgent("a1001", api.AgentTalking)
			h.customerHears(phoneHz, true)
			bridged := h.agent("a1001").Call.BridgedAt
			h.await("two seconds of conversation", func() bool { return time.Since(bridged) > 2*time.Second })
			if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
				t.Fatal(err)
			}
			r := h.awaitRecords(1)[0]
			if l := r.AgentLeg; l == nil || l.Encrypted != c.encrypted || l.Codec != c.codec || l.Lost+l.Discarded != 0 {
				t.Errorf("the telephone's leg: %+v", l)
			}
			h.recorded(r, []int{calleeHz}, []int{phoneHz})
			h.quit()
			heard := phone.Heard(t, 1)
			if spans := tone.Spans(heard.Channels[0], heard.Rate, calleeHz, 100*time.Millisecond); len(spans) == 0 {
				t.Errorf("the telephone heard the customer at %v", spans)
			}
		})
	}
}
