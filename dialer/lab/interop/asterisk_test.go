package interop

import (
	"context"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/lab/peers"
	"ringpace/sip"
)

// run keeps a trunk registered until the test ends, and waits until it is.
func run(t *testing.T, trunk *sip.Trunk) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = trunk.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	eventually(t, "registered", func() bool {
		t.Log(trunk.Status())
		return trunk.Status().State == sip.StateRegistered
	})
}

// Asterisk as a carrier in all its manners: a registered trunk's calls ring, are
// answered, and are ended by either side.
func TestAsteriskAsTrunk(t *testing.T) {
	cases := map[string]struct {
		manners   peers.Manners
		policy    sip.Policy
		transport string
	}{
		"as it comes":  {peers.Manners{}, sip.Policy{}, "udp"},
		"over TCP":     {peers.Manners{}, sip.Policy{SessionExpires: 90 * time.Second}, "tcp"},
		"demanding":    {peers.Manners{Timers: "required", Reliable: "required"}, sip.Policy{SessionExpires: 5 * time.Minute}, "udp"},
		"always timed": {peers.Manners{Timers: "always", DirectMedia: true}, sip.Policy{Reliable: sip.ReliableRequired}, "udp"},
		"plain":        {peers.Manners{Timers: "no", Reliable: "no"}, sip.Policy{SessionExpires: 5 * time.Minute}, "udp"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			pbx := peers.AsteriskWith(t, peers.Plan{
				Default: peers.HangUp, Talk: 300 * time.Millisecond,
				Numbers: map[string]peers.Behaviour{"100": peers.EarlyMedia, "101": peers.Answer, "102": peers.RingOut},
			}, c.manners)
			trunk := newTrunk(t, newEndpoint(t, sip.Config{}), sip.TrunkConfig{
				Server: pbx.Addr().String(), Transport: c.transport, Register: true,
				Username: peers.TrunkUser, Password: peers.Password(peers.TrunkUser), Policy: c.policy,
			})
			run(t, trunk)

			early := place(t, trunk, sip.Invite{To: "100"})
			if p := next[sip.Progress](early); p.Status != 183 || early.session.Accept(p.Body) != nil {
				t.Errorf("early media: %+v", p)
			}
			if failed := next[sip.Failed](early); failed.Class != sip.Busy {
				t.Errorf("failed with %+v", failed)
			}
			ours := place(t, trunk, sip.Invite{To: "101"})
			next[sip.Answered](ours)
			ours.finish()

			given := place(t, trunk, sip.Invite{To: "102"})
			next[sip.Progress](given)
			given.Hangup(sip.CauseNormal)
			if failed := next[sip.Failed](given); failed.Class != sip.Cancelled {
				t.Errorf("failed with %+v", failed)
			}
			theirs := place(t, trunk, sip.Invite{To: "103"})
			next[sip.Answered](theirs)
			if ended := next[sip.Ended](theirs); ended.ByUs || ended.Q850 != 16 {
				t.Errorf("ended: %+v", ended)
			}
			if records := pbx.CDRs(t, peers.TrunkUser, 4); len(records) != 4 {
				t.Errorf("%d calls", len(records))
			}
		})
	}
}

// Asterisk as the PBX: an extension is rung and answers.
func TestAsteriskAsPBX(t *testing.T) {
	for _, direct := range []bool{false, true} {
		pbx := peers.AsteriskWith(t, peers.Plan{}, peers.Manners{DirectMedia: direct, Timers: "yes", Reliable: "yes"})
		phone := peers.Baresip(t, pbx, peers.Softphone{})
		trunk := newTrunk(t, newEndpoint(t, sip.Config{}), sip.TrunkConfig{
			Server: pbx.Addr().String(), Register: true, Username: peers.PBXUser, Password: peers.Password(peers.PBXUser),
			Policy: sip.Policy{SessionExpires: 90 * time.Second},
		})
		run(t, trunk)
		c := place(t, trunk, sip.Invite{To: peers.Extension})
		if err := c.session.Accept(next[sip.Answered](c).Body); err != nil {
			t.Fatal(err)
		}
		// Asterisk holds its caller's leg up to the end, also when it sends it elsewhere.
		phone.Await(t, "callstat", "ESTABLISHED")
		c.finish()
		if records := pbx.CDRs(t, peers.PBXUser, 1); records[0].Disposition != "ANSWERED" {
			t.Errorf("Asterisk's record says %+v", records[0])
		}
	}
}

// Over TLS with certificates on both sides; and what is said when they are not right.
func TestAsteriskOverTLS(t *testing.T) {
	ca, stranger := peers.NewCA(t), peers.NewCA(t)
	ours := ca.Certify(t, time.Hour, "ringpace.example")
	serve := func(t *testing.T, certificate peers.Certificate) *peers.PBX {
		return peers.AsteriskWith(t, peers.Plan{Default: peers.Answer}, peers.Manners{Certificate: certificate, CAFile: ca.File})
	}
	trunkTo := func(t *testing.T, pbx *peers.PBX, roots string) *sip.Trunk {
		return newTrunk(t, newEndpoint(t, sip.Config{}), sip.TrunkConfig{
			Server: pbx.SecureAddr().String(), Transport: "tls", Register: true,
			Username: peers.TrunkUser, Password: peers.Password(peers.TrunkUser),
			TLS: sip.TrunkTLS{CAFile: roots, CertFile: ours.CertFile, KeyFile: ours.KeyFile},
		})
	}
	t.Run("trusted", func(t *testing.T) {
		trunk := trunkTo(t, serve(t, ca.Certify(t, time.Hour, "127.0.0.1")), ca.File)
		run(t, trunk)
		c := place(t, trunk, sip.Invite{})
		next[sip.Answered](c)
		c.finish()
	})
	for name, c := range map[string]struct {
		certificate peers.Certificate
		roots       string
		reason      string
	}{
		"unknown authority":   {ca.Certify(t, time.Hour, "127.0.0.1"), stranger.File, "authority"},
		"expired":             {ca.Certify(t, -time.Hour, "127.0.0.1"), ca.File, "expired"},
		"somebody else's key": {ca.Certify(t, time.Hour, "192.0.2.1"), ca.File, "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			trunk := trunkTo(t, serve(t, c.certificate), c.roots)
			ctx, stop := context.WithCancel(context.Background())
			done := make(chan struct{})
			go func() { defer close(done); _ = trunk.Run(ctx) }()
			defer func() { stop(); <-done }()
			eventually(t, "a plain message", func() bool {
				status := trunk.Status()
				return !status.Usable && strings.Contains(status.Reason, c.reason)
			})
		})
	}
}

// Two proxies record-route every call, each with a change of transport: four
// Record-Routes, which BYE, re-INVITE and the ACKs must follow in both directions.
func TestKamailioInBetween(t *testing.T) {
	for name, transports := range map[string][2]string{
		"UDP":             {"udp", "udp"},
		"UDP to TCP":      {"udp", "tcp"},
		"TCP to UDP":      {"tcp", "udp"},
		"TCP all the way": {"tcp", "tcp"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			far := peers.Play(t, peers.Script{Transport: transports[1], Steps: steps(
				peers.Await("INVITE", "Record-Route: .*\r\nRecord-Route: |Record-Route: .*,"),
				reliably("183 Session Progress", peers.Session(), "1"), answer,
				resend(1, peers.Session("a=sendonly"), "a=recvonly"), resend(2, peers.Session()), end)})
			inner := peers.Kamailio(t, peers.Relay{Next: far.Addr(), NextTransport: transports[1]})
			outer := peers.Kamailio(t, peers.Relay{Next: inner.Addr(), NextTransport: other(transports[0])})
			trunk := newTrunk(t, newEndpoint(t, sip.Config{}), sip.TrunkConfig{Server: outer.Addr().String(), Transport: transports[0]})
			c := place(t, trunk, sip.Invite{})
			if err := c.session.Accept(next[sip.Answered](c).Body); err != nil {
				t.Fatal(err)
			}
			eventually(t, "both re-INVITEs and their ACKs", func() bool { // SIPp's own log may lag behind
				parts := strings.Split(outer.Log(t), "in dialog: INVITE ")
				return len(parts) > 2 && strings.Contains(parts[len(parts)-1], "in dialog: ACK ")
			})
			c.finish()
			far.Finish(t)
			for _, proxy := range []*peers.Proxy{outer, inner} {
				log := proxy.Log(t)
				if !strings.Contains(log, "in dialog: BYE") || strings.Contains(log, "NO ROUTE") {
					t.Errorf("a proxy says:\n%s", log)
				}
			}
		})
	}
}

func other(transport string) string {
	if transport == "udp" {
		return "tcp"
	}
	return "udp"
}

// A call comes in through both proxies, and is ended by its caller.
func TestKamailioTowardsUs(t *testing.T) {
	e := newEndpoint(t, sip.Config{Invite: func(in *sip.Incoming) { take(t, in) }})
	addr, _ := e.Addr("tcp")
	inner := peers.Kamailio(t, peers.Relay{Next: addr, NextTransport: "tcp"})
	outer := peers.Kamailio(t, peers.Relay{Next: inner.Addr(), NextTransport: "udp"})
	peers.Play(t, peers.Script{To: outer.Addr(), Steps: []peers.Step{
		peers.Send("INVITE", callee, 1, peers.Session()), peers.AwaitStatus(180), peers.AwaitStatus(200),
		peers.Send("ACK", "[next_url]", 1, ""), peers.Send("BYE", "[next_url]", 2, ""), peers.AwaitStatus(200),
	}}).Finish(t)
}
