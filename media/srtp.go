package media

import (
	"crypto/subtle"
	"fmt"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// replayWindow is how many packets back one may come late and still be told from a
// replay (RFC 3711 section 3.3.2): 2.5 s of packets of 20 ms.
const replayWindow = 128

// cipher encrypts or decrypts the RTP and RTCP of one direction. The two contexts are
// apart since each is used by a goroutine of its own.
type cipher struct {
	suite     int
	key       masterKey
	rtp, rtcp *srtp.Context
	header    rtp.Header // of the packet at hand, so that none is allocated

	// Where RTP that comes in stands.
	source  uint32
	highest uint16 // sequence number
}

func newCipher(suite int, key masterKey) (*cipher, error) {
	c := &cipher{suite: suite, key: key}
	for _, ctx := range []**srtp.Context{&c.rtp, &c.rtcp} {
		var err error
		*ctx, err = srtp.CreateContext(key[:masterKeySize], key[masterKeySize:], cryptoSuites[suite].profile,
			srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
		if err != nil {
			return nil, fmt.Errorf("media: SRTP: %w", err)
		}
	}
	return c, nil
}

// is reports whether c has that suite and key; nil has none.
func (c *cipher) is(suite int, key masterKey) bool {
	return c != nil && c.suite == suite && subtle.ConstantTimeCompare(c.key[:], key[:]) == 1
}

// sealRTP encrypts a packet into buf, which must have room for mostTag more octets.
func (c *cipher) sealRTP(buf, packet []byte) ([]byte, error) {
	return c.rtp.EncryptRTP(buf[:0], packet, &c.header)
}

// openRTP decrypts a packet in place. It fails for one that was not made with the key
// and for one that came before.
func (c *cipher) openRTP(packet []byte) ([]byte, error) {
	plain, err := c.rtp.DecryptRTP(packet[:0:len(packet)], packet, &c.header)
	if sequence := c.header.SequenceNumber; err == nil && (c.header.SSRC != c.source || int16(sequence-c.highest) > 0) {
		c.source, c.highest = c.header.SSRC, sequence
	}
	return plain, err
}

// keyOverlap is how long packets under a key that was replaced are taken still: those that
// were on their way, and those of a far side that takes its time.
const keyOverlap = 3 * time.Second

// incomingCipher is how packets that come in are decrypted; nil where they are plain.
// While the keys are under negotiation there is no cipher yet, and nothing can be taken.
//
// After a change of keys the rollover counter of a source that goes on is to go on as well
// (RFC 3711 section 3.3.1). Far sides that begin anew with zero, or that are others now,
// are understood too. Only the reader of RTP uses what is below the line.
type incomingCipher struct {
	*cipher
	before      *cipher // of the key that was replaced; nil: of none
	beforeUntil time.Time

	// ---
	settled bool          // a packet came under the new key
	fresh   *srtp.Context // with a counter of zero, while the counter is not settled; may be nil
}

// openRTP decrypts a packet in place, as the cipher's does.
func (c *incomingCipher) openRTP(packet []byte, now time.Time) ([]byte, error) {
	if c.before == nil {
		return c.cipher.openRTP(packet)
	}
	if !c.settled {
		c.resume(packet)
	}
	plain, err := c.cipher.openRTP(packet)
	if err != nil && c.fresh != nil {
		was := c.rtp
		c.rtp = c.fresh
		if plain, err = c.cipher.openRTP(packet); err != nil {
			c.rtp = was
		}
	}
	if err == nil {
		c.settled, c.fresh = true, nil
		return plain, nil
	}
	if now.After(c.beforeUntil) {
		return nil, err
	}
	return c.before.openRTP(packet)
}

// resume has the rollover counter of packet's source go on where it stood under the key
// before, and makes ready for one of zero.
func (c *incomingCipher) resume(packet []byte) {
	h, ok := parseHeader(packet)
	if !ok || h.ssrc != c.before.source {
		return
	}
	counter, _ := c.before.rtp.ROC(h.ssrc)
	switch highest := c.before.highest; {
	case int16(h.sequence-highest) > 0 && h.sequence < highest:
		counter++
	case int16(h.sequence-highest) < 0 && h.sequence > highest:
		counter--
	}
	if counter == 0 {
		return
	}
	c.rtp.SetROC(h.ssrc, counter)
	if c.fresh == nil {
		if other, err := newCipher(c.suite, c.key); err == nil {
			c.fresh = other.rtp
		}
	}
}

// openRTCP decrypts a packet.
func (c *incomingCipher) openRTCP(packet []byte) ([]byte, error) {
	if c.cipher == nil {
		return nil, ErrSecurity
	}
	return c.rtcp.DecryptRTCP(nil, packet, nil)
}
