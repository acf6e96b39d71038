package sip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	helper "github.com/emiago/sipgo"
	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/wire"
)

// discard is the log of those whose lines are not looked at.
var discard = slog.New(slog.DiscardHandler)

// callAgain calls, without an ACK until the answer has come three times, and returns the
// time between the second and the third: 2*T1, if it is right (RFC 3261 section
// 13.3.1.4).
func callAgain(p *peer) time.Duration {
	p.send(p.newRequest("INVITE", "sip:100@127.0.0.1", "again"+random(8), "f", "", 1, testOffer))
	p.takeKind("200")
	second := p.takeKind("200").at
	third := p.takeKind("200")
	p.send(p.ack(third))
	return third.at.Sub(second)
}

// callWithoutACK calls and never sends an ACK. It returns when the answer came, and how
// much later than its first time the BYE came that has to follow on it (RFC 3261 section
// 13.3.1.4), 0 if none did for that long.
func callWithoutACK(p *peer, wait time.Duration) (answers []time.Time, ended time.Duration) {
	callID := "noack" + random(8)
	p.send(p.newRequest("INVITE", "sip:100@127.0.0.1", callID, "f", "", 1, testOffer))
	for deadline := time.After(wait); ; {
		select {
		case m := <-p.in:
			if m.get("Call-ID") != callID {
				continue // the end of a call before, once more
			}
			switch m.kind() {
			case "200":
				answers = append(answers, m.at)
			case "BYE":
				p.respond(m, "200 OK", "", "")
				return answers, m.at.Sub(answers[0])
			}
		case <-deadline:
			return answers, 0
		}
	}
}

// sipgo's server session sends its 200 again at T1 and then, instead of doubling, every
// T2: a lost one costs a call seconds of silence. And every time that it does, its limit
// of 64*T1 begins anew: it is not reached before the transaction layer's own end, which
// fails, and no BYE ends the call that nobody has.
func TestAnswerWithoutACKOfHelper(t *testing.T) {
	t.Parallel()
	if !control(t) {
		return
	}
	const unit = 30 * time.Millisecond
	sipgo.SetTimers(unit, 8*unit, time.Second) // as they stand to each other in the RFC
	socket := boundUDP(t, "127.0.0.1")
	answered := make(chan error, 2)
	stop := answering(t, socket, discard, func(ua *helper.UserAgent, server *helper.Server) {
		contact := sipgo.ContactHeader{Address: sipgo.Uri{Scheme: "sip", Host: "127.0.0.1"}}
		dialogs := helper.NewDialogServerCache(clientOf(t, ua), contact)
		server.OnInvite(func(req *sipgo.Request, tx sipgo.ServerTransaction) {
			session, err := dialogs.ReadInvite(req, tx)
			if err == nil {
				err = session.RespondSDP([]byte(testAnswer))
			}
			answered <- err
		})
		server.OnAck(func(req *sipgo.Request, tx sipgo.ServerTransaction) { _ = dialogs.ReadAck(req, tx) })
	})
	p := newPeer(t, socket.LocalAddr().String())
	for tries := 1; ; tries++ { // one that was read late is no proof
		gap := callAgain(p)
		if err := receive(t, answered, "end of the setup"); err != nil {
			t.Error(err)
		}
		if gap >= 4*unit {
			break
		}
		if tries == 10 {
			t.Fatalf("the fault is gone: the third 200 comes %s after the second", gap)
		}
	}
	answers, ended := callWithoutACK(p, 2*64*unit)
	if ended > 0 {
		t.Errorf("the fault is gone: BYE after %s", ended)
	}
	t.Logf("no BYE, the last of %d answers after %s", len(answers), answers[len(answers)-1].Sub(answers[0]))
	stop()
	t.Log(receive(t, answered, "end of the session"))
}

// Ours doubles up to T2, and ends after 64*T1 what nobody has ACKed.
func TestAnswerWithoutACK(t *testing.T) {
	t.Parallel()
	calls := make(chan *Call, 1)
	e := newEndpoint(t, Config{Invite: func(in *Incoming) {
		call, err := in.Answer([]byte(testAnswer), nil)
		if err != nil {
			t.Error(err)
		}
		calls <- call
	}})
	p := newPeer(t, addrOf(t, e, "udp"))
	// A machine that is slow now and then may spoil some, sipgo's T2 spoils all.
	for tries := 1; ; tries++ {
		gap := callAgain(p)
		call := receive(t, calls, "call")
		call.Hangup(CauseNormal)
		p.respond(p.takeKind("BYE"), "200 OK", "", "")
		skipTo[Ended](t, call)
		if gap < 4*sipgo.T1 {
			break
		}
		if tries == 20 {
			t.Fatalf("the third 200 comes %s after the second", gap)
		}
	}
	answers, ended := callWithoutACK(p, patience)
	// 0, .1, .3, .7, 1.5, 2.3, ... 5.5: ten in 6.4 s. A slow machine may skip some.
	if len(answers) < 5 || len(answers) > 11 {
		t.Errorf("%d times 200", len(answers))
	}
	if ended < 63*sipgo.T1 {
		t.Errorf("BYE after %s", ended)
	}
	call := receive(t, calls, "call")
	if ev := next[Ended](t, call); !errors.Is(ev.Err, ErrNoACK) || !ev.ByUs {
		t.Errorf("%v", ev)
	}
	over(t, call)
}

// confuse sends what begins as SIP and cannot be parsed, and returns what was logged
// until all of it was read.
func confuse(p *peer, lines <-chan string) (logged []string) {
	for i := range unparsable {
		p.send(fmt.Sprintf("INVITE sip:100@127.0.0.1 SIP/2.0\r\nVia SIP/2.0\r\nX-Number: %d\r\n%s\r\n\r\n", i, inPacket))
	}
	p.send(p.newRequest("OPTIONS", "sip:100@127.0.0.1", "last", "f", "", 1)) // one goroutine reads them in order
	p.takeKinds("200", "405")
	for len(lines) > 0 {
		logged = append(logged, <-lines)
	}
	return logged
}

const (
	unparsable = 20
	inPacket   = "X-Secret: hunter2"
)

// sipgo logs each packet that it cannot parse, whole.
func TestParseErrorsOfHelper(t *testing.T) {
	t.Parallel()
	if !control(t) {
		return
	}
	lines := make(chan string, 100)
	socket := boundUDP(t, "127.0.0.1")
	stop := answering(t, socket, logTo(lines), func(*helper.UserAgent, *helper.Server) {})
	logged := confuse(newPeer(t, socket.LocalAddr().String()), lines)
	stop()
	whole := 0
	for _, line := range logged {
		if strings.Contains(line, inPacket) {
			whole++
		}
	}
	if whole < unparsable {
		t.Errorf("the fault is gone: %d of %d packets in %q", whole, unparsable, logged)
	}
}

// Ours writes one line at the most, and nothing of what was sent.
func TestParseErrors(t *testing.T) {
	t.Parallel()
	lines := make(chan string, 100)
	e := newEndpoint(t, Config{Logger: logTo(lines)})
	logged := confuse(newPeer(t, addrOf(t, e, "udp")), lines)
	if len(logged) > 1 || strings.Contains(strings.Join(logged, ""), inPacket) {
		t.Errorf("%d lines: %q", len(logged), logged)
	}
	if n := e.Stats().Malformed; n != unparsable {
		t.Errorf("%d counted", n)
	}
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
	socket := &readSocket{PacketConn: boundUDP(t, "0.0.0.0"), reading: make(chan struct{})}
	var c *helper.Client
	stop := answering(t, socket, discard, func(ua *helper.UserAgent, _ *helper.Server) { c = clientOf(t, ua) })
	receive(t, socket.reading, "reading of the socket")
	far := boundUDP(t, "127.0.0.1")
	req := sipgo.NewRequest(sipgo.OPTIONS, sipgo.Uri{Scheme: "sip", Host: "127.0.0.1", Port: int(wire.AddrPort(far.LocalAddr()).Port())})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	sent := make(chan error, 1)
	go func() { _, err := c.Do(ctx, req); sent <- err }()
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
	stop()
	_ = far.Close()
	<-sent
}
