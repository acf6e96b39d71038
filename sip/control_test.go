package sip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	helper "github.com/emiago/sipgo"
	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/wire"
)

// The scenarios of this file are played twice: against sipgo's own dialog helper, as the
// control, which has to show its fault (else the trap is gone, and with it the reason
// for code of ours), and against this package, which must not. The far side is
// scripted byte by byte.

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

func tagged(tag string) func(*message) bool {
	return func(m *message) bool { return m.param("To", "tag") == tag }
}

const reliable183 = "Require: 100rel\r\nRSeq: 1"

// scenarios return what is wrong, "" for nothing.
var scenarios = []struct {
	name string
	play func(f *far) string
}{
	{"200 crosses our CANCEL", func(f *far) string {
		f.begin()
		invite := f.expect("INVITE")
		f.respond(invite, "180 Ringing", "a", "")
		f.giveUp()
		cancel := f.takeKind("CANCEL")
		f.respond(invite, "200 OK", "a", testAnswer)
		f.respond(cancel, "200 OK", "a", "")
		if f.await("ACK") == nil {
			return "no ACK"
		}
		bye := f.await("BYE")
		if bye == nil {
			return "no BYE: a ghost call"
		}
		f.respond(bye, "200 OK", "", "")
		return ""
	}},
	{"second 2xx of a fork", func(f *far) string {
		f.begin()
		invite := f.expect("INVITE")
		f.respond(invite, "200 OK", "a", testAnswer)
		f.takeKind("ACK")
		f.respond(invite, "200 OK", "b", testAnswer)
		if f.await("ACK", tagged("b")) == nil {
			return "no ACK with the second To tag"
		}
		bye := f.await("BYE", tagged("b"))
		if bye == nil {
			return "the second call is never ended"
		}
		f.respond(bye, "200 OK", "", "")
		return ""
	}},
	{"ACK after PRACK", func(f *far) string {
		f.begin()
		invite := f.expect("INVITE")
		f.respond(invite, "183 Session Progress", "a", testAnswer, reliable183)
		f.respond(f.takeKind("PRACK"), "200 OK", "", "")
		f.respond(invite, "200 OK", "a", testAnswer)
		if ack := f.takeKind("ACK"); ack.seq() != invite.seq() {
			return fmt.Sprintf("ACK has CSeq %d, the INVITE %d", ack.seq(), invite.seq())
		}
		return ""
	}},
	{"CANCEL after PRACK", func(f *far) string {
		f.begin()
		invite := f.expect("INVITE")
		f.respond(invite, "183 Session Progress", "a", testAnswer, reliable183, "Record-Route: <sip:"+f.addr+";lr>")
		f.respond(f.takeKind("PRACK"), "200 OK", "", "")
		f.giveUp()
		cancel := f.takeKind("CANCEL")
		f.respond(cancel, "200 OK", "", "")
		f.respond(invite, "487 Request Terminated", "a", "")
		switch {
		case cancel.seq() != invite.seq():
			return fmt.Sprintf("CANCEL has CSeq %d, the INVITE %d", cancel.seq(), invite.seq())
		case cancel.get("Route") != "":
			return "CANCEL has a Route that the INVITE has not"
		case cancel.get("Contact") != "":
			return "CANCEL has a Contact"
		}
		return ""
	}},
	{"more than ten responses", func(f *far) string {
		f.begin()
		invite := f.expect("INVITE")
		pace := time.NewTicker(5 * time.Millisecond) // too close on each other sipgo loses some
		defer pace.Stop()
		for range 30 {
			<-pace.C
			f.respond(invite, "180 Ringing", "a", "")
		}
		f.respond(invite, "200 OK", "a", testAnswer)
		if f.await("ACK") == nil {
			return "the answer gets no ACK"
		}
		return ""
	}},
	{"BYE is challenged", func(f *far) string {
		f.begin()
		invite := f.expect("INVITE")
		f.respond(invite, "200 OK", "a", testAnswer)
		f.takeKind("ACK")
		ended := make(chan error, 1)
		go func() { ended <- f.hangUp() }()
		bye := f.takeKind("BYE")
		f.respond(bye, "100 Trying", "", "")
		f.respond(bye, "407 Proxy Authentication Required", "", "", `Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth"`)
		again := f.await("BYE", func(m *message) bool { return m.get("Proxy-Authorization") != "" })
		if again == nil {
			return fmt.Sprintf("no BYE with credentials: %v", <-ended)
		}
		f.respond(again, "200 OK", "", "")
		if err := <-ended; err != nil {
			return err.Error()
		}
		return ""
	}},
	{"BYE to a dialog that is gone", func(f *far) string {
		f.begin()
		f.respond(f.expect("INVITE"), "200 OK", "a", testAnswer)
		f.takeKind("ACK")
		ended := make(chan error, 1)
		go func() { ended <- f.hangUp() }()
		f.respond(f.takeKind("BYE"), "481 Call/Transaction Does Not Exist", "", "")
		if err := <-ended; err != nil {
			return err.Error()
		}
		return ""
	}},
	{"a proceeding INVITE lives for ever", func(f *far) string {
		f.begin()
		f.respond(f.expect("INVITE"), "180 Ringing", "a", "")
		f.wait += 65 * sipgo.T1 // longer than any timer of the transaction
		cancel := f.await("CANCEL")
		if cancel == nil {
			return "it rings on"
		}
		f.respond(cancel, "200 OK", "", "")
		return ""
	}},
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
	ended   chan error // end of the setup
}

func newHelper(t *testing.T, p *peer, log *slog.Logger) *theirs {
	t.Helper()
	ua, err := helper.NewUA(helper.WithUserAgentTransactionLayerOptions(sipgo.WithTransactionLayerLogger(log)))
	if err != nil {
		t.Fatal(err)
	}
	at := wire.AddrPort(freeUDP(t)).String()
	client, err := helper.NewClient(ua, helper.WithClientAddr(at), helper.WithClientConnectionAddr(at))
	if err != nil {
		t.Fatal(err)
	}
	far := mustAddr(p.addr)
	h := &theirs{t: t, ua: ua, to: sipgo.Uri{Scheme: "sip", User: "callee", Host: "127.0.0.1", Port: int(far.Port())}}
	mine := mustAddr(at)
	h.dialog = helper.DialogUA{Client: client, ContactHDR: sipgo.ContactHeader{
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
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	return c.LocalAddr()
}

func (h *theirs) begin() {
	var ctx context.Context
	ctx, h.cancel = context.WithCancel(context.WithoutCancel(h.t.Context()))
	h.ended = make(chan error, 1)
	session, err := h.dialog.Invite(ctx, h.to, []byte(testOffer), sipgo.NewHeader("Content-Type", sdpType))
	if err != nil {
		h.t.Fatal(err)
	}
	h.session = session
	go func() {
		err := session.WaitAnswer(ctx, helper.AnswerOptions{Username: "u", Password: "p", OnResponse: func(res *sipgo.Response) error {
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

func (h *theirs) giveUp() {
	// The helper looks at its context only between responses: let it take the last.
	time.Sleep(50 * time.Millisecond)
	h.cancel()
}

func (h *theirs) hangUp() error {
	<-h.ended
	ctx, cancel := context.WithTimeout(context.WithoutCancel(h.t.Context()), patience)
	defer cancel()
	return h.session.Bye(ctx)
}

// redirect sends what the peer sends from now on elsewhere.
func (p *peer) redirect(to *net.UDPAddr) {
	p.writer = func(raw string) {
		if _, err := p.conn.WriteTo([]byte(raw), to); err != nil {
			p.t.Error(err)
		}
	}
}

func TestTraps(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			t.Run("sipgo's helper", func(t *testing.T) {
				t.Parallel()
				if !control(t) {
					return
				}
				p := newPeer(t, "127.0.0.1:9")
				fault := s.play(&far{p, newHelper(t, p, slog.New(slog.DiscardHandler)), absence})
				if fault == "" {
					t.Error("the fault is gone")
				}
				t.Log(fault)
			})
			t.Run("ours", func(t *testing.T) {
				t.Parallel()
				trunk, p := script(t, TrunkConfig{Username: "u", Password: "p"})
				if fault := s.play(&far{p, &ours{t: t, trunk: trunk}, patience}); fault != "" {
					t.Error(fault)
				}
			})
		})
	}
}

// Every message has a goroutine of its own in sipgo: what follows close on each other
// comes mixed up, or not at all, before a 200. Ours: TestProvisionalOrder.
func TestProvisionalOrderOfHelper(t *testing.T) {
	t.Parallel()
	if !control(t) {
		return
	}
	want := []string{"0", "1", "2", "3", "4", "5", "6", "7", "OK"}
	for range 300 {
		p := newPeer(t, "127.0.0.1:9")
		h := newHelper(t, p, slog.New(slog.DiscardHandler))
		h.begin()
		invite := p.expect("INVITE")
		for _, phrase := range want[:8] {
			p.respond(invite, "183 "+phrase, "a", testAnswer)
		}
		p.respond(invite, "200 OK", "a", testAnswer)
		if err := receive(t, h.ended, "end"); err != nil {
			return // lost altogether
		}
		mixed := !slices.Equal(h.phrases, want)
		_ = h.ua.Close()
		if mixed {
			t.Logf("came as %q", h.phrases)
			return
		}
	}
	t.Error("the fault is gone")
}

// A failure that comes again is an error line each in sipgo.
func TestRetransmittedFailureOfHelper(t *testing.T) {
	t.Parallel()
	if !control(t) {
		return
	}
	lines := make(chan string, 100)
	p := newPeer(t, "127.0.0.1:9")
	h := newHelper(t, p, logTo(lines))
	h.begin()
	invite := p.expect("INVITE")
	p.respond(invite, "486 Busy Here", "a", "")
	p.takeKind("ACK")
	receive(t, h.ended, "end")
	p.respond(invite, "486 Busy Here", "a", "")
	p.takeKind("ACK")
	t.Log(receive(t, lines, "line: the fault is gone"))
}

// Ours counts it and logs nothing.
func TestRetransmittedFailureIsQuiet(t *testing.T) {
	t.Parallel()
	lines := make(chan string, 100)
	e := newEndpoint(t, Config{Logger: logTo(lines)})
	p := newPeer(t, addrOf(t, e, "udp"))
	call := place(t, newTrunk(t, e, TrunkConfig{Server: p.addr}), Invite{})
	invite := p.expect("INVITE")
	p.respond(invite, "486 Busy Here", "a", "")
	p.takeKind("ACK")
	next[Failed](t, call)
	p.respond(invite, "486 Busy Here", "a", "")
	p.takeKind("ACK")
	eventually(t, "counted", func() bool { return e.Stats().Retransmitted == 1 })
	if len(lines) > 0 {
		t.Errorf("logged %s", <-lines)
	}
}

// sipgo's server session sends its 200 again at T1 and then, instead of doubling, every
// T2: a lost one costs a call seconds of silence. Ours: TestAnswerWithoutACK.
func TestAnswerWithoutACKOfHelper(t *testing.T) {
	t.Parallel()
	if !control(t) {
		return
	}
	ua, err := helper.NewUA()
	if err != nil {
		t.Fatal(err)
	}
	server, err := helper.NewServer(ua)
	if err != nil {
		t.Fatal(err)
	}
	client, err := helper.NewClient(ua)
	if err != nil {
		t.Fatal(err)
	}
	dialogs := helper.DialogUA{Client: client, ContactHDR: sipgo.ContactHeader{Address: sipgo.Uri{Scheme: "sip", Host: "127.0.0.1"}}}
	answered := make(chan error, 1)
	server.OnInvite(func(req *sipgo.Request, tx sipgo.ServerTransaction) {
		session, err := dialogs.ReadInvite(req, tx)
		if err == nil {
			err = session.RespondSDP([]byte(testAnswer))
		}
		answered <- err
	})
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { _ = server.ServeUDP(socket); close(served) }()
	p := newPeer(t, socket.LocalAddr().String())
	raw := p.newRequest("INVITE", "sip:100@127.0.0.1", "noack", "f", "", 1, testOffer)
	p.send(raw)
	p.takeKind("200")
	p.takeKind("200") // at T1
	second := time.Now()
	ok := p.takeKind("200") // at 3*T1, were it right
	if gap := time.Since(second); gap < 4*sipgo.T1 {
		t.Errorf("the fault is gone: the third 200 comes %s after the second", gap)
	}
	p.send(p.ack(ok))
	_ = ua.Close()
	_ = socket.Close()
	<-served
	receive(t, answered, "end of the session")
}

// readSocket tells when it is read for the first time.
type readSocket struct {
	net.PacketConn
	reading chan struct{}
	once    sync.Once
}

func (s *readSocket) ReadFrom(b []byte) (int, net.Addr, error) {
	s.once.Do(func() { close(s.reading) })
	return s.PacketConn.ReadFrom(b)
}

// A request of sipgo's client does not leave from a socket that is bound to a wildcard,
// but from one more. Ours refuses wildcards (TestListenErrors) and leaves from the
// listener (TestSourceAddress).
func TestWildcardOfHelper(t *testing.T) {
	t.Parallel()
	if !control(t) {
		return
	}
	ua, err := helper.NewUA()
	if err != nil {
		t.Fatal(err)
	}
	server, err := helper.NewServer(ua)
	if err != nil {
		t.Fatal(err)
	}
	wildcard, err := net.ListenPacket("udp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	socket := &readSocket{PacketConn: wildcard, reading: make(chan struct{})}
	served := make(chan struct{})
	go func() { _ = server.ServeUDP(socket); close(served) }()
	receive(t, socket.reading, "reading of the socket")
	far, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	client, err := helper.NewClient(ua)
	if err != nil {
		t.Fatal(err)
	}
	req := sipgo.NewRequest(sipgo.OPTIONS, sipgo.Uri{Scheme: "sip", Host: "127.0.0.1", Port: int(wire.AddrPort(far.LocalAddr()).Port())})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	sent := make(chan error, 1)
	go func() { _, err := client.Do(ctx, req); sent <- err }()
	_ = far.SetReadDeadline(time.Now().Add(patience))
	_, from, err := far.ReadFrom(make([]byte, 4096))
	if err != nil {
		t.Fatal(err)
	}
	if wire.AddrPort(from).Port() == wire.AddrPort(socket.LocalAddr()).Port() {
		t.Error("the fault is gone")
	}
	t.Logf("leaves from %s, bound is %s", from, socket.LocalAddr())
	cancel()
	_ = ua.Close()
	_ = socket.Close()
	_ = far.Close()
	<-served
	<-sent
}

// sipgo as it comes refuses 1300 bytes over UDP, and takes no other transport. That it is
// otherwise here is a variable of the process. Ours: TestLongMessages.
func TestLongMessageOfHelper(t *testing.T) {
	t.Parallel()
	if !control(t) {
		return
	}
	sipgo.UDPMTUSize = 1500 // as it comes
	p := newPeer(t, "127.0.0.1:9")
	h := newHelper(t, p, slog.New(slog.DiscardHandler))
	_, err := h.dialog.Invite(t.Context(), h.to, []byte(testOffer+"a="+strings.Repeat("y", 1300)), sipgo.NewHeader("Content-Type", sdpType))
	if !errors.Is(err, sipgo.ErrUDPMTUCongestion) {
		t.Fatalf("the fault is gone: %v", err)
	}
	t.Logf("refused: %v", err)
}
