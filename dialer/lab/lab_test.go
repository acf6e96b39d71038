package lab

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ringpace/media"
	"ringpace/sip"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	officialNumber = "+18005550199"
	calledNumber   = "+12125550123"
)

// patience bounds every wait of these tests.
const patience = 20 * time.Second

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// caller is what the daemon is to the lab: an endpoint with media.
type caller struct {
	endpoint *sip.Endpoint
	engine   *media.Engine
}

func newCaller(t *testing.T) *caller {
	t.Helper()
	engine, err := loopbackEngine(loopback, nil)
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := sip.NewEndpoint(sip.Config{Listen: []sip.Listen{{Transport: "udp", Addr: netip.AddrPortFrom(loopback, 0)}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := endpoint.Close(deadline(t)); err != nil {
			t.Error(err)
		}
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return &caller{endpoint: endpoint, engine: engine}
}

// trunk runs a trunk until the test ends.
func (c *caller) trunk(t *testing.T, cfg sip.TrunkConfig) *sip.Trunk {
	t.Helper()
	trunk, err := sip.NewTrunk(c.endpoint, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := trunk.Run(ctx); err != nil && ctx.Err() == nil {
			t.Errorf("trunk: %v", err)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return trunk
}

// leg is one call of the caller's with its media.
type leg struct {
	t       *testing.T
	call    *sip.Call
	session *media.Session
	ear     *ear
	early   bool // there was SDP before the answer
}

func (c *caller) dial(t *testing.T, trunk *sip.Trunk, to, callerID string, ring time.Duration) *leg {
	t.Helper()
	session, err := c.engine.NewSession(media.SessionConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(session.Close)
	l := &leg{t: t, session: session, ear: newEar()}
	session.AddTap(l.ear)
	l.call, err = trunk.Invite(deadline(t), sip.Invite{
		ID: "01TEST" + to[len(to)-4:], To: to, CallerID: callerID, Offer: session.Offer(), RingTimeout: ring,
		OnOffer: answering(session),
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// final follows the call up to its final response.
func (l *leg) final() sip.Event {
	l.t.Helper()
	ctx := deadline(l.t)
	for {
		select {
		case event, ok := <-l.call.Events():
			if !ok {
				l.t.Fatal("the call's events ended without a final response")
			}
			switch e := event.(type) {
			case sip.Progress:
				if len(e.Body) > 0 {
					l.early = true
					l.accept(e.Body)
				}
			case sip.Answered:
				l.accept(e.Body)
				return e
			case sip.Failed:
				return e
			}
		case <-ctx.Done():
			l.t.Fatal("no final response")
		}
	}
}

func (l *leg) accept(sdp []byte) {
	l.t.Helper()
	if err := l.session.Accept(sdp); err != nil {
		l.t.Fatalf("answer not accepted: %v\n%s", err, sdp)
	}
}

// answered fails the test unless the call is answered.
func (l *leg) answered() {
	l.t.Helper()
	event := l.final()
	if _, ok := event.(sip.Answered); !ok {
		l.t.Fatalf("not answered: %+v", event)
	}
}

// failed fails the test unless the call fails, and returns how.
func (l *leg) failed() sip.Failed {
	l.t.Helper()
	e, ok := l.final().(sip.Failed)
	if !ok {
		l.t.Fatal("answered")
	}
	return e
}

// ended waits for the end of an answered call.
func (l *leg) ended() sip.Ended {
	l.t.Helper()
	ctx := deadline(l.t)
	for {
		select {
		case event, ok := <-l.call.Events():
			if e, is := event.(sip.Ended); is {
				return e
			}
			if !ok {
				l.t.Fatal("the call's events ended without an end")
			}
		case <-ctx.Done():
			l.t.Fatal("the call does not end")
		}
	}
}

// wait fails the test unless the channel is closed in time.
func wait(t *testing.T, ch <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
	}
}
