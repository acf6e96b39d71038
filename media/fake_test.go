package media

import (
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// fakeSocket keeps what is sent.
type fakeSocket struct {
	mu     sync.Mutex
	failed error
	sent   []rtp.Packet
	to     []netip.AddrPort
	drop   bool // keep nothing
	unread bool // something waits to be delivered

	settled int // how often it was waited for
}

func (f *fakeSocket) LocalAddr() netip.AddrPort { return netip.AddrPortFrom(loopback, 4000) }
func (f *fakeSocket) Serve(receiver)            {}
func (f *fakeSocket) ReadWith(socket)           {}
func (f *fakeSocket) Settle()                   { f.settled++ }
func (f *fakeSocket) approach() uintptr         { return 0 }
func (f *fakeSocket) Pending() bool             { return f.unread }
func (f *fakeSocket) Close() error              { return nil }

func (f *fakeSocket) WriteTo(b []byte, to netip.AddrPort) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.drop || f.failed != nil {
		return f.failed
	}
	var p rtp.Packet
	if err := p.Unmarshal(append([]byte(nil), b...)); err != nil {
		return err
	}
	f.sent, f.to = append(f.sent, p), append(f.to, to)
	return nil
}

var errFake = errors.New("no way")

// bareEngine has no ports and no running clock: tests drive its sessions by hand.
func bareEngine() *Engine {
	return &Engine{
		log: slog.New(slog.DiscardHandler), addr: loopback, ports: &portPool{system: true}, clock: newClock(),
		sessions: make(map[*Session]struct{}),
	}
}

// bareSession is a session on a fake socket, negotiated with a party at 127.0.0.1:5000.
func bareSession(t testing.TB, e *Engine, formats string, more ...string) (*Session, *fakeSocket) {
	t.Helper()
	f := &fakeSocket{}
	cfg, err := SessionConfig{}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(e, cfg, portPair{rtp: f, rtcp: &fakeSocket{drop: true}})
	lines := append([]string{"c=IN IP4 127.0.0.1", "m=audio 5000 RTP/AVP " + formats, "a=rtpmap:101 telephone-event/8000", "a=rtpmap:96 telephone-event/8000"}, more...)
	if err := s.Accept(body(lines...)); err != nil {
		t.Fatal(err)
	}
	return s, f
}

var partyAddr = netip.AddrPortFrom(loopback, 5000)

// deliver lets one packet of the party arrive.
func deliver(t testing.TB, s *Session, p rtp.Packet, at time.Time) {
	t.Helper()
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	s.receiveRTP(b, partyAddr, at, nil)
}

// speech is a packet of A-law with recognisable samples.
func speech(sequence uint16, timestamp uint32, octet byte) rtp.Packet {
	return rtp.Packet{
		Header:  rtp.Header{Version: 2, PayloadType: payloadPCMA, SequenceNumber: sequence, Timestamp: timestamp, SSRC: 7},
		Payload: filled(octet),
	}
}

// receiverFunc is a function that is a receiver.
type receiverFunc func(b []byte, from netip.AddrPort, at time.Time)

func (f receiverFunc) receive(b []byte, from netip.AddrPort, at time.Time, _ departures) {
	f(b, from, at)
}

func (f receiverFunc) approach() uintptr { return 0 }
