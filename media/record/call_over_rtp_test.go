package record

import (
	"math"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"ringpace/media"
)

// arrivals keeps when packets came, and lets a test wait for a number of them.
type arrivals struct {
	mu          sync.Mutex
	first, last time.Time
	count, want int
	enough      chan struct{}
}

func (a *arrivals) Tap(p *media.Packet) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.count == 0 {
		a.first = p.Arrival
	}
	a.last = p.Arrival
	if a.count++; a.count == a.want {
		close(a.enough)
	}
}

// dial connects a session with a party that plays a tone.
func dial(t *testing.T, e *media.Engine, freq float64, codec media.Codec) *media.Session {
	t.Helper()
	ours, err := e.NewSession(media.SessionConfig{})
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := e.NewSession(media.SessionConfig{Codecs: []media.Codec{codec}})
	if err != nil {
		t.Fatal(err)
	}
	theirs.Play(media.PromptTone([]float64{freq}, -10, 100*time.Second), true)
	answer, err := theirs.Answer(ours.Offer())
	if err != nil {
		t.Fatal(err)
	}
	if err := ours.Accept(answer); err != nil {
		t.Fatal(err)
	}
	return ours
}

// TestCallOverRTP records a call over real sockets: the customer (A-law, 440 Hz) is
// bridged to the agent (mu-law, 1000 Hz) after half a second.
func TestCallOverRTP(t *testing.T) { eachKind(t, testCallOverRTP) }

func testCallOverRTP(t *testing.T, as kind) {
	e, err := media.NewEngine(media.Config{Addr: netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	customer, agent := dial(t, e, 440, media.PCMA), dial(t, e, 1000, media.PCMU)
	await(t, "the customer", customer.Received())
	await(t, "the agent", agent.Received())

	r := newTestRecorder(t, as.of(Config{}))
	rec := start(t, r, Meta{ID: "rtp", Codec: customer.Codec()})
	whole := &arrivals{want: 100, enough: make(chan struct{})}
	half := &arrivals{want: 25, enough: make(chan struct{})}
	customer.AddTap(rec.Customer())
	customer.AddTap(whole)
	customer.AddTap(half)
	await(t, "half a second of the customer", half.enough)
	agent.AddTap(rec.Agent())
	bridge, err := e.Bridge(customer, agent)
	if err != nil {
		t.Fatal(err)
	}
	bridgedAt := await(t, "the first agent packet", bridge.FirstSent())
	await(t, "two seconds of the customer", whole.enough)
	bridge.Close()
	customer.Close()
	agent.Close()

	sum, l, rt := closed(t, rec)
	// The machine may be busy, so what came late by jitter is allowed for.
	const slack = 100 * time.Millisecond
	if want := whole.last.Sub(whole.first) + 20*ms; (sum.Duration - want).Abs() > slack {
		t.Errorf("the recording lasts %v, the call %v", sum.Duration, want)
	}
	at := sampleCount(bridgedAt.Sub(sum.Start))
	margin := sampleCount(slack)
	for _, c := range []struct {
		name    string
		samples []byte
		freq    float64
	}{
		{"left", l[margin : len(l)-int(margin)], 440},
		{"right", rt[at+margin : len(rt)-int(margin)], 1000},
	} {
		if share := purity(c.samples, c.freq); share < 0.9 {
			t.Errorf("%s channel: %.0f %% of the power is at %v Hz", c.name, 100*share, c.freq)
		}
	}
	if quiet := media.PCMA.Energy(rt[:at-margin]); quiet > uint64(at)*100 {
		t.Errorf("the right channel is not silent before the bridge")
	}
	if found, err := Find(filepath.Dir(filepath.Join(r.cfg.Dir, sum.Path)), "rtp"); err != nil || found.SHA256 != sum.SHA256 {
		t.Errorf("found %+v, %v", found, err)
	}
}

// purity is the share of the power that lies at a frequency, taken over blocks of
// 100 ms so that a step in phase costs one block only.
func purity(samples []byte, freq float64) float64 {
	const block = 800
	var tone, total float64
	for ; len(samples) >= block; samples = samples[block:] {
		var re, im float64
		for i, b := range samples[:block] {
			x := float64(media.PCMA.Decode(b))
			angle := 2 * math.Pi * freq * float64(i) / media.ClockRate
			re, im, total = re+x*math.Cos(angle), im+x*math.Sin(angle), total+x*x
		}
		tone += 2 * (re*re + im*im) / block
	}
	return tone / total
}
