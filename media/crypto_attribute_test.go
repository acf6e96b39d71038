package media

import (
	"encoding/base64"
	"testing"
)

// TestCryptoAttributes: what is taken from those of RFC 4568, and what is passed over.
func TestCryptoAttributes(t *testing.T) {
	key := testKey(7)
	text := base64.StdEncoding.EncodeToString(key[:])
	for value, suite := range map[string]int{
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + text:                           0,
		"2 AES_CM_128_HMAC_SHA1_32 inline:" + text + "|2^20":                 1,
		"3 aes_cm_128_hmac_sha1_80 inline:" + text + "|1048576 KDR=0 WSH=64": 0,
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + text + "|2^20|1:4":             -1, // a master key identifier
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + text + "|1:4":                  -1,
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + text + "|2^20;inline:" + text:  -1,
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + text + " UNENCRYPTED_SRTP":     -1,
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + text + " UNAUTHENTICATED_SRTP": -1,
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + text + " KDR=3":                -1,
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + text[:36]:                      -1,
		"1 AES_CM_128_HMAC_SHA1_80 inline:" + text + "AAAA":                  -1,
		"1 AES_CM_128_HMAC_SHA1_80 inline:!":                                 -1,
		"1 AES_CM_128_HMAC_SHA1_80 " + text:                                  -1,
		"1 F8_128_HMAC_SHA1_80 inline:" + text:                               -1,
		"one AES_CM_128_HMAC_SHA1_80 inline:" + text:                         -1,
		"1234567890 AES_CM_128_HMAC_SHA1_80 inline:" + text:                  -1,
		"1 AES_CM_128_HMAC_SHA1_80":                                          -1,
		"":                                                                   -1,
	} {
		c, ok := parseCrypto(value)
		if ok != (suite >= 0) || ok && (c.suite != suite || c.key != key) {
			t.Errorf("%q: %v, suite %d", value, ok, c.suite)
		}
	}
}
