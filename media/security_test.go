package media

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// reoffer has the session answer an offer of the party, and returns the key with which
// the session is going to send.
func reoffer(t testing.TB, s *Session, key masterKey) masterKey {
	t.Helper()
	answer, err := s.Answer(body("c=IN IP4 127.0.0.1", "m=audio 5000 RTP/SAVP 8", crypto(0, key)))
	if err != nil {
		t.Fatal(err)
	}
	d, err := parseDescription(answer)
	if err != nil || len(d.lines) != 1 || !d.lines[0].secure || len(d.lines[0].crypto) != 1 || d.lines[0].crypto[0].tag != 1 {
		t.Fatalf("answered %s (%v)", answer, err)
	}
	return d.lines[0].crypto[0].key
}

// TestSecurityAgreed: what becomes of every pair of wishes, with packets and reports
// through real sockets, and every packet on the wire as was agreed on.
func TestSecurityAgreed(t *testing.T) {
	e := newTestEngine(t)
	for _, c := range []struct {
		offers, answers Security
		secure          bool
		refused         bool
	}{
		{SecurityOff, SecurityOff, false, false},
		{SecurityOff, SecurityOptional, false, false},
		{SecurityOff, SecurityRequired, false, true},
		{SecurityOptional, SecurityOff, false, false},
		{SecurityOptional, SecurityOptional, true, false},
		{SecurityOptional, SecurityRequired, true, false},
		{SecurityRequired, SecurityOff, false, true},
		{SecurityRequired, SecurityOptional, true, false},
		{SecurityRequired, SecurityRequired, true, false},
	} {
		t.Run(c.offers.String()+" offered, "+c.answers.String(), func(t *testing.T) {
			open := func(s Security) *Session {
				session, err := e.NewSession(SessionConfig{Security: s})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(session.Close)
				return session
			}
			a, b := open(c.offers), open(c.answers)
			answer, err := b.Answer(a.Offer())
			if c.refused {
				if !errors.Is(err, ErrSecurity) {
					t.Errorf("answered with %v:\n%s", err, answer)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Accept(answer); err != nil {
				t.Fatal(err)
			}
			await(t, "audio at the offerer", a.Received())
			await(t, "audio at the answerer", b.Received())
			deadline := time.Now().Add(patience)
			for !a.Stats().Reported || !b.Stats().Reported {
				if time.Now().After(deadline) {
					t.Fatal("no report came through")
				}
				a.sendReport(time.Now())
				b.sendReport(time.Now())
				time.Sleep(time.Millisecond)
			}
			for _, s := range []*Session{a, b} {
				if secure := s.cipher.Load() != nil; secure != c.secure || strings.Contains(string(s.Offer()), "a=crypto:") != (s.cfg.Security != SecurityOff) {
					t.Errorf("packets are secure: %v; a new offer is\n%s", secure, s.Offer())
				}
				if stats := s.Stats(); stats.Malformed != 0 {
					t.Errorf("%d packets could not be read", stats.Malformed)
				}
			}
		})
	}
}

// TestKeysOfReoffers: an offer with the same key goes on with the same streams, over the
// wrap of the sequence numbers; one with another key gets another key of ours.
func TestKeysOfReoffers(t *testing.T) {
	s, wire := secureSession(t, bareEngine(), testKey(1))
	party, ours := secureParty(t, testKey(1)), reoffer(t, s, testKey(1))
	far := secureParty(t, ours)
	now, sequence := time.Now(), uint16(65530)
	exchange := func(packets int) {
		t.Helper()
		before := s.Stats()
		for range packets {
			b, _ := speech(sequence, uint32(sequence)*160, 5).Marshal()
			sealed, err := party.sealRTP(make([]byte, maxDatagram), b)
			if err != nil {
				t.Fatal(err)
			}
			s.receiveRTP(sealed, partyAddr, now, nil)
			sequence++
			now = now.Add(clockPeriod)
			s.tick(now, clockPeriod)
		}
		if got := s.Stats().Since(before); got.Received != uint64(packets) || got.Sent != uint64(packets) {
			t.Fatalf("of %d packets each way %d came and %d went", packets, got.Received, got.Sent)
		}
		for _, p := range wire.sent[len(wire.sent)-packets:] {
			b, err := p.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			if b, err = far.openRTP(b); err != nil {
				t.Fatalf("packet %d: %v", p.SequenceNumber, err)
			}
			if payload := b[headerSize:]; len(payload) != 160 || payload[0] != PCMA.Silence() {
				t.Fatalf("the far side reads %x", payload)
			}
		}
	}
	exchange(3)
	if again := reoffer(t, s, testKey(1)); again != ours {
		t.Error("the same offer got another key")
	}
	exchange(20) // with the rollover counter kept
	renewed := reoffer(t, s, testKey(2))
	if renewed == ours {
		t.Error("a party with another key is sent to with the old one")
	}
	party, far = secureParty(t, testKey(2)), secureParty(t, renewed)
	exchange(3)
	if _, err := s.Answer(body("c=IN IP4 127.0.0.1", "m=audio 5000 RTP/AVP 8")); !errors.Is(err, ErrSecurity) {
		t.Errorf("a plain offer amid a secure call: %v", err)
	}
	exchange(3)
}

// TestAnswerWithForeignKey: an answer whose key belongs to no offer of ours is refused.
func TestAnswerWithForeignKey(t *testing.T) {
	e := newTestEngine(t)
	s, err := e.NewSession(SessionConfig{Security: SecurityRequired})
	if err != nil {
		t.Fatal(err)
	}
	if offer := string(s.Offer()); !strings.Contains(offer, " RTP/SAVP ") || strings.Count(offer, "a=crypto:") != 2 {
		t.Errorf("offered\n%s", offer)
	}
	wrong := strings.Replace(crypto(0, testKey(1)), "crypto:1 ", "crypto:2 ", 1)
	for _, lines := range [][]string{{wrong}, {}, {"a=crypto:1 F8_128_HMAC_SHA1_80 inline:AAAA"}} {
		answer := body(append([]string{"c=IN IP4 127.0.0.1", "m=audio 5000 RTP/SAVP 8"}, lines...)...)
		if err := s.Accept(answer); !errors.Is(err, ErrSecurity) {
			t.Errorf("accepted with %v:\n%s", err, answer)
		}
	}
	if s.Codec() != 0 {
		t.Error("a refused answer is in force")
	}
}
