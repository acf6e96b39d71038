package header

import (
	"fmt"
	"strconv"
	"strings"
)

// RAck is what a PRACK acknowledges (RFC 3262 section 7.2).
type RAck struct {
	RSeq   uint32 // of the provisional response
	CSeq   uint32 // of the request that it answers
	Method string // likewise: "INVITE"
}

// ParseRAck reads the value of a RAck header.
func ParseRAck(value string) (RAck, bool) {
	f := strings.Fields(value)
	if len(f) != 3 || !IsToken(f[2]) {
		return RAck{}, false
	}
	rseq, ok := ParseRSeq(f[0])
	if !ok {
		return RAck{}, false
	}
	cseq, err := strconv.ParseUint(f[1], 10, 32)
	if err != nil {
		return RAck{}, false
	}
	return RAck{RSeq: rseq, CSeq: uint32(cseq), Method: f[2]}, true
}

// String is the value of the header.
func (r RAck) String() string { return fmt.Sprintf("%d %d %s", r.RSeq, r.CSeq, r.Method) }

// ParseRSeq reads the value of an RSeq header: 1 to 2^32-1 (RFC 3262 section 7.1).
func ParseRSeq(value string) (uint32, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
	return uint32(n), err == nil && n > 0
}
