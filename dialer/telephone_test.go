package dialer_test

import (
	"context"
	"errors"
	"testing"

	"ringpace/dialer/api"
	"ringpace/dialer/lab"
	"ringpace/sip"
)

// handset is a telephone that registers at the daemon as an extension; it gives itself
// out for name, which should be the same.
func (h *house) handset(user, name string) *lab.PBX {
	h.t.Helper()
	phone, err := lab.NewPBX(lab.PBXConfig{Extensions: []string{name}})
	if err != nil {
		h.t.Fatal(err)
	}
	h.atEnd(phone.Close)
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	if err := phone.Register(ctx, h.cfg.SIP.Listen[0].Addr, user, "telephone"); err != nil {
		h.t.Fatal(err)
	}
	return phone
}

// telephones builds a floor whose agents' telephones register here, and registers them.
func telephones(t *testing.T, p plan) (*house, []*lab.Extension) {
	t.Helper()
	p.SIPPort, p.NoLogin = freePort(t), true
	p.AgentSet = `wrap_up: 0s, peer: registrar, password: "telephone"`
	p.SIP = "registrar: {enabled: true, min_expires: 10s}"
	h := build(t, p)
	var list []*lab.Extension
	for _, name := range p.extensions() {
		list = append(list, h.handset(name, name).Extension(name))
	}
	t.Cleanup(func() { // while the telephones are there to be hung up
		h.daemon.HangUp()
		h.quit()
	})
	return h, list
}

func lineOf(t *testing.T, x *lab.Extension) *lab.Line {
	t.Helper()
	line, err := x.Line()
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func refusedWith(err error) int {
	var refused *lab.RefusedError
	if errors.As(err, &refused) {
		return refused.Status
	}
	return 0
}

// TestTelephoneReplacesNoOthersCall holds that of the telephones that register here one
// agent's takes no call of another's, be it by INVITE with Replaces or by REFER, and none
// that is not ours.
func TestTelephoneReplacesNoOthersCall(t *testing.T) {
	t.Parallel()
	h, phones := telephones(t, plan{Agents: 3, Global: "transfer: {extensions: [10XX]}"})
	for i, id := range []string{"a1001", "a1002"} {
		h.logIn(id)
		h.load(i, i+1)
		h.awaitAgent(id, api.AgentTalking)
	}
	h.logIn("a1003")
	victim := lineOf(t, phones[0])
	with, err := phones[0].Consult(t.Context(), "1003")
	if err != nil {
		t.Fatal(err)
	}
	for name, line := range map[string]*lab.Line{"leg": victim, "consult": with} {
		if _, err := phones[1].Replace(t.Context(), line); refusedWith(err) != 403 {
			t.Errorf("another's %s is replaced: %v", name, err)
		}
	}
	liar := h.handset("1002", "1001").Extension("1001") // 1001 in From, the password of 1002
	if _, err := liar.Replace(t.Context(), victim); refusedWith(err) != 403 {
		t.Errorf("another's leg is replaced by who bears its name: %v", err)
	}
	if err := liar.Dial(t.Context(), "*14"); refusedWith(err) != 403 {
		t.Errorf("another's name dials: %v", err)
	}

	// A call that is nobody's here: two telephones that talk directly.
	far, err := lab.NewPBX(lab.PBXConfig{Extensions: []string{"1002", "1003"}})
	if err != nil {
		t.Fatal(err)
	}
	h.atEnd(far.Close)
	if err := far.Connect(far.Addr()); err != nil {
		t.Fatal(err)
	}
	direct, err := far.Extension("1002").Consult(t.Context(), "1003")
	if err != nil {
		t.Fatal(err)
	}
	own := lineOf(t, phones[1])
	for name, line := range map[string]*lab.Line{"consult": with, "leg": victim, "call elsewhere": direct} {
		if _, err := own.Refer(t.Context(), "1003", line); !errors.Is(err, sip.ErrRefused) {
			t.Errorf("a transfer that takes another's %s: %v", name, err)
		}
	}
	direct.Hangup()
	for i, id := range []string{"a1001", "a1002"} {
		if s := h.agent(id); s.State != api.AgentTalking || s.Call == nil || s.Call.Number != number(i) {
			t.Errorf("agent %s is %s with %+v", id, s.State, s.Call)
		}
	}

	// What is one's own may be moved.
	moved, err := phones[0].Replace(t.Context(), victim)
	if err != nil {
		t.Fatalf("the agent's own leg: %v", err)
	}
	if status, err := moved.Refer(t.Context(), "1003", with); err != nil || status != 200 {
		t.Errorf("the agent's own consult: %d, %v", status, err)
	}
	h.await("the customer with 1003", func() bool {
		s := h.agent("a1003")
		return s.State == api.AgentTalking && s.Call != nil && s.Call.Number == number(0)
	})
}
