package dialer_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"ringpace/dialer"
	"ringpace/dialer/config"
	"ringpace/dialer/lab"
	"ringpace/dialer/store"
)

const (
	official = "+12025550100"
	patience = 30 * time.Second // for anything that must come; on a slow machine it comes late
)

// house is a floor under test: a carrier, a PBX, a daemon between them.
type house struct {
	t       testing.TB
	carrier *lab.Carrier
	pbx     *lab.PBX
	daemon  *dialer.Daemon
	cfg     *config.Config
	dir     string
	path    string // of the configuration
	log     *logBuffer
	killed  bool   // a daemon was killed: its calls cannot be ended in order
	quit    func() // ends the daemon and waits for it
}

// build makes a house and runs its daemon.
func build(t *testing.T, p plan) *house {
	t.Helper()
	h := &house{t: t, dir: p.Dir, log: &logBuffer{}}
	if h.dir == "" {
		h.dir = t.TempDir()
	}
	h.openLab(p)
	h.configure(p)
	h.start(p)
	return h
}

// openLab opens the carrier and the PBX that the plan does not bring itself.
func (h *house) openLab(p plan) {
	h.t.Helper()
	if p.Behave == nil {
		p.Behave = func(string) lab.Behaviour { return lab.Person }
	}
	if p.Ring == 0 {
		p.Ring = 50 * time.Millisecond
	}
	var ends float64
	if p.Talk > 0 {
		ends = 1
	}
	var err error
	if p.Trunk == "" {
		h.carrier, err = lab.NewCarrier(lab.CarrierConfig{
			Addr:      p.CarrierAt,
			Transport: p.transport(),
			NoEvents:  p.NoEvents,
			Username:  "bank", Password: "vault", ChallengeInvites: true, CallerIDs: []string{official},
			Behave: p.Behave, Ring: lab.Spread{Median: p.Ring}, SlowRing: lab.Spread{Median: time.Second},
			Talk: lab.Spread{Median: p.Talk}, CustomerEnds: ends, Patience: patience, Voice: p.calleeVoice(),
		})
		if err != nil {
			h.t.Fatal(err)
		}
		h.atEnd(h.carrier.Close)
	}
	if p.Peer == "" {
		h.pbx, err = lab.NewPBX(lab.PBXConfig{Addr: p.PBXAt, Extensions: append(p.extensions(), p.phones()...), RingFor: p.RingFor, Voice: p.phoneVoice()})
		if err != nil {
			h.t.Fatal(err)
		}
		h.atEnd(h.pbx.Close)
	}
}

func (h *house) atEnd(end func(context.Context) error) {
	h.t.Cleanup(func() {
		limit := patience
		if h.killed {
			limit = time.Second // nobody is there any more to answer a BYE
		}
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		if err := end(ctx); err != nil && !h.killed {
			h.t.Error(err)
		}
	})
}

// start runs the daemon. It can be called again once quit has returned.
func (h *house) start(p plan) {
	h.t.Helper()
	logger := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ctx, cancel := context.WithCancel(context.Background())
	if p.Ports > 0 {
		first := freePorts(h.t, 2*p.Ports)
		h.cfg.Media.Ports = config.PortRange{Min: uint16(first), Max: uint16(first + 2*p.Ports - 1)}
	}
	options := dialer.Options{Logger: logger, Version: "test", Path: h.path}
	var err error
	if p.Redis == "" {
		options.Store, err = store.OpenEmbedded(ctx, store.Config{
			Node: "test", JournalDir: filepath.Join(h.dir, "journal"), Logger: logger, Campaign: dialer.Windows(h.cfg),
			Timeout: patience, // it is never away
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
	if h.daemon, err = dialer.New(ctx, h.cfg, options); err != nil {
		h.t.Fatal(err)
	}
	if at, ok := h.daemon.SIPAddr("udp"); ok && h.pbx != nil {
		if err := h.pbx.Connect(at); err != nil {
			h.t.Fatal(err)
		}
	}
	done := make(chan error, 1)
	go func() { done <- h.daemon.Run(ctx) }()
	h.quit = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				h.t.Error("daemon:", err)
			}
		case <-time.After(patience):
			h.t.Fatal("the daemon does not end")
		}
	})
	quit := h.quit
	h.t.Cleanup(func() {
		h.daemon.HangUp()
		quit()
		if h.t.Failed() {
			h.t.Log(h.log.String())
		}
	})
	h.await("calls to be taken", h.daemon.TakesCalls)
}

// logBuffer keeps what the daemon logs, for the report of a test that failed.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// await waits until something is so.
func (h *house) await(what string, so func() bool) {
	h.t.Helper()
	h.awaitFor(patience, what, so)
}

// awaitIdleCarrier waits until the carrier has seen the end of every call.
func (h *house) awaitIdleCarrier() {
	h.t.Helper()
	h.await("the end of the carrier's calls", func() bool { return h.carrier.Report().Up == 0 })
}

// awaitFor is await for what takes long by itself.
func (h *house) awaitFor(long time.Duration, what string, so func() bool) {
	h.t.Helper()
	deadline := time.Now().Add(long)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		if time.Now().After(deadline) {
			h.t.Fatalf("in vain: %s; %s", what, h.scene())
		}
		<-tick.C
	}
}

// scene tells how things stand, for the report of a test that failed.
func (h *house) scene() string {
	if h.daemon == nil {
		return "no daemon"
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	agents, _ := h.daemon.Agents(ctx)
	calls, _ := h.daemon.Calls(ctx)
	counts, err := h.daemon.LeadCounts(ctx, "test")
	x, _ := h.daemon.Explain(ctx, "test")
	text := fmt.Sprintf("leads %+v (%v); %s", counts.States, err, x.Summary)
	for _, a := range agents {
		text += fmt.Sprintf("\nagent %s %s (%s)", a.ID, a.State, a.Reason)
	}
	for _, c := range calls {
		text += fmt.Sprintf("\ncall %s to %s %s, %.0f s", c.ID, c.Number, c.State, c.AgeS)
	}
	return text
}
