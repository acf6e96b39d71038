package sip

import (
	"crypto/sha256"
	"fmt"
)

// instance is the identity of this user agent at the trunk's registrar (RFC 5626
// section 4.1): a UUID that is the same after every restart, made of the node's name
// and the trunk's (RFC 9562 section 5.8).
func (t *Trunk) instance() string {
	sum := sha256.Sum256([]byte(t.e.node + "\x00" + t.cfg.Name))
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
