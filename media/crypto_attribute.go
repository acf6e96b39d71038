package media

import (
	"crypto/rand"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/pion/srtp/v3"
)

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
