package dialer

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ringpace/dialer/api"
	"ringpace/pacing"
)

// played is a floor in virtual time: the campaign decides as it does in the daemon, on the
// floor that it has there, and agents, people, trunks and the ledger do what a test says.
// Calls and conversations are goroutines of their own.
type played struct {
	t     *testing.T
	c     *campaign
	f     *floor
	books *shelf
	rng   *rand.Rand
	began time.Time

	people func(at time.Duration) float64 // share of the calls dialed then that a person answers
	down   func(at time.Duration) bool    // whether no trunk carries a call
	stop   string                         // why nothing may be dialed

	mu                  sync.Mutex
	there               map[string]bool // agents who are at work
	answered, abandoned int
	dialed, flying      int
	worst               float64 // over at the worst, at full seconds
	bound               bool    // the credit was shown to bind
}

const playedAgents = 10

// play begins a day in which so many have answered and been abandoned already. It must be
// called in a bubble.
func play(t *testing.T, answered, abandoned int) *played {
	p := &played{
		t: t, rng: rand.New(rand.NewPCG(7, 8)), began: time.Now(), there: map[string]bool{}, answered: answered, abandoned: abandoned,
		people: func(time.Duration) float64 { return 0.2 },
		down:   func(time.Duration) bool { return false },
		books:  &shelf{windows: []pacing.Window{{Name: "day", Ceiling: 0.03, Ends: time.Now().Add(8 * time.Hour)}}},
	}
	p.c = bookkeeper(t, p.books, pacing.Predictive)
	p.f, p.c.metrics, p.c.nudged, p.c.last = p.c.floor, api.NewMetrics("test"), make(chan struct{}, 1), &api.Decision{}
	p.f.watch("x", p.c.nudge)
	p.arrive()
	return p
}

func (p *played) at() time.Duration { return time.Since(p.began) }

// arrive brings every agent to the floor.
func (p *played) arrive() {
	for i := range playedAgents {
		id := string(rune('a' + i))
		p.atWork(id, true)
		p.f.sit(&agent{id: id}, []string{"x"})
		p.f.free(id)
	}
}

// vanish takes every agent off the floor at once.
func (p *played) vanish(leave func(id string)) {
	for i := range playedAgents {
		id := string(rune('a' + i))
		p.atWork(id, false)
		leave(id)
	}
}

func (p *played) atWork(id string, there bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.there[id] = there
}

// finished has an agent take calls again who is through with one, unless they have gone.
func (p *played) finished(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.there[id] {
		p.f.free(id)
	}
}

// counts is what has happened so far.
func (p *played) counts() (answered, abandoned, dialed, flying int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.answered, p.abandoned, p.dialed, p.flying
}

// over is how many more were abandoned than the ceiling bears.
func (p *played) over() float64 {
	answered, abandoned, _, _ := p.counts()
	return float64(abandoned) - 0.03*float64(answered)
}

func (p *played) lognormal(median, sigma float64) time.Duration {
	return time.Duration(median * math.Exp(sigma*p.rng.NormFloat64()) * float64(time.Second))
}

// day runs the campaign for so long, as its own loop does.
func (p *played) day(length time.Duration) {
	tick := time.NewTicker(pulse)
	defer tick.Stop()
	over := time.After(length)
	for {
		if p.c.rhythm.due() {
			p.pace()
		}
		select {
		case <-over:
			return
		case <-p.c.rhythm.rested():
		case <-tick.C:
			w := &p.books.windows[0]
			w.Answered, w.Abandoned, _, _ = p.counts()
			p.worst = max(p.worst, p.over())
			p.bound = p.bound || p.c.last.Limit == string(pacing.ByCredit) && strings.Contains(p.c.text, "The credit binds")
			p.c.balance(p.t.Context())
		case <-p.c.nudged:
		}
	}
}

func (p *played) pace() {
	_, _, _, flying := p.counts()
	ids := p.c.decideWithin(pacing.Limits{Leads: 1000, Channels: 400 - flying, Rate: 5, Stop: cmp.Or(p.stop, p.c.unread())})
	for _, id := range ids {
		p.mu.Lock()
		p.dialed++
		p.flying++
		p.mu.Unlock()
		quit := make(chan struct{}, 1)
		p.f.dialed(id, pacing.Lead{}, func() { quit <- struct{}{} })
		c := playedCall{
			id: id, quit: quit, down: p.down(p.at()), person: p.rng.Float64() < p.people(p.at()),
			setup: time.Duration((1 + 2*p.rng.Float64()) * float64(time.Second)), rings: p.lognormal(7.5, 0.55), handling: p.handling(),
		}
		go p.call(c)
	}
}

func (p *played) handling() time.Duration {
	talk := p.lognormal(18, 0.7)
	if p.rng.Float64() < 0.45 {
		talk = p.lognormal(130, 0.7)
	}
	return talk + p.lognormal(12, 0.7)
}

// playedCall is a call and its fate.
type playedCall struct {
	id                     string
	quit                   chan struct{} // asks to give it up
	down, person           bool
	setup, rings, handling time.Duration
}

// call is one call, to the end of the agent's wrap-up.
func (p *played) call(c playedCall) {
	if c.down {
		time.Sleep(200 * time.Millisecond)
		p.landed(c.id, p.f.failed)
		return
	}
	time.Sleep(c.setup)
	p.f.advance(c.id, pacing.Ringing)
	const ringTimeout = 25 * time.Second
	select {
	case <-time.After(min(c.rings, ringTimeout)):
	case <-c.quit:
		c.person = false
	}
	if !c.person || c.rings > ringTimeout {
		p.landed(c.id, p.f.landed)
		return
	}
	p.mu.Lock()
	p.answered++
	p.mu.Unlock()
	p.f.advance(c.id, pacing.Waiting)
	claim := p.f.claim("x")
	select {
	case who := <-claim.got:
		p.f.met(c.id, true)
		p.landed(c.id, p.f.landed)
		time.Sleep(c.handling)
		p.finished(who.id)
		return
	case <-time.After(2 * time.Second):
	}
	if who := p.f.giveUp(claim); who != nil {
		p.finished(who.id)
	}
	p.mu.Lock()
	p.abandoned++
	p.mu.Unlock()
	p.landed(c.id, p.f.abandoned)
}

// landed ends a call's flight.
func (p *played) landed(id string, how func(string)) {
	p.mu.Lock()
	p.flying--
	p.mu.Unlock()
	how(id)
}

// TestAgentsVanish has all agents go at once, home or on a break, while calls are in
// flight: nothing is dialed until they are back, calls that ring are given up, and the
// ceiling holds.
func TestAgentsVanish(t *testing.T) {
	for name, leave := range map[string]func(f *floor, id string){
		"home":     func(f *floor, id string) { f.leave(id) },
		"on break": func(f *floor, id string) { f.mark(id, pacing.Away) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := play(t, 1000, 15)
				p.day(10 * time.Minute)
				_, _, before, inFlight := p.counts()
				for inFlight < 3 {
					p.day(time.Second)
					_, _, before, inFlight = p.counts()
				}
				p.vanish(func(id string) { leave(p.f, id) })
				p.day(30 * time.Second)
				_, _, dialed, flying := p.counts()
				if dialed != before || flying > 0 {
					t.Errorf("%d calls were in flight; %d more were dialed, and %d are in flight after half a minute", inFlight, dialed-before, flying)
				}
				if p.c.last.Limit != string(pacing.ByAgents) || !strings.Contains(p.c.text, "The agents bind") {
					t.Errorf("the limit is %s: %s", p.c.last.Limit, p.c.text)
				}
				p.day(5 * time.Minute)
				p.arrive()
				p.day(10 * time.Minute)
				if _, _, after, _ := p.counts(); after < before+before/2 || p.over() > 0 {
					t.Errorf("%d dialed before and %d after they came back; %.1f abandoned too many", before, after-before, p.over())
				}
				p.quit()
			})
		})
	}
}

// TestDayBegins has a day begin with nothing earned: at no time are many more abandoned than
// the ceiling bears of those who have answered so far.
func TestDayBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := play(t, 0, 0)
		p.day(30 * time.Minute)
		if _, _, dialed, _ := p.counts(); p.worst > 6 || dialed < 300 {
			t.Errorf("%d dialed, %.1f abandoned too many at the worst", dialed, p.worst)
		}
		p.quit()
	})
}

// TestTrunksFailAndReturn has every call fail at once for a while, and then none be placed
// at all: nothing that pacing learns of it makes it dial too many when the trunks are back.
func TestTrunksFailAndReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := play(t, 1000, 15)
		p.day(20 * time.Minute)
		_, abandoned, before, _ := p.counts()
		fails := p.at()
		p.down = func(at time.Duration) bool { return at < fails+2*time.Minute }
		p.day(time.Minute)
		p.stop = "trunk carrier is down"
		p.day(5 * time.Minute)
		if _, _, _, flying := p.counts(); flying > 0 || p.c.last.Limit != string(pacing.ByStop) || !strings.Contains(p.c.text, p.stop) {
			t.Errorf("%d calls are in flight; %s", flying, p.c.text)
		}
		_, _, failed, _ := p.counts()
		p.stop = ""
		p.day(20 * time.Minute)
		_, lost, after, _ := p.counts()
		if lost-abandoned > 7 || p.over() > 0 || after-failed < before/2 {
			t.Errorf("%d abandoned after, %.1f too many in all; %d dialed before and %d after", lost-abandoned, p.over(), before, after-failed)
		}
		p.quit()
	})
}

// TestAnswersJump has twelve times as many people answer from one moment to the next. What
// is in flight then costs more than the day has earned; but the jump is known within some
// tens of answers, and from then on calls are dialed for agents only who are all but sure
// to be free, until the day is below the ceiling again. The credit is shown to bind.
func TestAnswersJump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const jump = 30 * time.Minute
		p := play(t, 800, 24)
		p.people = func(at time.Duration) float64 {
			if at < jump {
				return 0.05
			}
			return 0.6
		}
		p.day(jump)
		before := p.worst
		p.day(3 * time.Minute)
		soon := p.over()
		p.day(12 * time.Minute)
		later := p.over()
		p.day(150 * time.Minute)
		if before > 4 || p.worst > 20 || !p.bound {
			t.Errorf("%.1f abandoned too many at the worst, %.1f before the jump; that the credit binds is shown: %v", p.worst, before, p.bound)
		}
		if later > soon+4 || p.over() > 0 {
			t.Errorf("%.1f abandoned too many three minutes after the jump, %.1f after fifteen, %.1f in the end", soon, later, p.over())
		}
		p.quit()
	})
}

// TestLedgerIsAway has the counts be unreadable for a minute: nothing is dialed, and the
// reason is shown.
func TestLedgerIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := play(t, 1000, 15)
		p.day(10 * time.Minute)
		p.books.fault = errors.New("redis is away")
		p.day(windowsAge + pulse)
		_, _, before, _ := p.counts()
		p.day(time.Minute)
		if _, _, after, _ := p.counts(); after != before || !strings.Contains(p.c.text, "redis is away") {
			t.Errorf("%d dialed without the ledger: %s", after-before, p.c.text)
		}
		p.books.fault = nil
		p.day(10 * time.Minute)
		if _, _, after, _ := p.counts(); after == before || p.over() > 0 {
			t.Errorf("%d dialed after, %.1f abandoned too many", after-before, p.over())
		}
		p.quit()
	})
}

// quit waits for the end of all calls and conversations, as a bubble must.
func (p *played) quit() {
	time.Sleep(6 * time.Hour) // virtual
}
