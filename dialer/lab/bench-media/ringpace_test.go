package main

import (
	"os"
	"testing"
	"time"

	"ringpace/media"
)

// Bridges pass everything on, and their recordings hold it.
func TestBridgesAndRecordingsAreExact(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]setup{
		"plain":     {},
		"encrypted": {Secure: true},
		"monitored": {Monitors: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.Calls, s.Tick = 3, time.Millisecond
			bridgeAndRecord(t, s)
		})
	}
}

func bridgeAndRecord(t *testing.T, s setup) {
	engine, err := media.NewEngine(media.Config{Addr: loopback})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	g, err := newGenerator(s)
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	f := &floor{engine: engine}
	defer f.close()
	connected, err := f.obey(work{Far: g.far, Record: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.start(connected.Near); err != nil {
		t.Fatal(err)
	}
	found, err := g.measure(500*time.Millisecond, os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// A generator that was held up for so long is stood in for by silence.
	if !found.clean() && found.Late < 100*time.Millisecond {
		t.Errorf("not every packet came as it was sent: %v", found)
	}
	if periods := int(found.To - found.From); found.Monitored < s.Monitors*periods/2 || s.Monitors == 0 && found.Monitored > 0 {
		t.Errorf("%d packets came to %d monitors in %d periods", found.Monitored, s.Monitors, periods)
	}
	g.stop()
	ended, err := f.obey(work{Finish: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(ended.Recordings) != len(g.far.Ends) {
		t.Errorf("%d recordings of %d calls", len(ended.Recordings), len(g.far.Ends))
	}
	for call, k := range ended.Recordings {
		if err := exact(k.Path, call, found.From, found.To); err != nil && found.Late < 100*time.Millisecond {
			t.Error(err)
		}
	}
}
