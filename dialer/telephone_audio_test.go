package dialer_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
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

// TestReloadedAudio holds that a reload changes how audio is offered, on legs that are
// made from then on: of the trunk, and of a telephone, once it is called anew.
func TestReloadedAudio(t *testing.T) {
	t.Parallel()
	p := deskPlan(t, peers.Redis(t).URL())
	p.Media = "agent_codecs: [PCMU]"
	h := build(t, p)
	if err := loginError(h); err != nil {
		t.Fatal(err)
	}
	peers.BaresipAt(t, peers.Account{User: "1001", Password: "telephone-1001", Server: h.cfg.SIP.Listen[0].Addr},
		peers.Softphone{Encrypts: "srtp"})
	h.takesCall(t, 0)
	check := func(r cdr.Record, customer, agent string, encrypted bool) {
		t.Helper()
		if c, a := r.Customer, r.AgentLeg; c == nil || a == nil || c.Codec != customer || a.Codec != agent || a.Encrypted != encrypted {
			t.Errorf("the legs are %+v and %+v, want %s, and %s, encrypted %v", c, a, customer, agent, encrypted)
		}
	}
	check(h.awaitRecords(1)[0], "PCMA", "PCMU", false)

	p.Media = "codecs: [PCMU], agent_codecs: [PCMA], comfort_noise: true, ptime: 30ms"
	p.SIP = "registrar: {enabled: true, min_expires: 10s, srtp: required}"
	h.rewrite(p)
	changes, err := h.daemon.Reload(t.Context())
	if err != nil || len(changes) != 5 {
		t.Fatalf("%+v, %v", changes, err)
	}
	for _, c := range changes {
		if !c.Applied {
			t.Errorf("%+v was not applied", c)
		}
	}
	h.takesCall(t, 1) // on the telephone's leg of before
	check(h.awaitRecords(2)[1], "PCMU", "PCMU", false)
	if _, err := h.daemon.Logout(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentOffline)
	if err := loginError(h); err != nil {
		t.Fatal(err)
	}
	h.takesCall(t, 2)
	check(h.awaitRecords(3)[2], "PCMU", "PCMA", true)
	h.quit()
}

// TestThreeWaysToSpeak has agent, third party and supervisor at real telephones, each of
// another codec and encryption, talk with the customer all together: each hears all
// others, and the recording has the three on the right.
func TestThreeWaysToSpeak(t *testing.T) {
	t.Parallel()
	p := deskPlan(t, "")
	p.Agents, p.Tones = 3, true
	p.Media = "agent_codecs: [G722, PCMA]"
	p.AgentSet = `wrap_up: 0s, peer: registrar, password: "telephone", supervisor: true`
	p.SIP = `registrar: {enabled: true, min_expires: 10s, srtp: "optional"}`
	h := build(t, p)
	phones := map[string]*peers.Phone{}
	for user, phone := range map[string]peers.Softphone{
		"1001": {Codecs: "g722", Encrypts: "srtp"},
		"1002": {Codecs: "pcma", Encrypts: "srtp"},
		"1003": {Codecs: "g722"},
	} {
		n, _ := strconv.Atoi(user)
		phone.ToneHz = float64(hz(n))
		phones[user] = peers.BaresipAt(t, peers.Account{User: user, Password: "telephone", Server: h.cfg.SIP.Listen[0].Addr}, phone)
	}
	h.logIn("a1001")
	h.logIn("a1002")
	if _, err := h.daemon.Pause(t.Context(), "a1002", "lunch"); err != nil { // the call is the other's
		t.Fatal(err)
	}
	h.load(0, 1)
	if _, err := h.daemon.StartCampaign(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentTalking)
	h.customerHears(phoneHz, true)
	if _, err := h.daemon.Ready(t.Context(), "a1002"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1002", api.AgentReady)
	if _, err := h.daemon.CallIn(t.Context(), "a1001", "1002"); err != nil {
		t.Fatal(err)
	}
	h.customerHears(hz(1002), true)
	if _, err := h.daemon.Listen(t.Context(), "a1001", api.PartBarge, "a1003"); err != nil {
		t.Fatal(err)
	}
	for n := 1001; n <= 1003; n++ {
		h.customerHears(hz(n), true)
	}
	together := time.Now()
	h.await("two seconds of it", func() bool { return time.Since(together) > 2*time.Second })
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.customerHears(phoneHz, false)
	h.customerHears(hz(1002), true)
	if _, err := h.daemon.Hangup(t.Context(), "a1002"); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0]
	if l := r.AgentLeg; l == nil || !l.Encrypted || l.Codec != "G722" {
		t.Errorf("the agent's leg: %+v", l)
	}
	if len(r.Transfers) != 1 || len(r.Listened) != 1 {
		t.Fatalf("record %+v", r)
	}
	if l := r.Transfers[0].Leg; l == nil || !l.Encrypted || l.Codec != "PCMA" {
		t.Errorf("the third party's leg: %+v", l)
	}
	h.quit()
	for user, phone := range phones {
		heard := phone.Heard(t, 1)
		for _, from := range []int{calleeHz, hz(1001), hz(1002), hz(1003)} {
			if own := user == strconv.Itoa(1001+(from-phoneHz)/100); own == soundsAmong(heard, float64(from)) {
				t.Errorf("%s hears %d Hz: %v", user, from, !own)
			}
		}
	}
}
