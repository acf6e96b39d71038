package record

import (
	"sync"
	"testing"
)

// faultyFile is a file on a disk that can be stopped, and can be full.
type faultyFile struct {
	file
	disk *faultyDisk
}

// faultyDisk is what is wrong with it.
type faultyDisk struct {
	mu     sync.Mutex
	failed error         // what writes return
	gate   chan struct{} // writes wait until it is closed
	writes chan struct{} // told of each write that begins; room for one
}

// newFaultyRecorder is a recorder whose files are on such a disk.
func newFaultyRecorder(t *testing.T, cfg Config) (*Recorder, *faultyDisk) {
	t.Helper()
	open := make(chan struct{})
	close(open)
	disk := &faultyDisk{gate: open, writes: make(chan struct{}, 1)}
	r := newTestRecorder(t, cfg)
	r.create = disk.create
	return r, disk
}

func (d *faultyDisk) create(name string) (file, error) {
	f, err := createFile(name)
	if err != nil {
		return nil, err
	}
	return faultyFile{f, d}, nil
}

func (d *faultyDisk) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed = err
}

// stall stops the disk until the function it returns is called.
func (d *faultyDisk) stall() (release func()) {
	gate := make(chan struct{})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gate = gate
	return func() { close(gate) }
}

func (f faultyFile) WriteAt(b []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	gate, err := f.disk.gate, f.disk.failed
	f.disk.mu.Unlock()
	select {
	case f.disk.writes <- struct{}{}:
	default:
	}
	<-gate
	if err != nil {
		return 0, err
	}
	return f.file.WriteAt(b, at)
}

// awaitAlarm waits until a recorder says that its disk is of no use.
func awaitAlarm(t *testing.T, r *Recorder) {
	t.Helper()
	for !r.Full() {
		await(t, "the alarm", r.Changed())
	}
}

// awaitAllClear waits until it is again.
func awaitAllClear(t *testing.T, r *Recorder) {
	t.Helper()
	for r.Full() {
		await(t, "the all-clear", r.Changed())
	}
}
