package record

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// diskInterval is how often the room on the disk is looked at.
const diskInterval = 2 * time.Second

// disk watches whether recordings can be kept, and raises the alarm when not. The
// goroutine that looks is its own, since looking can stall as writing can.
type disk struct {
	dir     string
	minFree int64
	room    func(dir string) (int64, error) // octets that are left. Tests put faults in its place
	looking stint
	log     *slog.Logger
	changed chan struct{} // one deep
	stop    chan struct{}

	mu       sync.Mutex
	free     int64             // octets that were left at the last look
	lowSpace string            // what is wrong, in plain words; empty: nothing
	stalled  string            // by the vigil: the same
	failing  map[string]string // by the directory where writes fail: the same
}

func newDisk(dir string, minFree int64, log *slog.Logger) *disk {
	d := &disk{
		dir: dir, minFree: minFree, room: room, looking: stint{limit: stallLimit}, log: log,
		changed: make(chan struct{}, 1), stop: make(chan struct{}), failing: map[string]string{},
	}
	d.look()
	return d
}

// trouble says what is wrong; empty if nothing is.
func (d *disk) trouble() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, dir := range slices.Sorted(maps.Keys(d.failing)) {
		return d.failing[dir]
	}
	return cmp.Or(d.stalled, d.lowSpace)
}

// run looks until stop is closed.
func (d *disk) run() {
	ticker := time.NewTicker(diskInterval)
	defer ticker.Stop()
	for {
		select {
		case <-d.stop:
			return
		case <-ticker.C:
			d.look()
		}
	}
}

// look measures the room, and tries whether files can be made and written: permissions,
// quotas, inodes and mounts all have a say in that. Where writes failed it tries whether
// they still do.
func (d *disk) look() {
	d.looking.begin()
	defer d.looking.end()
	low := ""
	free, err := d.room(d.dir)
	if err != nil {
		low = fmt.Sprintf("the recording directory %s cannot be examined: %v", d.dir, err)
	} else if free < d.minFree {
		low = fmt.Sprintf("the disk of %s has %d MiB left, recordings need %d MiB", d.dir, free>>20, d.minFree>>20)
	} else if err := probe(d.dir); err != nil {
		low = fmt.Sprintf("the recording directory %s cannot be written to: %v", d.dir, err)
	}
	d.mu.Lock()
	failing := slices.Collect(maps.Keys(d.failing))
	d.mu.Unlock()
	well := slices.DeleteFunc(failing, func(dir string) bool { return probe(dir) != nil })
	d.set(func() {
		d.free, d.lowSpace = free, low
		for _, dir := range well {
			delete(d.failing, dir)
		}
	})
}

// room is how much is left on the disk of a directory, in octets.
func room(dir string) (int64, error) {
	var fs syscall.Statfs_t
	err := syscall.Statfs(dir, &fs)
	return int64(fs.Bavail) * int64(fs.Bsize), err
}

// wrote is told of writes in a directory: nil, or why one failed.
func (d *disk) wrote(dir string, err error) {
	if err == nil {
		return // one file that can be written says nothing of the next
	}
	d.set(func() { d.failing[dir] = fmt.Sprintf("recordings cannot be written: %v", err) })
}

// set changes the state, and tells if that made a difference.
func (d *disk) set(change func()) {
	before := d.trouble()
	d.mu.Lock()
	change()
	d.mu.Unlock()
	after := d.trouble()
	if before == after {
		return
	}
	if after == "" {
		d.log.Info("recordings can be written again", "dir", d.dir)
	} else if before == "" {
		d.log.Error("recordings cannot be kept", "dir", d.dir, "why", after)
	}
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// probe tries whether a file can be written in dir, which is made if it is not there.
func probe(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(make([]byte, 4096))
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}
