package trace

import "bytes"

// setUp tells the messages that set a leg up from what comes after them. It is asked
// about each message of the leg, in the order of the wire.
type setUp struct {
	begun    bool   // a message was there
	missed   bool   // it began before what is kept
	answered []byte // the CSeq number of the INVITE that was answered with 2xx
}

// takes reports whether the message belongs to the set-up: everything from the first
// INVITE to its 2xx, and then that 2xx again and its ACK.
func (s *setUp) takes(data []byte) bool {
	number, method, _ := bytes.Cut(cseq(data), []byte(" "))
	status, response := bytes.CutPrefix(data, []byte("SIP/2.0 "))
	invite := bytes.Equal(bytes.TrimSpace(method), []byte("INVITE"))
	if !s.begun {
		s.begun = true
		s.missed = response || !invite || bytes.Contains(field(data, "to", "t"), []byte(";tag="))
	}
	switch success := response && invite && bytes.HasPrefix(status, []byte("2")); {
	case s.missed:
		return false
	case s.answered == nil:
		if success {
			s.answered = bytes.Clone(number)
		}
		return true
	case !bytes.Equal(number, s.answered):
		return false
	default:
		return success || bytes.HasPrefix(data, []byte("ACK "))
	}
}
