package trace

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
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

// call collects them. It does not keep packets waiting: see step.
func (r *Recorder) call(id string) call {
	c := call{parties: map[string]string{}}
	if r == nil || id == "" {
		return c
	}
	own := []string{id}
	var legs []string
	r.mu.Lock()
	links := make([]link, 0, len(r.linked[id]))
	for _, l := range r.linked[id] {
		links = append(links, *l)
	}
	r.mu.Unlock()
	for _, l := range links {
		switch {
		case l.party == "":
			own = append(own, l.leg)
		case !slices.Contains(legs, l.leg):
			legs = append(legs, l.leg)
		}
	}
	c.notes = r.notesOf(id)
	found := r.find(slices.Concat(own, legs))
	var end time.Time
	for _, m := range found {
		if m.of(own) != "" {
			end = m.At
		}
	}
	end = end.Add(tailTime)
	setUps := map[string]*setUp{} // by Call-ID
	for _, m := range found {
		if m.of(own) == "" {
			leg := m.of(legs)
			if setUps[m.CallID] == nil {
				setUps[m.CallID] = &setUp{}
			}
			part := setUps[m.CallID].takes(m.Data)
			for _, l := range links {
				if l.leg == leg {
					c.parties[m.CallID] = l.party
					part = part || l.covers(m.At) && !m.At.After(end)
				}
			}
			if !part {
				continue
			}
		}
		c.messages = append(c.messages, m.Message)
	}
	return c
}

// stepLength is how many messages, or notes, are looked at between two packets.
const stepLength = 64

// notesOf returns the notes on a call.
func (r *Recorder) notesOf(id string) (notes []note) {
	for i := 0; ; {
		r.mu.Lock()
		for range stepLength {
			if i == len(r.notes) {
				r.mu.Unlock()
				return notes
			}
			if r.notes[i].id == id {
				notes = append(notes, r.notes[i])
			}
			i++
		}
		r.mu.Unlock()
	}
}

// found is a copy of a message that is kept.
type found struct {
	Message
	n uint64 // of the message
}

// find returns copies of all messages that belong to one of the calls, the oldest first.
func (r *Recorder) find(ids []string) []found {
	var all []found
	var walked []*uint64
	for _, id := range ids {
		chain := r.chain([]byte(id))
		if slices.Contains(walked, chain) {
			continue
		}
		walked = append(walked, chain)
		r.mu.Lock()
		at := *chain
		r.mu.Unlock()
		for at > 0 {
			all, at = r.step(at, ids, all)
		}
	}
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(a.n, b.n) })
	return all
}

// step walks on along a chain, from the message at-1 to older ones, and adds copies of
// those that belong to one of the calls. It returns where to go on, 0 at the end. Every
// packet needs the mutex, so it holds that for no more than stepLength messages. Those
// that are overwritten between two steps are the oldest: the chain ends there.
func (r *Recorder) step(at uint64, ids []string, all []found) ([]found, uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for range stepLength {
		if at <= r.first {
			return all, 0
		}
		e := r.entry(at - 1)
		data := r.slab[e.start : e.start+e.length]
		if callID := data[e.callStart : e.callStart+e.callLength]; slices.ContainsFunc(ids, func(id string) bool { return belongs(callID, id) }) {
			all = append(all, found{n: at - 1, Message: Message{
				At: e.at, Out: e.out, Transport: e.transport, Local: e.local, Remote: e.remote,
				CallID: string(callID), Data: slices.Clone(data),
			}})
		}
		at = e.older
	}
	return all, at
}

// of returns which of the calls the message belongs to; "" if to none.
func (m *found) of(ids []string) string {
	for _, id := range ids {
		if belongs(m.CallID, id) {
			return id
		}
	}
	return ""
}

// belongs reports whether a message with that Call-ID is of the call id: with that
// Call-ID, with one that begins with id and an @, or with one of a further try, such as
// id-2@host.
func belongs[S string | []byte](callID S, id string) bool {
	if len(callID) < len(id) || string(callID[:len(id)]) != id {
		return false
	}
	rest := callID[len(id):]
	if len(rest) > 0 && rest[0] == '-' {
		try, _, ok := strings.Cut(string(rest[1:]), "@")
		return ok && number(try)
	}
	return len(rest) == 0 || rest[0] == '@'
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
