package dialer_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"ringpace/dialer/api"
	"ringpace/dialer/lab/peers"
)

// deskPlan is a floor whose one agent's telephone registers at Ringpace.
func deskPlan(t *testing.T, redis string) plan {
	t.Helper()
	return plan{
		Agents: 1, NoLogin: true, Redis: redis, NoCalls: true, SIPPort: freePort(t),
		AgentSet: `wrap_up: 100ms, peer: registrar, password: "telephone-1001"`,
		SIP:      "registrar: {enabled: true, min_expires: 10s}",
	}
}

func (h *house) telephone(t *testing.T) *peers.Phone {
	t.Helper()
	addr := h.cfg.SIP.Listen[0].Addr
	return peers.BaresipAt(t, peers.Account{User: "1001", Password: "telephone-1001", Server: addr},
		peers.Softphone{ToneHz: 600})
}

// An agent's softphone registers here, is called, and takes a call. After a restart
// of the daemon it is registered still, without having done anything.
func TestTelephoneRegistersHere(t *testing.T) {
	t.Parallel()
	p := deskPlan(t, peers.Redis(t).URL())
	h := build(t, p)
	if err := loginError(h); err != nil {
		t.Fatal(err)
	}
	h.await("the agent waits for a telephone", func() bool { return strings.Contains(h.agent("a1001").Reason, "not registered") })
	h.telephone(t)
	s := h.agent("a1001")
	if len(s.Registered) != 1 || !strings.Contains(s.Registered[0].UserAgent, "baresip") || s.Registered[0].Transport != "udp" {
		t.Fatalf("%+v", s.Registered)
	}
	h.takesCall(t, 0)

	h.daemon.HangUp()
	h.quit()
	h.configure(p)
	h.start(p)
	if s := h.agent("a1001"); len(s.Registered) != 1 {
		t.Fatalf("after the restart: %+v", s.Registered)
	}
	all, err := h.daemon.Registrations(t.Context())
	if err != nil || len(all) != 1 || all[0].User != "1001" || all[0].Node != "test" {
		t.Errorf("%+v %v", all, err)
	}
	if err := loginError(h); err != nil {
		t.Fatal(err)
	}
	h.takesCall(t, 1)
}

func loginError(h *house) error {
	_, err := h.daemon.Login(h.t.Context(), "a1001")
	return err
}

// takesCall brings a customer to the agent who has logged in.
func (h *house) takesCall(t *testing.T, lead int) {
	t.Helper()
	h.await("the shift to begin", func() bool { s := h.state("a1001"); return s == api.AgentPaused || s == api.AgentReady })
	if _, err := h.daemon.Ready(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.load(lead, lead+1)
	if _, err := h.daemon.StartCampaign(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentTalking)
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	if recs := h.awaitRecords(lead + 1); recs[lead].Agent != "a1001" {
		t.Errorf("%+v", recs[lead])
	}
}

// A daemon that was killed has lost nobody: the next one calls the telephone that
// the first one registered.
func TestTelephoneOutlivesKill(t *testing.T) {
	t.Parallel()
	redis := peers.Redis(t)
	p := deskPlan(t, redis.URL())
	h := &house{t: t, dir: t.TempDir(), log: &logBuffer{}}
	h.openLab(p)
	h.configure(p)
	child := h.spawn()
	h.telephone(t)
	h.await("the contact in Redis", func() bool {
		n, err := redis.Command("HLEN", "{r:test}:contacts")
		return err == nil && n == ":1"
	})
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	h.start(p)
	if s := h.agent("a1001"); len(s.Registered) != 1 {
		t.Fatalf("%+v", s.Registered)
	}
	if err := loginError(h); err != nil {
		t.Fatal(err)
	}
	h.takesCall(t, 0)
}

// A reload that moves the agent to the PBX takes the telephone away.
func TestTelephoneIsTakenAway(t *testing.T) {
	t.Parallel()
	p := deskPlan(t, "")
	h := build(t, p)
	h.telephone(t)
	if n := len(h.agent("a1001").Registered); n != 1 {
		t.Fatalf("%d telephones", n)
	}
	p.AgentSet = `wrap_up: 100ms, peer: pbx`
	h.rewrite(p)
	if _, err := h.daemon.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := h.daemon.Registrations(t.Context())
	if err != nil || len(all) != 0 {
		t.Errorf("%+v %v", all, err)
	}
}

// A telephone that is registered over TCP dials in: its INVITE is challenged, and
// begins the agent's shift; the customer comes over the telephone's own connection.
func TestTelephoneDialsIn(t *testing.T) {
	t.Parallel()
	p := deskPlan(t, "")
	port := freePort(t)
	p.Listen = fmt.Sprintf(`, "tcp://127.0.0.1:%d"`, port)
	p.Global = `feature_codes: {login: "*11"}`
	h := build(t, p)
	at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port))
	phone := peers.BaresipAt(t, peers.Account{User: "1001", Password: "telephone-1001", Server: at, Transport: "tcp"}, peers.Softphone{ToneHz: 600})
	if r := h.agent("a1001").Registered; len(r) != 1 || r[0].Transport != "tcp" {
		t.Fatalf("%+v", r)
	}
	phone.Command(t, "dial", fmt.Sprintf("sip:*11@%s;transport=tcp", at))
	h.takesCall(t, 0)
	h.daemon.HangUp()
	h.quit() // while the telephone is there to be hung up
}
