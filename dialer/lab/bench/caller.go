package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"ringpace/dialer"
	"ringpace/dialer/lab/roles"
	"ringpace/sip"
	"ringpace/sip/defence"
)

// offer is the session description of every call. Nothing listens there.
var offer = []byte("v=0\r\no=ringpace 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" +
	"m=audio 9 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n" +
	"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n")

// beCaller is a process that calls: an endpoint, a trunk, and what follows here.
func beCaller(listen, server, profile string) (err error) {
	dialer.TuneRuntime() // as the daemon does
	stop, err := roles.Profile(profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	addr, err := netip.ParseAddrPort(listen)
	if err != nil {
		return err
	}
	guard, err := defence.New(defence.Default(), nil)
	if err != nil {
		return err
	}
	endpoint, err := sip.NewEndpoint(sip.Config{Defence: guard, Listen: []sip.Listen{{Transport: "udp", Addr: addr}}})
	if err != nil {
		return err
	}
	trunk, err := sip.NewTrunk(endpoint, sip.TrunkConfig{
		Name: "carrier", Server: server, Username: "bench",
		Identity: sip.Identity{CallerIDs: []string{"+493018180"}},
	})
	if err != nil {
		return err
	}
	err = obey(func(o order) answer { return call(trunk, o) })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return errors.Join(err, endpoint.Close(ctx))
}

// call makes the calls of one order, those that are due at each tick, and waits for
// their ends.
func call(trunk *sip.Trunk, o order) answer {
	a := answer{Calls: o.Calls, Why: reasons{}}
	if o.Calls <= 0 {
		return a
	}
	var (
		mu    sync.Mutex
		calls sync.WaitGroup
	)
	used := roles.CPU()
	a.Took = pour(o, func() {
		calls.Go(func() {
			if err := one(trunk, o.Hold); err != nil {
				mu.Lock()
				defer mu.Unlock()
				a.Failed++
				a.Why[err.Error()]++
			}
		})
	})
	calls.Wait()
	a.CPU = roles.CPU() - used
	return a
}

// pour begins the calls of an order, and returns how long that took.
func pour(o order, start func()) time.Duration {
	begin := time.Now()
	clock := time.NewTicker(o.Tick)
	defer clock.Stop()
	for begun := 0; ; {
		due := min(o.Calls, 1+int(time.Since(begin).Seconds()*float64(o.Rate)))
		for ; begun < due; begun++ {
			start()
		}
		if begun == o.Calls {
			return time.Since(begin)
		}
		<-clock.C
	}
}

// one makes one call, from INVITE to the end of BYE.
func one(trunk *sip.Trunk, hold time.Duration) error {
	c, err := trunk.Invite(context.Background(), sip.Invite{
		To: "+4930123456", CallerID: "+493018180", Offer: offer, RingTimeout: 20 * time.Second,
	})
	if err != nil {
		return err
	}
	answered := false
	for ev := range c.Events() {
		switch ev := ev.(type) {
		case sip.Answered:
			answered = true
			time.AfterFunc(hold, func() { c.Hangup(sip.CauseNormal) })
		case sip.Failed:
			return fmt.Errorf("%d %s (%s) %v", ev.Status, ev.Phrase, ev.Class, ev.Err)
		case sip.Ended:
			if !ev.ByUs || ev.Err != nil {
				err = fmt.Errorf("ended by us: %t, %v", ev.ByUs, ev.Err)
			}
		}
	}
	if !answered {
		return errors.New("never answered")
	}
	return err
}
