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
	engine, err := media.NewEngine(media.Config{Addr: loopback})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	g, err := newGenerator(3, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	f := &floor{engine: engine}
	defer f.close()
	connected, err := f.obey(work{Ends: g.ends, Record: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.start(connected.Ports); err != nil {
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
	ended, err := f.obey(work{Finish: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(ended.Recordings) != len(g.ends) {
		t.Errorf("%d recordings of %d calls", len(ended.Recordings), len(g.ends))
	}
	for call, path := range ended.Recordings {
		if err := exact(path, call, found.From, found.To); err != nil && found.Late < 100*time.Millisecond {
			t.Error(err)
		}
	}
}
