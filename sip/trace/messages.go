package trace

import (
	"bytes"
	"slices"
	"time"
)

// Messages returns what is kept of a call, in the order of the wire: of the call whose
// Call-ID is id, id@host, or for its further tries id-2@host and so on; and of those
// linked to it, as far as they belong to it.
//
// The leg of an agent stays up for many calls. Of such a leg the messages come that
// were on the wire while it was linked to the call, and those that set it up: to the ACK
// of the answer, with all challenges.
func (r *Recorder) Messages(id string) []Message {
	return r.call(id).messages
}

// call is everything that is known of a call.
type call struct {
	messages []Message
	parties  map[string]string // by Call-ID: who is at the other end of a linked call
	notes    []note
}

func (r *Recorder) call(id string) call {
	c := call{parties: map[string]string{}}
	if r == nil || id == "" {
		return c
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	own := []string{id}
	var legs []string
	for _, l := range r.linked[id] {
		switch {
		case l.party == "":
			own = append(own, l.leg)
		case !slices.Contains(legs, l.leg):
			legs = append(legs, l.leg)
		}
	}
	var end time.Time
	for m := range r.each {
		if m.of(own) != "" {
			end = m.at
		}
	}
	for _, n := range r.notes {
		if n.id == id {
			c.notes = append(c.notes, n)
		}
	}
	end = end.Add(tailTime)
	setUps := map[string]*setUp{} // by Call-ID
	for m := range r.each {
		if m.of(own) == "" {
			leg := m.of(legs)
			if leg == "" {
				continue
			}
			callID := string(m.callID())
			if setUps[callID] == nil {
				setUps[callID] = &setUp{}
			}
			part := setUps[callID].takes(m.data)
			for _, l := range r.linked[id] {
				if l.leg == leg {
					c.parties[callID] = l.party
					part = part || l.covers(m.at) && !m.at.After(end)
				}
			}
			if !part {
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

// of returns which of the calls the message belongs to; "" if to none.
func (m recorded) of(ids []string) string {
	for _, id := range ids {
		if m.own(id) {
			return id
		}
	}
	return ""
}

// recorded is an entry with its bytes.
type recorded struct {
	*entry
	data []byte
}

func (m recorded) callID() []byte {
	return m.data[m.callStart : m.callStart+m.callLength]
}

// own reports whether the message is of the call id: with that Call-ID, with one that
// begins with id and an @, or with one of a further try, such as id-2@host.
func (m recorded) own(id string) bool {
	c := m.callID()
	if len(c) < len(id) || string(c[:len(id)]) != id {
		return false
	}
	c = c[len(id):]
	if len(c) > 0 && c[0] == '-' {
		try, _, ok := bytes.Cut(c[1:], []byte("@"))
		return ok && number(try)
	}
	return len(c) == 0 || c[0] == '@'
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
