package journal

import "bytes"

// Entry is an id with its payload.
type Entry struct {
	ID      string
	Payload []byte
}

// state is what the lines of a file amount to.
type state struct {
	open  map[string][]byte
	ends  map[string][]byte
	order []string // ids of ends, oldest first; may name some that are done
	bytes int      // of payloads in open and ends
}

func newState() *state {
	return &state{open: make(map[string][]byte), ends: make(map[string][]byte)}
}

// apply takes over the payload of l.
func (s *state) apply(l line) {
	switch l.kind {
	case kindMark:
		if _, ended := s.ends[l.id]; ended {
			return
		}
		s.bytes += len(l.payload) - len(s.open[l.id])
		s.open[l.id] = l.payload
	case kindEnd:
		s.forgetOpen(l.id)
		if old, again := s.ends[l.id]; again {
			s.bytes -= len(old)
		} else {
			s.order = append(s.order, l.id)
		}
		s.bytes += len(l.payload)
		s.ends[l.id] = l.payload
	case kindDone:
		s.forgetOpen(l.id)
		if old, ok := s.ends[l.id]; ok {
			s.bytes -= len(old)
			delete(s.ends, l.id)
		}
	}
}

func (s *state) forgetOpen(id string) {
	s.bytes -= len(s.open[id])
	delete(s.open, id)
}

// tidy drops the done ids from order.
func (s *state) tidy() {
	kept := s.order[:0]
	seen := make(map[string]bool, len(s.ends))
	for _, id := range s.order {
		if _, ok := s.ends[id]; ok && !seen[id] {
			kept = append(kept, id)
			seen[id] = true
		}
	}
	s.order = kept
}

// appendTo writes the lines that make up s.
func (s *state) appendTo(b []byte) []byte {
	s.tidy()
	for _, id := range s.order {
		b = appendLine(b, line{kindEnd, id, s.ends[id]})
	}
	for id, payload := range s.open {
		b = appendLine(b, line{kindMark, id, payload})
	}
	return b
}

// read applies the lines of a file, and counts those that are damaged. A last
// line that lacks its line feed was torn by a crash: it counts as damaged unless
// it is whole but for that.
func (s *state) read(file []byte) (damaged int) {
	for len(file) > 0 {
		text, rest, _ := bytes.Cut(file, []byte{'\n'})
		file = rest
		if len(text) == 0 {
			continue
		}
		l, err := parseLine(text)
		if err != nil {
			damaged++
			continue
		}
		l.payload = bytes.Clone(l.payload)
		s.apply(l)
	}
	return damaged
}
