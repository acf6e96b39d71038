package interop

import (
	"testing"

	"ringpace/dialer/lab/peers"
	"ringpace/sip"
)

// called is an endpoint that answers what comes, and a SIPp that calls it.
func called(t *testing.T, transport string, handle func(*testing.T, *sip.Incoming), script ...peers.Step) *peers.Player {
	t.Helper()
	return calledWith(t, sip.Config{}, transport, handle, script...)
}

// calledWith is called, with an endpoint of that configuration.
func calledWith(t *testing.T, cfg sip.Config, transport string, handle func(*testing.T, *sip.Incoming), script ...peers.Step) *peers.Player {
	t.Helper()
	cfg.Invite = func(in *sip.Incoming) { handle(t, in) }
	e := newEndpoint(t, cfg)
	addr, _ := e.Addr(transport)
	return peers.Play(t, peers.Script{Steps: script, To: addr, Transport: transport})
}

// take answers a call and lets it come to its end.
func take(t *testing.T, in *sip.Incoming) {
	session := newSession(t)
	if err := in.Ring(180, nil); err != nil {
		t.Errorf("ringing: %v", err)
	}
	body := session.Offer()
	if in.Offer() != nil {
		var err error
		if body, err = session.Answer(in.Offer()); err != nil {
			t.Errorf("the offer: %v", err)
		}
	}
	c, err := in.Answer(body, answerWith(session))
	if err != nil {
		t.Errorf("answer: %v", err)
		return
	}
	for {
		select {
		case _, ok := <-c.Events():
			if !ok {
				return
			}
		case <-t.Context().Done():
			c.Hangup(sip.CauseNormal)
			return
		}
	}
}

const callee = "sip:callee@[remote_ip]:[remote_port]"

func TestIncomingCalls(t *testing.T) {
	cases := map[string][]peers.Step{
		"with an offer": {
			peers.Send("INVITE", callee, 1, peers.Session()), peers.AwaitStatus(180), peers.AwaitStatus(200, "a=rtpmap:8 PCMA/8000"),
			peers.Send("ACK", "[next_url]", 1, ""), peers.Send("BYE", "[next_url]", 2, ""), peers.AwaitStatus(200),
		},
		"without an offer": {
			peers.Send("INVITE", callee, 1, ""), peers.AwaitStatus(180), peers.AwaitStatus(200, "m=audio"),
			peers.Send("ACK", "[next_url]", 1, peers.Session()), peers.Send("BYE", "[next_url]", 2, ""), peers.AwaitStatus(200),
		},
	}
	for name, script := range cases {
		for _, transport := range []string{"udp", "tcp"} {
			t.Run(name+" over "+transport, func(t *testing.T) {
				t.Parallel()
				called(t, transport, take, script...).Finish(t)
			})
		}
	}
}

// What we do not take, and how we say so.
func TestIncomingRefused(t *testing.T) {
	reject := func(_ *testing.T, in *sip.Incoming) { in.Reject(480, "") }
	ack := peers.Send("ACK", callee, 1, "")
	cases := map[string][]peers.Step{
		"extension": {
			peers.Send("INVITE", callee, 1, peers.Session(), "Require: teleportation"), peers.AwaitStatus(420, "Unsupported: teleportation"), ack,
		},
		"not there":          {peers.Send("INVITE", callee, 1, peers.Session()), peers.AwaitStatus(480), ack},
		"no such dialog":     {peers.Send("BYE", callee, 1, ""), peers.AwaitStatus(481)},
		"no subscriptions":   {peers.Send("SUBSCRIBE", callee, 1, "", "Event: presence"), peers.AwaitStatus(405, "Allow: .*INVITE")},
		"never heard of":     {peers.Send("FROBNICATE", callee, 1, ""), peers.AwaitStatus(501)},
		"are you there":      {peers.Send("OPTIONS", callee, 1, ""), peers.AwaitStatus(200, "Allow: .*INVITE", "Accept: application/sdp")},
		"wrong scheme":       {peers.Send("OPTIONS", "mailto:callee@[remote_ip]", 1, ""), peers.AwaitStatus(416)},
		"no registrar here":  {peers.Send("REGISTER", "sip:[remote_ip]", 1, ""), peers.AwaitStatus(403)},
		"spirals for ever":   {peers.Send("OPTIONS", callee, 1, "", "Max-Forwards: 70"), peers.AwaitStatus(400)}, // it has two
		"no way to speak so": {peers.Send("INVITE", callee, 1, peers.Session(), "Accept: text/html"), peers.AwaitStatus(406), ack},
	}
	for name, script := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			called(t, "udp", reject, script...).Finish(t)
		})
	}
}

// The caller gives up while it rings.
func TestIncomingCancelled(t *testing.T) {
	gone := make(chan struct{})
	ring := func(t *testing.T, in *sip.Incoming) {
		if err := in.Ring(180, nil); err != nil {
			t.Error(err)
		}
		select {
		case <-in.Cancelled():
			close(gone)
		case <-t.Context().Done():
		}
	}
	cancel := peers.Step(`<send retrans="500"><![CDATA[

CANCEL sip:callee@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];rport;branch=[branch-3]
From: <sip:phone@[local_ip]>;tag=[pid]t[call_number]
To: <sip:callee@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 CANCEL
Max-Forwards: 70
Content-Length: 0

]]></send>
`)
	called(t, "udp", ring, peers.Send("INVITE", callee, 1, peers.Session()), peers.AwaitStatus(180), cancel,
		peers.AwaitStatus(200), peers.AwaitStatus(487), peers.Send("ACK", callee, 1, "")).Finish(t)
	<-gone
}
