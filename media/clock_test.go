package media

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
)

// ticking counts its ticks.
type ticking struct {
	mu      sync.Mutex
	ticks   int
	elapsed time.Duration
	block   time.Duration // how long each tick takes
}

func (c *ticking) tick(_ time.Time, elapsed time.Duration) {
	c.mu.Lock()
	c.ticks++
	c.elapsed += elapsed
	block := c.block
	c.block = 0
	c.mu.Unlock()
	time.Sleep(block)
}

func (c *ticking) read() (int, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ticks, c.elapsed
}

func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		stop := make(chan struct{})
		defer close(stop)
		go c.run(stop)
		a, b := &ticking{}, &ticking{}
		c.add(a, &nap{})
		c.add(b, &nap{})
		time.Sleep(time.Second + ms)
		if n, elapsed := a.read(); n != 50 || elapsed != time.Second {
			t.Errorf("%d ticks of %v in a second", n, elapsed)
		}
		c.remove(a)
		c.remove(a)
		// A tick that is held up is made up for, so that streams keep their rate.
		b.mu.Lock()
		b.block = 130 * ms
		b.mu.Unlock()
		time.Sleep(time.Second)
		if n, elapsed := b.read(); n >= 100 || elapsed != 2*time.Second {
			t.Errorf("%d ticks of %v in two seconds", n, elapsed)
		}
		if n, _ := a.read(); n != 50 {
			t.Errorf("a former member has %d ticks", n)
		}
		if c.late.Load() == 0 {
			t.Error("the late tick was not counted")
		}
		// Who rests is left alone, until woken.
		d, rests := &ticking{}, &nap{}
		rests.rest(10)
		c.add(d, rests)
		time.Sleep(11 * clockPeriod)
		if n, elapsed := d.read(); n != 1 || elapsed != clockPeriod {
			t.Errorf("%d ticks of %v after a rest of 10 periods", n, elapsed)
		}
		rests.rest(10)
		time.Sleep(5 * clockPeriod)
		rests.wake()
		time.Sleep(5 * clockPeriod)
		if n, _ := d.read(); n != 6 {
			t.Errorf("%d ticks after being woken", n-1)
		}
	})
}

// TestWhatWakesAStream holds that a stream which rests, because its party is relayed, is at
// the next tick where something is for the clock to send.
func TestWhatWakesAStream(t *testing.T) {
	tone := PromptTone([]float64{440}, -12, time.Second)
	for name, do := range map[string]func(t *testing.T, s, party *Session, b *Bridge){
		"a prompt":   func(_ *testing.T, s, _ *Session, _ *Bridge) { s.Play(tone, false) },
		"an overlay": func(_ *testing.T, s, _ *Session, _ *Bridge) { s.Overlay(tone, 0, 0) },
		"a key": func(t *testing.T, s, _ *Session, _ *Bridge) {
			if err := s.Press("5"); err != nil {
				t.Fatal(err)
			}
		},
		"the end of the bridge": func(_ *testing.T, _, _ *Session, b *Bridge) { b.Close() },
		"a party that falls silent": func(t *testing.T, _, party *Session, _ *Bridge) {
			deliver(t, party, rtp.Packet{
				Header:  rtp.Header{Version: 2, PayloadType: 13, SequenceNumber: 3, Timestamp: 480, SSRC: 7},
				Payload: []byte{60},
			}, time.Now())
		},
		"nothing": nil,
	} {
		t.Run(name, func(t *testing.T) {
			e := bareEngine()
			s, _ := bareSession(t, e, "8 101")
			party, _ := bareSession(t, e, "8 13 101")
			b, err := e.Bridge(s, party)
			if err != nil {
				t.Fatal(err)
			}
			now := time.Now()
			for k := range uint16(3) {
				deliver(t, party, speech(k, uint32(k)*160, 0x55), now)
			}
			s.tick(now, clockPeriod)
			if s.out.nap.over(1) {
				t.Fatal("a stream that is relayed does not rest")
			}
			if do != nil {
				do(t, s, party, b)
			}
			if awake := s.out.nap.over(1); awake != (do != nil) {
				t.Errorf("awake: %v", awake)
			}
		})
	}
}
