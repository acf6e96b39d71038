package trace

import (
	"bytes"
	"slices"
	"time"
)

// Messages returns what is kept of a call, in the order of the wire: of the call whose
// Call-ID is id, or begins with id and an @, and of those linked to it, as far as
// they belong to it.
//
// The leg of an agent stays up for many calls. Of such a leg the messages come that
// were on the wire during the call, and those that set it up.
func (r *Recorder) Messages(id string) []Message {
	return r.call(id).messages
}

// call is everything that is known of a call.
type call struct {
	messages []Message
	parties  map[string]string // by Call-ID: who is at the other end of a linked call
}

// tailTime is how long after the call's last message its linked legs still belong to it.
const tailTime = 2 * time.Second

func (r *Recorder) call(id string) call {
	c := call{parties: map[string]string{}}
	if r == nil || id == "" {
		return c
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var legs [][]byte
	for callID, l := range r.links {
		if l.id == id {
			legs = append(legs, []byte(callID))
			c.parties[callID] = l.party
		}
	}
	var begin, end time.Time
	for m := range r.each {
		if m.own(id) {
			if begin.IsZero() {
				begin = m.at
			}
			end = m.at
		}
	}
	end = end.Add(tailTime)
	setUp := map[string][]byte{} // by Call-ID: the CSeq of the first request
	for m := range r.each {
		leg := slices.ContainsFunc(legs, func(l []byte) bool { return bytes.Equal(l, m.callID()) })
		switch {
		case m.own(id):
		case !leg:
			continue
		case m.at.Before(begin), m.at.After(end):
			seq := cseq(m.data)
			first, ok := setUp[string(m.callID())]
			if !ok {
				setUp[string(m.callID())], first = seq, seq
			}
			if number, _, _ := bytes.Cut(seq, []byte(" ")); !bytes.HasPrefix(first, append(slices.Clone(number), ' ')) {
				continue
			}
		}
		c.messages = append(c.messages, Message{
			At: m.at, Out: m.out, Transport: m.transport, Local: m.local, Remote: m.remote,
			CallID: string(m.callID()), Data: slices.Clone(m.data),
		})
	}
	return c
}

// recorded is an entry with its bytes.
type recorded struct {
	*entry
	data []byte
}

func (m recorded) callID() []byte {
	return m.data[m.callStart : m.callStart+m.callLength]
}

// own reports whether the message is of the call with that Call-ID, or of that part
// of one before the @.
func (m recorded) own(id string) bool {
	c := m.callID()
	return len(c) >= len(id) && string(c[:len(id)]) == id && (len(c) == len(id) || c[len(id)] == '@')
}

// each walks over all that is kept, the oldest first. r.mu is held.
func (r *Recorder) each(yield func(recorded) bool) {
	for i := range r.count {
		e := &r.entries[(r.first+i)%len(r.entries)]
		if !yield(recorded{e, r.slab[e.start : e.start+e.length]}) {
			return
		}
	}
}

// cseq returns the value of the CSeq of a message, or nil.
func cseq(data []byte) []byte {
	return field(data, "cseq", "")
}

// field returns the value of the first header field of that name, or nil. Both
// spellings are in lower case.
func field(data []byte, long, compact string) []byte {
	_, rest, _ := bytes.Cut(data, []byte("\n"))
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		if len(bytes.TrimRight(line, "\r")) == 0 {
			return nil
		}
		if at := value(line, long, compact); at >= 0 {
			return bytes.TrimRight(line[at:], " \t\r")
		}
	}
	return nil
}
