package dialer

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"ringpace/sip"
)

// sipPair is two endpoints, of which the first calls the second by the trunk.
func sipPair(t *testing.T, invite func(*sip.Incoming)) *sip.Trunk {
	t.Helper()
	var at [2]*sip.Endpoint
	for i, f := range []func(*sip.Incoming){nil, invite} {
		e, err := sip.NewEndpoint(sip.Config{Listen: []sip.Listen{{Transport: "udp", Addr: netip.MustParseAddrPort("127.0.0.1:0")}}, Invite: f})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if err := e.Close(ctx); err != nil {
				t.Error(err)
			}
		})
		at[i] = e
	}
	to, _ := at[1].Addr("udp")
	trunk, err := sip.NewTrunk(at[0], sip.TrunkConfig{Name: "there", Server: to.String(), Identity: sip.Identity{CallerIDs: []string{"+4930999"}}})
	if err != nil {
		t.Fatal(err)
	}
	return trunk
}

// A transfer that a telephone asks for right after its ACK, before anybody has looked for
// that, is left for the leg's owner to decide.
func TestTransferRightAfterTheACKIsKept(t *testing.T) {
	const description = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\n"
	legs := make(chan *leg, 1)
	trunk := sipPair(t, func(in *sip.Incoming) {
		if call, err := in.Answer([]byte(description), nil); err == nil {
			legs <- &leg{call: call}
		}
	})
	phone, err := trunk.Invite(t.Context(), sip.Invite{To: "+4930123456", CallerID: "+4930999", Offer: []byte(description), RingTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	referred := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go func() {
		for ev := range phone.Events() {
			if _, is := ev.(sip.Answered); is {
				referred <- phone.Refer(ctx, "1003", nil)
				return
			}
		}
		referred <- sip.ErrEnded
	}()
	l := <-legs
	for len(l.call.Events()) == 0 && ctx.Err() == nil {
		select {
		case err := <-referred:
			t.Fatal("nobody was asked:", err)
		case <-time.After(time.Millisecond):
		}
	}
	for range 50 { // which of two is looked at first is a matter of luck
		if err := l.confirmed(false); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case ev := <-l.call.Events():
		r, is := ev.(sip.Referred)
		if !is {
			t.Fatalf("%T %+v", ev, ev)
		}
		if err := r.Accept(); err != nil {
			t.Error(err)
		}
	default:
		t.Fatal("the transfer is gone")
	}
	if err := <-referred; err != nil {
		t.Error(err)
	}
	l.call.Hangup(sip.CauseNormal)
	<-l.call.Done()
	<-phone.Done()
}
