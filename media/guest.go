package media

import "slices"

// Part is how a guest takes part in a conversation. A guest hears both who converse,
// whatever the part (but see Guest.Hear).
type Part uint8

// The parts.
const (
	Monitor Part = iota // nobody hears the guest
	Whisper             // the agent hears the guest, and who else may know of it: guests but a Third
	Barge               // all hear the guest
	Third               // all hear the guest, who does not hear whispers: one whom the agent has called in
)

// heardBy reports whether a guest of part p is heard by another guest.
func (p Part) heardBy(other Part) bool { return p >= Barge || p == Whisper && other != Third }

// Guest is a third session at the conversation of a customer and an agent.
//
// The bridge of the two knows nothing of it: its packets are relayed as they come,
// with the numbers that they would have. The guest hears both by taps, mixed by the
// 20 ms clock. Where the guest is heard, the voice is added to the samples of each
// packet that goes out anyway, as much of it as the packet is long, so that coming and
// going changes neither the pace nor the level of the others. Each of the voices that
// are mixed has a jitter buffer of its own (voice), and where they would be too loud
// together they are turned down (limiter). A prompt that plays goes before
// guests: a customer on hold hears the music alone, and an agent with a customer on
// hold hears who whispers. What the customer hears of a guest is said on the agent's
// side of the conversation, and recorded there (AddTapWithGuests).
//
// Guests of the same two hear each other as their parts say (heardBy).
//
// The engine's bridging lock protects all fields.
type Guest struct {
	guest, customer, agent *Session

	left   bool
	part   Part
	hears  [2]*sounding         // customer, agent; nil where not heard
	speaks [3]*sounding         // to customer, to agent, to the agent's chorus; nil where not heard
	others map[*Guest]*sounding // to other guests who hear this one
}

// hearer is who can hear a voice.
type hearer interface {
	admit(sounder)
	dismiss(sounder)
}

// sounding is one party's voice for one hearer.
type sounding struct {
	voice voice
	to    hearer
	untap func()
}

func sound(from *Session, to hearer) *sounding {
	s := &sounding{to: to}
	to.admit(&s.voice)
	s.untap = from.AddTap(&s.voice)
	return s
}

func (s *sounding) end() {
	s.untap()
	s.to.dismiss(&s.voice)
}

// Join has guest take part in the conversation of customer and agent, whether they are
// bridged at the moment or not. It stays until Leave, whatever becomes of the bridge; who
// is not to hear a customer whom the agent does not hear either is told so by Hear.
// It may have no bridge itself, nor be a guest already.
func (e *Engine) Join(guest, customer, agent *Session, part Part) (*Guest, error) {
	e.bridging.Lock()
	defer e.bridging.Unlock()
	switch {
	case guest.leaving:
		return nil, ErrClosed
	case guest == customer || guest == agent || guest.bridge != nil || guest.visit != nil:
		return nil, ErrBridged
	}
	g := &Guest{guest: guest, customer: customer, agent: agent, part: part, others: map[*Guest]*sounding{}}
	guest.visit = g
	for i, party := range []*Session{customer, agent} {
		g.hears[i] = sound(party, guest.out)
	}
	customer.guests = append(customer.guests, g)
	g.speak()
	return g, nil
}

// Take changes the guest's part, from the next packet on.
func (g *Guest) Take(part Part) {
	e := g.guest.engine
	e.bridging.Lock()
	defer e.bridging.Unlock()
	if !g.left {
		g.part = part
		g.speak()
	}
}

// Hear has the guest hear the customer from the next packet on, as they do from Join, or
// not any more: a customer on hold believes that nobody listens.
func (g *Guest) Hear(customer bool) {
	e := g.guest.engine
	e.bridging.Lock()
	defer e.bridging.Unlock()
	switch heard := g.hears[0] != nil; {
	case g.left || heard == customer:
	case customer:
		g.hears[0] = sound(g.customer, g.guest.out)
	default:
		g.hears[0].end()
		g.hears[0] = nil
	}
}

// speak has the others hear the guest, or not, and the guest them, as the parts say.
func (g *Guest) speak() {
	for i, to := range []hearer{g.customer.out, g.agent.out, &g.agent.chorus} {
		switch heard := !g.left && (g.part >= Barge || i == 1 && g.part == Whisper); {
		case heard && g.speaks[i] == nil:
			g.speaks[i] = sound(g.guest, to)
		case !heard && g.speaks[i] != nil:
			g.speaks[i].end()
			g.speaks[i] = nil
		}
	}
	for _, other := range g.customer.guests {
		if other != g && other.agent == g.agent {
			g.speakTo(other)
			other.speakTo(g)
		}
	}
}

// speakTo has another guest hear this one, or not.
func (g *Guest) speakTo(other *Guest) {
	s := g.others[other]
	switch heard := !g.left && !other.left && g.part.heardBy(other.part); {
	case heard && s == nil:
		g.others[other] = sound(g.guest, other.guest.out)
	case !heard && s != nil:
		s.end()
		delete(g.others, other)
	}
}

// Leave ends it: the guest hears silence, and nobody hears the guest. It may be called
// more than once.
func (g *Guest) Leave() {
	e := g.guest.engine
	e.bridging.Lock()
	defer e.bridging.Unlock()
	g.leave()
}

// Withdraw ends what the session is a guest of, if anything, as Guest.Leave does.
func (s *Session) Withdraw() {
	s.engine.bridging.Lock()
	defer s.engine.bridging.Unlock()
	if s.visit != nil {
		s.visit.leave()
	}
}

func (g *Guest) leave() {
	if g.left {
		return
	}
	g.left, g.guest.visit = true, nil
	g.speak()
	for _, s := range g.hears {
		if s != nil {
			s.end()
		}
	}
	g.customer.guests = slices.DeleteFunc(g.customer.guests, func(other *Guest) bool { return other == g })
}

// admit has a voice mixed into the stream from the next packet on.
func (o *stream) admit(v sounder) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.guests.admit(v)
}

// dismiss ends what admit began.
func (o *stream) dismiss(v sounder) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.guests.dismiss(v)
}
