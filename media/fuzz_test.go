package media

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"
)

func FuzzDescription(f *testing.F) {
	f.Add([]byte("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na=sendonly\r\n"))
	f.Add([]byte("v=0\no=- 1 1 IN IP6 ::1\ns=-\nt=0 0\nm=video 9 RTP/SAVPF 96\nm=audio 0 RTP/AVP 0\nc=IN IP6 ::1\na=rtcp:9 IN IP6 ::2\n"))
	f.Add([]byte{})
	f.Add([]byte("v=0\nm=audio 1 RTP/AVP 0\nc=IN IP4 0.0.0.0 m=audio 0 RTP 00000"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := parseDescription(b)
		if err != nil {
			return
		}
		for _, family := range []string{"127.0.0.1:4000", "[::1]:4000"} {
			answerFuzzed(t, d, family, SecurityOff)
			answerFuzzed(t, d, family, SecurityOptional)
		}
	})
}

// FuzzCrypto reads crypto attributes, and again what it would write of what it read.
func FuzzCrypto(f *testing.F) {
	f.Add(cryptoOffer{tag: 1, suite: 0, key: testKey(7)}.attribute())
	f.Add("2 AES_CM_128_HMAC_SHA1_32 inline:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH|2^20|1:4 KDR=0")
	f.Add("999999999 aes_cm_128_hmac_sha1_80 inline:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH|2^31 WSH=64")
	f.Fuzz(func(t *testing.T, value string) {
		c, ok := parseCrypto(value)
		if !ok {
			return
		}
		if again, ok := parseCrypto(c.attribute()); !ok || again != c {
			t.Errorf("%q is %+v, which we write as %q", value, c, c.attribute())
		}
		if _, err := newCipher(c.suite, c.key); err != nil {
			t.Error(err)
		}
	})
}

// FuzzRTCP lets a party that has been heard send anything as reports, plain and encrypted.
// Ours go on.
func FuzzRTCP(f *testing.F) {
	f.Add([]byte{0x81, 200, 0, 12, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 160, 0, 0, 0, 9, 255, 255, 255, 255, 0, 0, 0, 1, 0, 0, 0, 1, 255, 255, 255, 255, 0, 0, 0, 1}, []byte{})
	f.Add([]byte{0x80, 201, 0, 1, 0, 0, 0, 7, 0x81, 203, 0, 1, 0, 0, 0, 7}, []byte{0x81, 202, 0, 3, 0, 0, 0, 7, 1, 2, 'm', 'e', 0, 0, 0, 0})
	f.Add([]byte{0x80, 204, 0xFF, 0xFF, 0, 0, 0, 7}, []byte{0x9F, 205, 0, 2, 0, 0, 0, 7, 0, 0, 0, 9})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		e := bareEngine()
		plain, _ := bareSession(t, e, "8 101")
		secure, _ := secureSession(t, e, testKey(1))
		far := secureParty(t, testKey(1))
		now := time.Now()
		packet := make([]byte, headerSize+160)
		header{payloadType: payloadPCMA, sequence: 1, ssrc: 7}.put(packet)
		sealed, err := far.sealRTP(make([]byte, maxDatagram), packet)
		if err != nil {
			t.Fatal(err)
		}
		secure.receiveRTP(sealed, partyAddr, now, nil)
		plain.receiveRTP(packet, partyAddr, now, nil)
		for _, datagram := range [][]byte{a, b} {
			datagram = bytes.Clone(datagram)
			if len(datagram) > 32 { // the first block of a report is to be about our stream
				binary.BigEndian.PutUint32(datagram[28:], plain.out.ssrc.Load())
			}
			now = now.Add(time.Second)
			plain.receiveRTCP(bytes.Clone(datagram), partyAddr, now)
			secure.receiveRTCP(bytes.Clone(datagram), partyAddr, now)
			if sealed, err := far.rtcp.EncryptRTCP(nil, datagram, nil); err == nil {
				secure.receiveRTCP(sealed, partyAddr, now)
			}
			for _, s := range []*Session{plain, secure} {
				if stats := s.Stats(); stats.Received != 1 || stats.RoundTrip < 0 || stats.RemoteJitter < 0 || stats.RemoteLost > 1<<23 {
					t.Errorf("%+v", stats)
				}
				s.sendReport(now)
			}
		}
	})
}

// FuzzSecureReceive lets anything come where SRTP was agreed on, and what a party makes
// of it that has the key.
func FuzzSecureReceive(f *testing.F) {
	p := speech(1, 2, 3)
	seed, _ := p.Marshal()
	f.Add(seed, seed)
	f.Add([]byte{0x9F, 8, 0, 1}, []byte{0xB1, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1, 0xBE, 0xDE, 0xFF, 0xFF})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		e := bareEngine()
		customer, heard := bareSession(t, e, "0 96")
		agent, _ := secureSession(t, e, testKey(1))
		if _, err := e.Bridge(customer, agent); err != nil {
			t.Fatal(err)
		}
		far, now := secureParty(t, testKey(1)), time.Now()
		for _, datagram := range [][]byte{a, b, a} {
			agent.receiveRTP(bytes.Clone(datagram), partyAddr, now, nil)
			if len(heard.sent) != 0 {
				t.Fatal("what is not encrypted was relayed")
			}
		}
		for _, datagram := range [][]byte{a, b, a} {
			if len(datagram) > maxDatagram {
				continue
			}
			if sealed, err := far.sealRTP(make([]byte, maxDatagram+mostTag), datagram); err == nil {
				agent.receiveRTP(sealed, partyAddr, now, nil)
			}
			now = now.Add(20 * ms)
		}
		for _, p := range heard.sent {
			if p.PayloadType != payloadPCMU && p.PayloadType != 96 || p.SSRC != customer.out.ssrc.Load() {
				t.Errorf("relayed %v", p.Header)
			}
		}
	})
}

// FuzzDigits reads telephone events, of which each makes one key at most.
func FuzzDigits(f *testing.F) {
	f.Add([]byte{5, 10, 0, 160, 0, 5, 0x8A, 1, 64, 0, 11, 10, 0, 0, 200})
	f.Fuzz(func(t *testing.T, b []byte) {
		var d digitReader
		timestamp, keys := uint32(0), map[uint32]int{}
		for ; len(b) >= 5; b = b[5:] {
			timestamp += uint32(int32(int8(b[4])) * 40)
			digit, begins := d.read(b[:min(4, int(b[4]%6))], timestamp)
			if begins != (digit != 0) {
				t.Errorf("key %q begins: %v", digit, begins)
			}
			if begins {
				keys[timestamp]++
			}
			if keys[timestamp] > 1 {
				t.Errorf("the event at %d is %d keys", timestamp, keys[timestamp])
			}
		}
	})
}

func FuzzWAV(f *testing.F) {
	f.Add(wavOf(wavPCM, 1, 16000, 16, make([]byte, 640)))
	f.Add(wavOf(wavAlaw, 2, 8000, 8, make([]byte, 640)))
	f.Add(wavOf(wavFloat, 1, 44100, 32, bytes.Repeat([]byte{0xFF}, 640)))
	for _, odd := range oddWAVs() {
		f.Add(odd.file)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := LoadPrompt(bytes.NewReader(b))
		if err == nil && len(p.alaw) == 0 {
			t.Error("a prompt without audio")
		}
	})
}

// wavOf makes a WAV file.
func wavOf(tag, channels, rate, bits int, data []byte) []byte {
	le := binary.LittleEndian
	b := []byte("RIFF\x00\x00\x00\x00WAVE")
	b = append(b, "LIST\x03\x00\x00\x00odd\x00"...) // a chunk to pass over, padded
	b = append(b, "fmt \x10\x00\x00\x00"...)
	b = le.AppendUint16(b, uint16(tag))
	b = le.AppendUint16(b, uint16(channels))
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(rate*channels*bits/8))
	b = le.AppendUint16(b, uint16(channels*bits/8))
	b = le.AppendUint16(b, uint16(bits))
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(len(data)))
	b = append(b, data...)
	le.PutUint32(b[4:], uint32(len(b)-8))
	return b
}
