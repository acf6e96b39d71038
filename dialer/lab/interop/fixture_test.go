// Package interop holds the tests of signalling against other people's programs:
// SIPp, Asterisk, Kamailio, baresip, linphone and sipsak.
package interop

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ringpace/dialer/lab/peers"
	"ringpace/media"
	"ringpace/sip"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait; it is only reached when a test fails.
const patience = 30 * time.Second

var loopback = netip.MustParseAddr("127.0.0.1")

// newEndpoint opens an endpoint on loopback, UDP and TCP.
func newEndpoint(t *testing.T, cfg sip.Config) *sip.Endpoint {
	t.Helper()
	for _, transport := range []string{"udp", "tcp"} {
		cfg.Listen = append(cfg.Listen, sip.Listen{Transport: transport, Addr: netip.AddrPortFrom(loopback, 0)})
	}
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	e, err := sip.NewEndpoint(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeEndpoint(t, e) })
	return e
}

// closeEndpoint closes an endpoint, which may have been done before: a peer that is
// gone by the test's end does not answer what is under way to it.
func closeEndpoint(t *testing.T, e *sip.Endpoint) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := e.Close(ctx); err != nil && !t.Failed() {
		t.Errorf("the endpoint does not close: %v", err)
	}
}

// newTrunk is a trunk without registration.
func newTrunk(t *testing.T, e *sip.Endpoint, cfg sip.TrunkConfig) *sip.Trunk {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "carrier"
	}
	if cfg.Username == "" {
		cfg.Username = "trunk"
	}
	trunk, err := sip.NewTrunk(e, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return trunk
}

// newSession is a media session that never hears anything.
func newSession(t *testing.T) *media.Session {
	t.Helper()
	engine, err := media.NewEngine(media.Config{Addr: loopback, PortMin: 30000, PortMax: 31999})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	session, err := engine.NewSession(media.SessionConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(session.Close)
	return session
}

// call is a call with its media, and what happened to it so far.
type call struct {
	*sip.Call
	t       *testing.T
	session *media.Session
}

// place calls a number with a session's offer.
func place(t *testing.T, trunk *sip.Trunk, invite sip.Invite) *call {
	t.Helper()
	session := newSession(t)
	if invite.To == "" {
		invite.To = "+4930123456"
	}
	invite.Offer = session.Offer()
	invite.OnLateOffer = session.Answer
	invite.RingTimeout = patience
	invite.OnOffer = answerWith(session)
	c, err := trunk.Invite(t.Context(), invite)
	if err != nil {
		t.Fatal(err)
	}
	return &call{c, t, session}
}

// answerWith lets a session answer offers, and make those that are asked for.
func answerWith(session *media.Session) sip.OnOffer {
	return func(offer []byte) ([]byte, error) {
		if offer == nil {
			return session.Offer(), nil
		}
		return session.Answer(offer)
	}
}

// next returns the call's next event of that type. Other events in between fail the
// test, but for Progress.
func next[E sip.Event](c *call) E {
	c.t.Helper()
	for {
		select {
		case ev, ok := <-c.Events():
			if !ok {
				c.t.Fatalf("the call is over, want %T", *new(E))
			}
			if want, ok := ev.(E); ok {
				return want
			}
			if _, ok := ev.(sip.Progress); !ok {
				c.t.Fatalf("event %T %+v, want %T", ev, ev, *new(E))
			}
		case <-time.After(patience):
			c.t.Fatalf("no event, want %T", *new(E))
		}
	}
}

// finish hangs up and waits for the end.
func (c *call) finish() {
	c.t.Helper()
	c.Hangup(sip.CauseNormal)
	if ended := next[sip.Ended](c); !ended.ByUs || ended.Err != nil {
		c.t.Errorf("ended: %+v", ended)
	}
}

// script starts a SIPp and a trunk to it.
func script(t *testing.T, cfg sip.TrunkConfig, steps ...peers.Step) (*sip.Trunk, *peers.Player) {
	t.Helper()
	player := peers.Play(t, peers.Script{Steps: steps, Transport: cfg.Transport})
	cfg.Server = player.Addr().String()
	return newTrunk(t, newEndpoint(t, sip.Config{}), cfg), player
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not in time: %s", what)
		}
	}
}
