// Package srtptest encrypts and decrypts RTP as the far end of a leg does, for tests and
// benchmarks that are to tell whether what Ringpace sent is what it was sent.
package srtptest

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"github.com/pion/srtp/v3"
)

// Sizes of AES_CM_128_HMAC_SHA1_80 (RFC 4568 section 6.2).
const (
	masterKeySize  = 16
	masterSaltSize = 14
)

// NewKey makes a key with its salt, as crypto attributes have them.
func NewKey() string {
	b := make([]byte, masterKeySize+masterSaltSize)
	_, _ = rand.Read(b) // it never fails
	return base64.StdEncoding.EncodeToString(b)
}

// End is the SRTP of one far end, of AES_CM_128_HMAC_SHA1_80; nil leaves packets plain.
type End struct {
	out, in        *srtp.Context
	sealed, opened []byte
}

// New returns the end that encrypts and decrypts with such keys, in the form of NewKey.
func New(out, in string) (*End, error) {
	e := &End{}
	var err error
	if e.out, err = cipher(out); err != nil {
		return nil, err
	}
	e.in, err = cipher(in)
	return e, err
}

func cipher(key string) (*srtp.Context, error) {
	b, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(b) != masterKeySize+masterSaltSize {
		return nil, fmt.Errorf("%q is no key of %d octets", key, masterKeySize+masterSaltSize)
	}
	return srtp.CreateContext(b[:masterKeySize], b[masterKeySize:], srtp.ProtectionProfileAes128CmHmacSha1_80)
}

// Seal encrypts a packet; what it returns is good until the next call.
func (e *End) Seal(packet []byte) []byte {
	if e == nil {
		return packet
	}
	var err error
	if e.sealed, err = e.out.EncryptRTP(e.sealed[:0], packet, nil); err != nil {
		panic(err) // only for what is no RTP
	}
	return e.sealed
}

// Open decrypts a packet; nil for one that is not as it was encrypted. What it returns
// is good until the next call.
func (e *End) Open(packet []byte) []byte {
	if e == nil {
		return packet
	}
	opened, err := e.in.DecryptRTP(e.opened[:0], packet, nil)
	if err != nil {
		return nil
	}
	e.opened = opened
	return opened
}
