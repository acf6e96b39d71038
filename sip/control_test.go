package sip

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	helper "github.com/emiago/sipgo"
	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/wire"
)

// The scenarios of control_call_test.go and control_server_test.go are played twice:
// against sipgo's own helpers, as the control, which has to show its fault (else the trap
// is gone, and with it the reason for code of ours), and against this package, which
// must not. The far side is scripted byte by byte.

// controlled is set, in the environment, in the process that a control runs in.
const controlled = "RINGPACE_TEST_CONTROL"

// control reports whether it is called in a process of the control's own; elsewhere it
// starts that, with the same test, and passes its verdict on. The helper leaves
// goroutines and sockets behind, which would not let this package's tests find leaks of
// its own, and the message limit is a variable of the process.
func control(t *testing.T) bool {
	t.Helper()
	if os.Getenv(controlled) != "" {
		return true
	}
	var name []string
	for part := range strings.SplitSeq(t.Name(), "/") {
		name = append(name, "^"+regexp.QuoteMeta(part)+"$")
	}
	var out []byte
	var err error
	for range 5 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+strings.Join(name, "/"), "-test.v")
		cmd.Env = append(os.Environ(), controlled+"=1")
		if out, err = cmd.CombinedOutput(); !bytes.Contains(out, []byte("WARNING: DATA RACE")) {
			break
		}
		// The helper has races of its own, which are not what is looked for.
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// caller is who places the call of a scenario.
type caller interface {
	begin()        // sends INVITE
	giveUp()       // cancels it, while it rings
	hangUp() error // ends the answered call
}

// absence is how long the control is watched for what it should do and does not.
const absence = 400 * time.Millisecond

// far is the peer with a patience that depends on who is tested.
type far struct {
	*peer
	caller
	wait time.Duration
}

// await returns the next message of a kind that fits, nil when none comes.
func (f *far) await(kind string, fits ...func(*message) bool) *message {
	deadline := time.After(f.wait)
	for {
		select {
		case m := <-f.in:
			if m.kind() == kind && !slices.ContainsFunc(fits, func(fit func(*message) bool) bool { return !fit(m) }) {
				return m
			}
		case <-deadline:
			return nil
		}
	}
}

// ours is this package as a caller.
type ours struct {
	t     *testing.T
	trunk *Trunk
	call  *Call
}

func (o *ours) begin() { o.call = place(o.t, o.trunk, Invite{RingTimeout: 3 * time.Second}) }
func (o *ours) giveUp() {
	o.call.Hangup(CauseNormal)
}

func (o *ours) hangUp() error {
	o.call.Hangup(CauseNormal)
	for ev := range o.call.Events() {
		if ended, ok := ev.(Ended); ok && ended.Err != nil {
			return ended.Err
		}
	}
	return nil
}

// theirs is sipgo's helper as a caller, used as its documentation says.
type theirs struct {
	t      *testing.T
	ua     *helper.UserAgent
	dialog helper.DialogUA
	to     sipgo.Uri

	session *helper.DialogClientSession
	cancel  context.CancelFunc
	phrases []string
	took    chan struct{} // a response of the setup was dealt with
	ended   chan error    // end of the setup
}

func newHelper(t *testing.T, p *peer, log *slog.Logger) *theirs {
	t.Helper()
	ua, err := helper.NewUA(helper.WithUserAgentTransactionLayerOptions(sipgo.WithTransactionLayerLogger(log)))
	if err != nil {
		t.Fatal(err)
	}
	at := wire.AddrPort(freeUDP(t)).String()
	far := mustAddr(p.addr)
	h := &theirs{t: t, ua: ua, to: sipgo.Uri{Scheme: "sip", User: "callee", Host: "127.0.0.1", Port: int(far.Port())}}
	mine := mustAddr(at)
	h.dialog = helper.DialogUA{Client: clientOf(t, ua, helper.WithClientAddr(at), helper.WithClientConnectionAddr(at)), ContactHDR: sipgo.ContactHeader{
		Address: sipgo.Uri{Scheme: "sip", User: "caller", Host: "127.0.0.1", Port: int(mine.Port())},
	}}
	remote := net.UDPAddrFromAddrPort(mine)
	p.redirect(remote)
	t.Cleanup(func() {
		if h.cancel != nil {
			h.cancel()
		}
		_ = ua.Close()
	})
	return h
}

// freeUDP returns an address that was free a moment ago.
func freeUDP(t *testing.T) net.Addr {
	t.Helper()
	c := boundUDP(t, "127.0.0.1")
	defer func() { _ = c.Close() }()
	return c.LocalAddr()
}

func (h *theirs) begin() {
	var ctx context.Context
	ctx, h.cancel = context.WithCancel(context.WithoutCancel(h.t.Context()))
	h.ended = make(chan error, 1)
	h.took = make(chan struct{}, 100)
	session, err := h.dialog.Invite(ctx, h.to, []byte(testOffer), sipgo.NewHeader("Content-Type", sdpType))
	if err != nil {
		h.t.Fatal(err)
	}
	h.session = session
	go func() {
		defer func() { // it does where it is cancelled while its agent is closed
			if fault := recover(); fault != nil {
				h.ended <- fmt.Errorf("sipgo panics: %v", fault)
			}
		}()
		err := session.WaitAnswer(ctx, helper.AnswerOptions{Username: "u", Password: "p", OnResponse: func(res *sipgo.Response) error {
			defer func() { h.took <- struct{}{} }()
			h.phrases = append(h.phrases, res.Reason)
			if rseq, ok := isReliable(res); ok {
				prack := sipgo.NewRequest(sipgo.PRACK, res.Contact().Address)
				prack.AppendHeader(sipgo.NewHeader("RAck", fmt.Sprintf("%d %d INVITE", rseq, res.CSeq().SeqNo)))
				_, err := session.Do(ctx, prack)
				return err
			}
			return nil
		}})
		if err == nil {
			err = session.Ack(ctx)
		}
		h.ended <- err
	}()
}

// giveUp follows a response, which the helper has to take before: it looks at its context
// only between responses.
func (h *theirs) giveUp() {
	receive(h.t, h.took, "response")
	h.cancel()
}

func (h *theirs) hangUp() error {
	<-h.ended
	ctx, cancel := context.WithTimeout(context.WithoutCancel(h.t.Context()), patience)
	defer cancel()
	return h.session.Bye(ctx)
}

// answering is sipgo's server behind a socket, with what it logs. prepare sets its
// handlers, stop ends it.
func answering(t *testing.T, socket net.PacketConn, log *slog.Logger, prepare func(*helper.UserAgent, *helper.Server)) (stop func()) {
	t.Helper()
	ua, err := helper.NewUA(helper.WithUserAgentTransportLayerOptions(sipgo.WithTransportLayerLogger(log)))
	if err != nil {
		t.Fatal(err)
	}
	server, err := helper.NewServer(ua, helper.WithServerLogger(log))
	if err != nil {
		t.Fatal(err)
	}
	prepare(ua, server)
	served := make(chan struct{})
	go func() { _ = server.ServeUDP(socket); close(served) }()
	return func() {
		_ = ua.Close()
		_ = socket.Close()
		<-served
	}
}

// clientOf is sipgo's client of a user agent.
func clientOf(t *testing.T, ua *helper.UserAgent, options ...helper.ClientOption) *helper.Client {
	t.Helper()
	c, err := helper.NewClient(ua, options...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// boundUDP is a socket bound to that address, with a free port.
func boundUDP(t *testing.T, host string) net.PacketConn {
	t.Helper()
	c, err := net.ListenPacket("udp4", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	return c
}
