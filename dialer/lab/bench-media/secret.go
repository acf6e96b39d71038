package main

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"github.com/pion/srtp/v3"
)

// Sizes of AES_CM_128_HMAC_SHA1_80 (RFC 4568 section 6.2), with which agents' ends
// encrypt where they do.
const (
	masterKeySize  = 16
	masterSaltSize = 14
	tagSize        = 10
)

// newKey makes a key with its salt, as crypto attributes have them.
func newKey() string {
	b := make([]byte, masterKeySize+masterSaltSize)
	_, _ = rand.Read(b) // it never fails
	return base64.StdEncoding.EncodeToString(b)
}

// secret is the SRTP of one far end; nil leaves packets plain.
type secret struct {
	out, in *srtp.Context
	sealed  [packetSize + tagSize]byte
	opened  [packetSize]byte
}

func newSecret(out, in string) (*secret, error) {
	s := &secret{}
	var err error
	if s.out, err = cipher(out); err != nil {
		return nil, err
	}
	s.in, err = cipher(in)
	return s, err
}

func cipher(key string) (*srtp.Context, error) {
	b, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(b) != masterKeySize+masterSaltSize {
		return nil, fmt.Errorf("%q is no key of %d octets", key, masterKeySize+masterSaltSize)
	}
	return srtp.CreateContext(b[:masterKeySize], b[masterKeySize:], srtp.ProtectionProfileAes128CmHmacSha1_80)
}

// seal encrypts a packet; what it returns is good until the next call.
func (s *secret) seal(packet []byte) []byte {
	if s == nil {
		return packet
	}
	sealed, err := s.out.EncryptRTP(s.sealed[:0], packet, nil)
	if err != nil {
		panic(err) // only for what is no RTP
	}
	return sealed
}

// open decrypts a packet; nil for one that is not as it was encrypted. What it returns
// is good until the next call.
func (s *secret) open(packet []byte) []byte {
	if s == nil {
		return packet
	}
	opened, err := s.in.DecryptRTP(s.opened[:0], packet, nil)
	if err != nil {
		return nil
	}
	return opened
}
