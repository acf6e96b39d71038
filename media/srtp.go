package media

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// Security says whether the packets of a session are encrypted: SRTP (RFC 3711) with
// keys in the session descriptions (RFC 4568). Who can read those can listen, so that
// they want signalling over TLS.
type Security uint8

// The kinds of security.
const (
	// SecurityOff: plain RTP; an offer of nothing but SRTP is refused.
	SecurityOff Security = iota
	// SecurityOptional: SRTP where the far side can. Our offers have keys on a line of
	// RTP/AVP, as telephones do and as those without SRTP understand; offers of either
	// kind are taken.
	SecurityOptional
	// SecurityRequired: SRTP or nothing. Our offers are of RTP/SAVP.
	SecurityRequired
)

// replayWindow is how many packets back one may come late and still be told from a
// replay (RFC 3711 section 3.3.2): 2.5 s of packets of 20 ms.
const replayWindow = 128

// cryptoSuite is a suite of RFC 4568 section 6.2. Both have keys and salts of a size.
type cryptoSuite struct {
	name    string
	profile srtp.ProtectionProfile
}

// cryptoSuites are those that we have, the preferred first.
var cryptoSuites = [...]cryptoSuite{
	{"AES_CM_128_HMAC_SHA1_80", srtp.ProtectionProfileAes128CmHmacSha1_80},
	{"AES_CM_128_HMAC_SHA1_32", srtp.ProtectionProfileAes128CmHmacSha1_32},
}

const (
	masterKeySize  = 16
	masterSaltSize = 14
	mostTag        = 10 // octets that SRTP adds to a packet
)

// masterKey is a key and a salt, in this order, as crypto attributes have them.
type masterKey [masterKeySize + masterSaltSize]byte

func newMasterKey() (k masterKey) {
	_, _ = rand.Read(k[:]) // it never fails
	return k
}

// cryptoOffer is a crypto attribute (RFC 4568 section 4): a way to encrypt what its
// writer sends.
type cryptoOffer struct {
	tag   uint32 // 1 to 9 digits; ties an answer to the offer
	suite int    // in cryptoSuites
	key   masterKey
}

// attribute is the value of the crypto attribute.
func (c cryptoOffer) attribute() string {
	return strconv.FormatUint(uint64(c.tag), 10) + " " + cryptoSuites[c.suite].name + " inline:" + base64.StdEncoding.EncodeToString(c.key[:])
}

// parseCrypto reads the value of a crypto attribute. ok is false for what is malformed
// and for what we cannot do: other suites, master key identifiers, several keys, and
// session parameters that change how packets look (section 6.3).
func parseCrypto(value string) (c cryptoOffer, ok bool) {
	f := strings.Fields(value)
	if len(f) < 3 || len(f[0]) > 9 {
		return c, false
	}
	tag, err := strconv.ParseUint(f[0], 10, 32)
	if err != nil {
		return c, false
	}
	c.tag, c.suite = uint32(tag), -1
	for i, s := range cryptoSuites {
		if strings.EqualFold(f[1], s.name) {
			c.suite = i
		}
	}
	inline, found := strings.CutPrefix(f[2], "inline:")
	if c.suite < 0 || !found || strings.Contains(inline, ";") {
		return c, false
	}
	parts := strings.Split(inline, "|")
	for _, p := range parts[1:] {
		if strings.Contains(p, ":") {
			return c, false // a master key identifier; else the key's lifetime, which no call outlasts
		}
	}
	key, err := base64.StdEncoding.DecodeString(parts[0])
	if err != nil {
		key, err = base64.RawStdEncoding.DecodeString(parts[0]) // the padding is left out by some
	}
	if err != nil || copy(c.key[:], key) != len(c.key) || len(key) != len(c.key) {
		return c, false
	}
	for _, parameter := range f[3:] {
		if parameter != "KDR=0" && !strings.HasPrefix(parameter, "WSH=") {
			return c, false
		}
	}
	return c, true
}

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

// security is the part of a negotiation that is about keys. The negotiation's lock
// guards it.
type security struct {
	wanted Security
	local  [len(cryptoSuites)]*cipher // what we send with, by suite: a key is used with one suite only
	remote *cipher                    // what the far side sends with; nil: plain, or not agreed yet
	proto  string                     // of the line agreed on; "" before
	tag    uint32                     // answers: of the attribute chosen
}

// offers are our crypto attributes in an offer.
func (k *security) offers() []cryptoOffer {
	if k.wanted == SecurityOff {
		return nil
	}
	var offers []cryptoOffer
	for i := range cryptoSuites {
		if c, err := k.sender(i); err == nil {
			offers = append(offers, cryptoOffer{tag: uint32(i + 1), suite: i, key: c.key})
		}
	}
	return offers
}

// profile is the transport of our offers: that agreed on, so that a party that insists
// on it is not startled.
func (k *security) profile() string {
	switch {
	case k.remote != nil:
		return k.proto
	case k.wanted == SecurityRequired:
		return "RTP/SAVP"
	}
	return "RTP/AVP"
}

// sender is the cipher of what we send under a suite.
func (k *security) sender(suite int) (c *cipher, err error) {
	if k.local[suite] == nil {
		k.local[suite], err = newCipher(suite, newMasterKey())
	}
	return k.local[suite], err
}

// suits reports whether a line is as secure as is wanted, and no more than can be.
// Those under a secure profile need a key.
func (k *security) suits(line *mediaLine) bool {
	switch k.wanted {
	case SecurityOff:
		return !line.secure
	case SecurityOptional:
		return !line.secure || len(line.crypto) > 0
	}
	return len(line.crypto) > 0
}

// choose picks the attribute of an offer to answer: the first that we have.
func (k *security) choose(line *mediaLine) (c cryptoOffer, ok bool) {
	if k.wanted == SecurityOff || len(line.crypto) == 0 {
		return c, false
	}
	return line.crypto[0], true
}

// agree takes what the far side sends with. It returns the ciphers of both directions,
// nil for plain packets. A key that stays keeps its cipher, and so its rollover counter
// and its memory of replays.
func (k *security) agree(line *mediaLine, answering bool) (send, receive *cipher, err error) {
	c, ok := k.choose(line)
	if !ok {
		k.remote, k.proto = nil, line.proto
		return nil, nil, nil
	}
	if !answering && (c.tag == 0 || int(c.tag) > len(cryptoSuites) || int(c.tag)-1 != c.suite) {
		return nil, nil, fmt.Errorf("%w: the answer's key is tagged %d, which is not an offer of ours of that suite", ErrSecurity, c.tag)
	}
	if !k.remote.is(c.suite, c.key) {
		replaced := k.remote != nil
		if receive, err = newCipher(c.suite, c.key); err != nil {
			return nil, nil, err
		}
		if replaced && answering {
			// Whoever is new there begins our stream with a rollover counter of zero.
			k.local = [len(cryptoSuites)]*cipher{}
		}
		k.remote = receive
	}
	k.proto, k.tag = line.proto, c.tag
	if send, err = k.sender(c.suite); err != nil {
		return nil, nil, err
	}
	return send, k.remote, nil
}

// answers is our crypto attribute in an answer: none where packets are plain.
func (k *security) answers() []cryptoOffer {
	if k.remote == nil {
		return nil
	}
	return []cryptoOffer{{tag: k.tag, suite: k.remote.suite, key: k.local[k.remote.suite].key}}
}

// String is the word for s in the configuration.
func (s Security) String() string { return [...]string{"off", "optional", "required"}[s] }

// ParseSecurity returns the security of that name: off, optional or required.
func ParseSecurity(name string) (Security, error) {
	for s := SecurityOff; s <= SecurityRequired; s++ {
		if name == s.String() {
			return s, nil
		}
	}
	return SecurityOff, fmt.Errorf("media: no security %q", name)
}
