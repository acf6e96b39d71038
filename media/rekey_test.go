package media

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
)

// secureFar is the far side of an encrypted session, which listens with what the session
// is to send with.
type secureFar struct {
	fakeSocket
	t        *testing.T
	session  *Session
	party    *cipher // what it sends with
	ear      *cipher
	sequence uint16

	heard   uint64
	sources map[uint32]uint16 // of what it heard, with the last sequence number
}

// WriteTo takes what the session sends, which must be whole and in order.
func (f *secureFar) WriteTo(b []byte, _ netip.AddrPort) error {
	plain, err := f.ear.openRTP(append([]byte(nil), b...))
	if err != nil {
		f.t.Fatalf("packet %d of source %x: %v", binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[8:]), err)
	}
	h, ok := parseHeader(plain)
	last, known := f.sources[h.ssrc]
	if !ok || known && h.sequence != last+1 {
		f.t.Fatalf("%+v follows %d", h, last)
	}
	f.sources[h.ssrc] = h.sequence
	f.heard++
	return nil
}

func (f *secureFar) LocalAddr() netip.AddrPort { return netip.AddrPortFrom(loopback, 4000) }
func (f *secureFar) Serve(receiver)            {}
func (f *secureFar) ReadWith(socket)           {}
func (f *secureFar) Pending() bool             { return false }
func (f *secureFar) Close() error              { return nil }

func newSecureFar(t *testing.T) *secureFar {
	t.Helper()
	f := &secureFar{t: t, sequence: 65000, sources: map[uint32]uint16{}}
	cfg, err := SessionConfig{Security: SecurityRequired}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	f.session = newSession(bareEngine(), cfg, portPair{rtp: f, rtcp: &fakeSocket{drop: true}})
	f.party = secureParty(t, testKey(1))
	f.ear = secureParty(t, reoffer(t, f.session, testKey(1)))
	return f
}

// next is the party's next packet.
func (f *secureFar) next() []byte {
	f.sequence++
	p := rtp.Packet{
		Header:  rtp.Header{Version: 2, PayloadType: payloadPCMA, SequenceNumber: f.sequence, Timestamp: uint32(f.sequence) * 160, SSRC: 7},
		Payload: []byte{0xD5, 0xD5},
	}
	b, err := p.Marshal()
	if err != nil {
		f.t.Fatal(err)
	}
	sealed, err := f.party.sealRTP(make([]byte, maxDatagram), b)
	if err != nil {
		f.t.Fatal(err)
	}
	return sealed
}

// takes reports whether the session takes a packet.
func (f *secureFar) takes(packet []byte) bool {
	before := f.session.Stats().Received
	f.session.receiveRTP(append([]byte(nil), packet...), partyAddr, time.Now(), nil)
	return f.session.Stats().Received > before
}

// talk has that many packets go both ways.
func (f *secureFar) talk(packets int) {
	f.t.Helper()
	was := f.session.Stats()
	for range packets {
		f.session.receiveRTP(f.next(), partyAddr, time.Now(), nil)
		time.Sleep(clockPeriod)
		f.session.out.tick(time.Now(), clockPeriod, time.Now().Add(time.Second))
	}
	if got := f.session.Stats().Since(was); got.Received != uint64(packets) || got.Sent != uint64(packets) || got.Malformed != 0 {
		f.t.Fatalf("of %d packets each way %d came and %d went, %d could not be read", packets, got.Received, got.Sent, got.Malformed)
	}
}

// TestRollover sends more packets each way than there are sequence numbers, twice over.
func TestRollover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSecureFar(t)
		f.talk(140_000)
		if len(f.sources) != 1 || f.heard != 140_000 {
			t.Errorf("heard %d packets of %d sources", f.heard, len(f.sources))
		}
		if counter, _ := f.session.out.format.cipher.rtp.ROC(f.session.out.ssrc.Load()); counter < 2 {
			t.Errorf("the rollover counter is %d", counter)
		}
	})
}

// TestRekey: the far side takes another key in a call, before and after its sequence
// numbers have wrapped, at the wrap, and goes on with its rollover counter or begins it
// anew. Late packets under the old key are heard for a while, replays never.
func TestRekey(t *testing.T) {
	for _, c := range []struct {
		name    string
		packets int // before the change
		anew    bool
		sources int // that the far side hears of us
		after   int // packets after the change
	}{
		{"no wrap yet", 100, true, 1, 66_000},
		{"after a wrap, the counter goes on", 70_000, false, 2, 10},
		{"after a wrap, the counter begins anew", 70_000, true, 2, 66_000},
		{"at the second wrap, the counter goes on", 536 + 65_536 - 2, false, 2, 10},
		{"at the first wrap, between", 532, false, 1, 10},
		{"at the first wrap, after", 537, false, 1, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newSecureFar(t)
				f.talk(c.packets)
				replayed := f.next()
				if !f.takes(replayed) {
					t.Fatal("a packet was not taken")
				}
				late, tooLate := f.next(), f.next()
				counter, _ := f.party.rtp.ROC(7)
				wraps := f.sequence == 65535
				f.ear = secureParty(t, reoffer(t, f.session, testKey(2)))
				if !f.takes(late) { // the far side has not changed yet
					t.Error("a packet under the old key was not taken")
				}
				f.party = secureParty(t, testKey(2))
				if counter > 0 && !c.anew || wraps {
					if wraps {
						counter++
					}
					f.party.rtp.SetROC(7, counter)
				}
				f.talk(10)
				if f.takes(replayed) || f.takes(late) {
					t.Error("a packet was taken twice")
				}
				again := f.next()
				if !f.takes(again) || f.takes(again) {
					t.Error("a packet under the new key was not taken, or taken twice")
				}
				if !f.takes(tooLate) {
					t.Error("a late packet under the old key was not taken")
				}
				time.Sleep(keyOverlap)
				stale := secureParty(t, testKey(1))
				stale.rtp.SetROC(7, counter)
				f.party, stale = stale, f.party
				old := f.next()
				f.party = stale
				if f.takes(old) {
					t.Error("a packet under a key of long ago was taken")
				}
				f.talk(c.after)
				if len(f.sources) != c.sources {
					t.Errorf("the far side heard %d sources, want %d", len(f.sources), c.sources)
				}
			})
		})
	}
}
