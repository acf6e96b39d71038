package media

import (
	"testing"
	"time"

	"github.com/pion/rtp"
)

func testKey(fill byte) (k masterKey) {
	for i := range k {
		k[i] = fill
	}
	return k
}

// crypto is a crypto attribute of a party.
func crypto(suite int, key masterKey) string {
	return "a=crypto:" + cryptoOffer{tag: uint32(suite + 1), suite: suite, key: key}.attribute()
}

// secureParty is what a far side encrypts with.
func secureParty(t testing.TB, key masterKey) *cipher {
	t.Helper()
	c, err := newCipher(0, key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// secureSession is a session on a fake socket that has answered a party at
// 127.0.0.1:5000, which sends with key.
func secureSession(t testing.TB, e *Engine, key masterKey) (*Session, *fakeSocket) {
	t.Helper()
	f := &fakeSocket{}
	cfg, err := SessionConfig{Security: SecurityRequired}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(e, cfg, portPair{rtp: f, rtcp: &fakeSocket{drop: true}})
	reoffer(t, s, key)
	return s, f
}

// TestSecurePacketsRefused: what is plain, was altered, made with another key or sent
// before does not count as heard.
func TestSecurePacketsRefused(t *testing.T) {
	s, _ := secureSession(t, bareEngine(), testKey(1))
	tap := &nullTap{}
	s.AddTap(tap)
	party, stranger := secureParty(t, testKey(1)), secureParty(t, testKey(9))
	seal := func(c *cipher, sequence uint16) []byte {
		b, err := speech(sequence, uint32(sequence)*160, 5).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := c.sealRTP(make([]byte, maxDatagram), b)
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	first := seal(party, 1)
	altered := append([]byte(nil), seal(party, 2)...)
	altered[20] ^= 1
	plain, _ := speech(3, 480, 5).Marshal()
	for _, c := range []struct {
		name   string
		packet []byte
		taken  int
	}{
		{"the first", first, 1},
		{"the first again", first, 1},
		{"altered", altered, 1},
		{"plain", plain, 1},
		{"of another key", seal(stranger, 4), 1},
		{"cut off", first[:headerSize+3], 1},
		{"nothing", nil, 1},
		{"too long", make([]byte, maxDatagram+1), 1},
		{"late, in the window", seal(party, 3), 2},
		{"the next", seal(party, 4), 3},
	} {
		s.receiveRTP(append([]byte(nil), c.packet...), partyAddr, time.Now(), nil)
		if tap.packets != c.taken {
			t.Errorf("%s: %d packets taken so far, want %d", c.name, tap.packets, c.taken)
		}
	}
	if got := s.Stats(); got.Malformed != 7 || got.Received != 3 {
		t.Errorf("%+v", got)
	}
}

// TestSecureBridge: a leg that is encrypted and one that is not hear each other.
func TestSecureBridge(t *testing.T) {
	e := bareEngine()
	customer, heard := bareSession(t, e, "0")
	agent, wire := secureSession(t, e, testKey(3))
	far := secureParty(t, reoffer(t, agent, testKey(3)))
	if _, err := e.Bridge(customer, agent); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	b, _ := speech(1, 160, 0x55).Marshal()
	sealed, err := secureParty(t, testKey(3)).sealRTP(make([]byte, maxDatagram), b)
	if err != nil {
		t.Fatal(err)
	}
	agent.receiveRTP(sealed, partyAddr, now, nil)
	p := speech(1, 160, 0x2A)
	p.PayloadType = payloadPCMU
	deliver(t, customer, p, now)
	if len(heard.sent) != 1 || len(heard.sent[0].Payload) != 160 || heard.sent[0].Payload[0] != encodeUlaw(decodeAlaw(0x55)) {
		t.Errorf("the customer hears %+v", heard.sent)
	}
	raw, err := wire.sent[0].Marshal()
	if err != nil {
		t.Fatal(err)
	}
	plain, err := far.openRTP(raw)
	var got rtp.Packet
	if err == nil {
		err = got.Unmarshal(plain)
	}
	if err != nil || len(got.Payload) != 160 || got.Payload[7] != encodeAlaw(decodeUlaw(0x2A)) {
		t.Errorf("the agent hears %+v (%v)", got, err)
	}
}
