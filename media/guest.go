package media

import "sync"

// Part is how a guest takes part in a conversation. A guest always hears both.
type Part uint8

// The parts.
const (
	Monitor Part = iota // nobody hears the guest
	Whisper             // the agent hears the guest, the customer does not
	Barge               // both hear the guest: three talk
)

// Guest is a third session at the conversation of a customer and an agent.
//
// The bridge of the two knows nothing of it: its packets are relayed as they come,
// with the numbers that they would have. The guest hears both by taps, mixed by the
// 20 ms clock. Where the guest is heard, the voice is added to the samples of each
// packet that goes out anyway, as much of it as the packet is long, so that coming and
// going changes neither the pace nor the level of the others. Each of the voices that
// are mixed has a jitter buffer of its own (voice). A prompt that plays goes before
// guests: a customer on hold hears the music alone, and an agent with a customer on
// hold hears who whispers. What the customer hears of a guest is said on the agent's
// side of the conversation, and recorded there (WithGuests).
//
// Guests of the same two do not hear each other.
type Guest struct {
	guest, customer, agent *Session
	hears                  [2]*voice // customer, agent
	untap                  [2]func()

	mu       sync.Mutex // serialises changes
	left     bool
	speaks   [3]*voice // to customer, to agent, to the agent's chorus; nil where not heard
	unspoken [3]func() // ends speaks
}

// hearer is who can hear guests.
type hearer interface {
	admit(*voice)
	dismiss(*voice)
}

// Join has guest take part in the conversation of customer and agent, whether they are
// bridged at the moment or not. It stays until Leave, whatever becomes of the bridge.
// It may have no bridge itself, nor be a guest already.
func (e *Engine) Join(guest, customer, agent *Session, part Part) (*Guest, error) {
	e.bridging.Lock()
	defer e.bridging.Unlock()
	switch {
	case guest.leaving:
		return nil, ErrClosed
	case guest == customer || guest == agent || guest.bridge != nil || guest.visits:
		return nil, ErrBridged
	}
	guest.visits = true
	g := &Guest{guest: guest, customer: customer, agent: agent}
	for i, party := range []*Session{customer, agent} {
		g.hears[i] = &voice{}
		g.untap[i] = party.AddTap(g.hears[i])
		guest.out.admit(g.hears[i])
	}
	g.Take(part)
	return g, nil
}

// Take changes the guest's part, from the next packet on.
func (g *Guest) Take(part Part) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.left {
		return
	}
	g.speak(part == Barge, part != Monitor)
}

// speak has the customer and the agent hear the guest, or not.
func (g *Guest) speak(customer, agent bool) {
	for i, to := range []hearer{g.customer.out, g.agent.out, &g.agent.chorus} {
		switch heard := i == 1 && agent || i != 1 && customer; {
		case heard && g.speaks[i] == nil:
			g.speaks[i] = &voice{}
			to.admit(g.speaks[i])
			g.unspoken[i] = g.guest.AddTap(g.speaks[i])
		case !heard && g.speaks[i] != nil:
			g.unspoken[i]()
			to.dismiss(g.speaks[i])
			g.speaks[i] = nil
		}
	}
}

// Leave ends it: the guest hears silence, and nobody hears the guest. It may be called
// more than once.
func (g *Guest) Leave() {
	e := g.guest.engine
	e.bridging.Lock()
	defer e.bridging.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.left {
		return
	}
	g.left, g.guest.visits = true, false
	g.speak(false, false)
	for i, remove := range g.untap {
		remove()
		g.guest.out.dismiss(g.hears[i])
	}
}

// admit has a voice mixed into the stream from the next packet on.
func (o *stream) admit(v *voice) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.guests.admit(v)
}

// dismiss ends what admit began.
func (o *stream) dismiss(v *voice) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.guests.dismiss(v)
}
