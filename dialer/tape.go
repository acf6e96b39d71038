package dialer

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"ringpace/dialer/config"
	"ringpace/media"
	"ringpace/media/record"
)

// disclosure is how the parties of recorded conversations are told that they are. It
// does not change; a reload makes another.
type disclosure struct {
	beep                *media.Beep
	toCustomer, toAgent bool // who hears the beep
	refuse              rune // the customer's key against being recorded; 0: none
	hangUp              bool // on who presses it
	spoken              map[media.Language]*media.Prompt
}

// notice is the prompt that tells a campaign's customers of the recording: a file, what is
// spoken by default, or neither.
type notice struct {
	file     *media.Prompt
	spoken   bool
	language media.Language
}

// loadConsent makes the notice that a configuration names.
func loadConsent(c *config.Campaign) (notice, error) {
	switch c.Consent {
	case config.PromptOff:
		return notice{}, nil
	case config.PromptDefault:
		return notice{spoken: true, language: media.Language(c.Language)}, nil
	}
	p, err := readPrompt(c.Consent)
	return notice{file: p}, err
}

// prompt is what the customer is told; nil for nothing.
func (n notice) prompt(d *disclosure) *media.Prompt {
	if n.spoken {
		return d.spoken[n.language]
	}
	return n.file
}

func newDisclosure(c *config.Recording) *disclosure {
	b := &c.Beep
	d := &disclosure{
		beep:       media.NewBeep(media.BeepConfig{Frequency: b.Frequency, Level: b.Level, Length: b.Length, Every: b.Every}),
		toCustomer: b.To == config.BeepCustomer || b.To == config.BeepBoth,
		toAgent:    b.To == config.BeepAgent || b.To == config.BeepBoth,
		hangUp:     c.Consent.Refused == config.RefusedHangup,
	}
	for _, key := range c.Consent.Key {
		d.refuse = key
	}
	d.spoken = map[media.Language]*media.Prompt{}
	for _, l := range []media.Language{media.English, media.Chinese} {
		d.spoken[l] = media.Recorded(l, d.refuse)
	}
	return d
}

// tape is the recording of one call, and what tells its parties of it: a prompt, before
// which nothing is recorded, and a beep as long as the recording goes on. The recording
// has on the right what the customer hears: the prompt, then the other party with the
// beep; and on the left what the other party hears. Its methods are safe for concurrent
// use.
type tape struct {
	*record.Recording
	*disclosure
	prompt   *media.Prompt // nil: the customer need not be told
	customer *media.Session

	told    atomic.Bool                    // the customer was, to the end, or need not be
	telling atomic.Pointer[media.Playback] // the prompt, as the customer hears it; nil before

	mu      sync.Mutex // protects all below
	echo    *media.Playback
	began   time.Time // the prompt
	heardAt time.Time
	held    bool           // by Pause
	paused  string         // by the agent of that id: what is said is not to be kept; "": by none
	over    bool           // nothing is recorded any more
	refusal string         // why nothing is kept; "" for no such reason
	party   *media.Session // who talks with the customer; nil: nobody
	beeping *media.Beeping // nil before the first beep
	silence []func()       // ends the beep at the customer's side
	hush    []func()       // and at the party's
	guests  []*tapeGuest   // who hear it besides
}

// tapeGuest is who takes part in a conversation that customer and agent have.
type tapeGuest struct {
	audio *media.Session
	hush  func() // ends the beep; nil before the first
}

// newTape takes over a recording that begins, and records the customer.
func newTape(rec *record.Recording, d *disclosure, n notice, customer *media.Session) (t *tape, untap func()) {
	t = &tape{Recording: rec, disclosure: d, prompt: n.prompt(d), customer: customer}
	t.told.Store(t.prompt == nil)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.run()
	if d.toAgent {
		return t, customer.AddTapWithGuests(rec.Customer())
	}
	return t, customer.AddTap(rec.Customer())
}

// run records, or does not, as things stand. mu is held.
func (t *tape) run() {
	on := !t.held && t.paused == "" && !t.over && (t.told.Load() || t.runs())
	if on {
		t.Recording.Resume()
	} else {
		t.Recording.Pause()
	}
	if t.beeping != nil && on {
		t.beeping.Resume()
	} else if t.beeping != nil {
		t.beeping.Pause()
	}
}

// runs reports whether the prompt is being played.
func (t *tape) runs() bool {
	p := t.telling.Load()
	if p == nil {
		return false
	}
	select {
	case <-p.Done():
		return false
	default:
		return true
	}
}

// Pause keeps silence instead of audio from now on, for a hold.
func (t *tape) Pause() { t.hold(true) }

// Resume ends what Pause began.
func (t *tape) Resume() { t.hold(false) }

func (t *tape) hold(held bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held = held
	t.run()
}

// pauseFor keeps silence instead of audio, through holds too, until resumeFor of the same
// agent. It reports false where nothing is recorded any more.
func (t *tape) pauseFor(agent string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return false
	}
	t.paused = agent
	t.run()
	return true
}

// pauseTail is for how long after an agent's pause the recording keeps silence: what was
// said in the pause has arrived by then, over slow networks and on a busy machine too.
const pauseTail = 250 * time.Millisecond

// resumeFor ends what pauseFor began, unless another agent, who has the customer now, has
// paused the recording since.
func (t *tape) resumeFor(agent string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.paused == agent {
		t.paused = ""
		t.Recording.Hush(pauseTail)
		t.run()
	}
}

// partyTap records the other party, once the customer was told.
type partyTap struct {
	tape *tape
	tap  media.Tap
}

// Tap implements media.Tap.
func (p *partyTap) Tap(packet *media.Packet) {
	if p.tape.heard() {
		p.tap.Tap(packet)
	}
}

// Approach implements media.Approacher.
func (p *partyTap) Approach() uintptr { return media.Approach(p.tap) }

// heard reports whether the customer was told, to the end, or need not be.
func (t *tape) heard() bool {
	if t.told.Load() {
		return true
	}
	if p := t.telling.Load(); p != nil && !t.runs() && p.Completed() {
		t.told.Store(true)
		return true
	}
	return false
}

// join records who talks with the customer from now on, until leave. They are to be
// joined with the customer afterwards, who is told of the recording first, if they have
// not been: the prompt goes before the party's voice.
func (t *tape) join(party *media.Session) (leave func()) {
	untap := party.AddTapWithGuests(&partyTap{tape: t, tap: t.Agent()})
	t.mu.Lock()
	defer t.mu.Unlock()
	t.party, t.hush = party, stop(t.hush)
	if !t.heard() && !t.over && !t.runs() {
		t.began = time.Now()
		t.telling.Store(t.customer.Announce(t.prompt, t.Agent()))
		t.echo = party.Play(t.prompt, false)
	}
	t.run()
	t.sound()
	return func() {
		untap()
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.party == party {
			t.party = nil
			t.hush = stop(t.hush)
		}
	}
}

// include has somebody who takes part in the conversation hear the beep, until leave: a
// third party where anybody does, and another agent where agents do.
func (t *tape) include(audio *media.Session, agent bool) (leave func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if agent && !t.toAgent {
		return func() {}
	}
	g := &tapeGuest{audio: audio}
	t.guests = append(t.guests, g)
	t.sound()
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		g.leave()
		t.guests = slices.DeleteFunc(t.guests, func(other *tapeGuest) bool { return other == g })
	}
}

func (g *tapeGuest) leave() {
	if g.hush != nil {
		g.hush()
	}
}

// sound begins the beep, where it is due and not there. mu is held.
func (t *tape) sound() {
	if !t.toCustomer && !t.toAgent || !t.heard() || t.over {
		return
	}
	if t.beeping == nil {
		t.beeping = t.beep.Begin()
		if t.toCustomer {
			t.silence = append(t.silence, t.beeping.To(t.customer))
		}
		if t.toAgent {
			t.silence = append(t.silence, t.beeping.Beside(t.customer))
		}
		t.run()
	}
	for _, g := range t.guests {
		if g.hush == nil {
			g.hush = t.beeping.To(g.audio)
		}
	}
	if t.party == nil || t.hush != nil {
		return
	}
	if t.toCustomer {
		t.hush = append(t.hush, t.beeping.Beside(t.party))
	}
	if t.toAgent {
		t.hush = append(t.hush, t.beeping.To(t.party))
	}
}

func stop(all []func()) []func() {
	for _, f := range all {
		f()
	}
	return nil
}

// said is closed when the prompt that plays was played, or was cut off; nil where none
// does, or settle has seen it.
func (t *tape) said() <-chan struct{} {
	if t == nil {
		return nil
	}
	if p := t.telling.Load(); p != nil {
		return p.Done()
	}
	return nil
}

// settle is called when said is closed. It reports whether the customer has heard all; if
// not, they are told again with the next party, and nothing is recorded until then. Of a
// recording that has ended it reports false.
func (t *tape) settle() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	told := t.heard() && !t.over // who has heard it all and refused is not one who was told
	if !t.runs() {
		t.telling.Store(nil)
	}
	if told {
		t.heardAt = time.Now()
	}
	t.run()
	t.sound()
	return told
}

// objectLimit is how long after the prompt a customer may refuse.
const objectLimit = 5 * time.Second

// asks reports whether a key of the customer's may refuse the recording now.
func (t *tape) asks() bool {
	if t == nil || t.refuse == 0 {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.over && !t.began.IsZero() && (t.heardAt.IsZero() || time.Since(t.heardAt) < objectLimit)
}

// objects reports whether a key, pressed at that time, refuses the recording.
func (t *tape) objects(key rune, at time.Time) bool {
	if !t.asks() || key != t.refuse {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return !at.Before(t.began)
}

// Why recordings are not kept, as the chain has it.
const (
	whyRefused      = "the customer refused to be recorded"
	whyPartyRefused = "a third party refused to be recorded"
	whyUnbridged    = "no agent took the call"
)

// whyLetGo is the reason of a transfer to who refused to be recorded and so never took
// part: the recording goes on.
const whyLetGo = "they do not want to be recorded"

// reject ends the recording at the wish of who is recorded: the prompt, the beep and all
// that there is of the file. Discard tells when that is gone.
func (t *tape) reject(why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over, t.refusal = true, why
	t.run()
	t.fallSilent()
	if p := t.telling.Load(); p != nil {
		p.Stop()
	}
	t.echo.Stop()
	go func() { _ = t.Discard(why) }() // which is called again before the call's record is written
}

// End says when the call, or the recording of it, has ended. Close or Discard follow.
func (t *tape) End(at time.Time) {
	t.Recording.End(at)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fallSilent()
	t.over = true
}

// fallSilent ends the beep for all. mu is held.
func (t *tape) fallSilent() {
	t.silence, t.hush = stop(t.silence), stop(t.hush)
	for _, g := range t.guests {
		g.leave()
	}
	t.guests = nil
}

// ended reports whether nothing is recorded any more.
func (t *tape) ended() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.over
}

// refused is why reject was called; "" where it was not.
func (t *tape) refused() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refusal
}
