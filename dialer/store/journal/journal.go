package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// Errors of a journal.
var (
	ErrClosed = errors.New("journal: closed")
	ErrInUse  = errors.New("journal: another process has it open")
)

const (
	fileName = "calls.journal"
	lockName = "calls.lock"

	// The file is rewritten when it is longer than this and than four times
	// what it has to hold.
	compactAt = 1 << 20
)

// Left is what a former process left behind.
type Left struct {
	Open    []Entry // ids that had not ended, with their last mark
	Ended   []Entry // ends that were not done, oldest first
	Damaged int     // lines that were torn or damaged, and passed over
}

// Journal is an open journal. Its methods may be called from any goroutine.
type Journal struct {
	dir  string
	lock *os.File
	wake chan struct{} // has room for one
	done chan struct{} // closed when the writer has returned

	mu     sync.Mutex // protects the fields below
	queue  []request
	marks  map[string][]byte // not written yet, the last of each id
	closed bool

	// Owned by the writer.
	file    *os.File
	size    int
	state   *state
	damaged bool // a write failed: the file may end in a torn line
}

// request is a line to be written, and who waits for it to be on disk.
type request struct {
	line   line
	synced chan<- error // nil: nobody
}

// Open opens the journal in dir, which is made if it is missing, and locks it
// against other processes (ErrInUse).
func Open(dir string) (*Journal, Left, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, Left{}, fmt.Errorf("journal: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, Left{}, fmt.Errorf("journal: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, Left{}, fmt.Errorf("%w: %s", ErrInUse, dir)
		}
		return nil, Left{}, fmt.Errorf("journal: lock %s: %w", lock.Name(), err)
	}
	j := &Journal{
		dir: dir, lock: lock,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
		marks: make(map[string][]byte), state: newState(),
	}
	left, err := j.load()
	if err != nil {
		lock.Close()
		return nil, Left{}, err
	}
	go j.write()
	return j, left, nil
}

// load reads the file and rewrites it without what is done or damaged.
func (j *Journal) load() (Left, error) {
	file, err := os.ReadFile(filepath.Join(j.dir, fileName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Left{}, fmt.Errorf("journal: %w", err)
	}
	left := Left{Damaged: j.state.read(file)}
	if err := j.compact(); err != nil {
		return Left{}, err
	}
	for _, id := range j.state.order {
		left.Ended = append(left.Ended, Entry{id, bytes.Clone(j.state.ends[id])})
	}
	for id, payload := range j.state.open {
		left.Open = append(left.Open, Entry{id, bytes.Clone(payload)})
	}
	return left, nil
}

// Mark notes the state of an open id; the last one counts. It does not wait for
// the disk. The payload must not hold a line feed and is not kept.
func (j *Journal) Mark(id string, payload []byte) error {
	if err := check(id, payload); err != nil {
		return err
	}
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return ErrClosed
	}
	j.marks[id] = bytes.Clone(payload)
	j.mu.Unlock()
	j.nudge()
	return nil
}

// End notes the end of an id and returns once it is on the disk. On an error
// it may not be, though it will be if a later write succeeds. The payload must
// not hold a line feed and is not kept.
func (j *Journal) End(id string, payload []byte) error {
	if err := check(id, payload); err != nil {
		return err
	}
	synced := make(chan error, 1)
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return ErrClosed
	}
	delete(j.marks, id)
	j.queue = append(j.queue, request{line{kindEnd, id, bytes.Clone(payload)}, synced})
	j.mu.Unlock()
	j.nudge()
	return <-synced
}

// Done forgets ids. It does not wait for the disk: an end that was done may come
// back after a crash.
func (j *Journal) Done(ids ...string) {
	j.mu.Lock()
	if !j.closed {
		for _, id := range ids {
			delete(j.marks, id)
			j.queue = append(j.queue, request{line: line{kind: kindDone, id: id}})
		}
	}
	j.mu.Unlock()
	j.nudge()
}

// Close writes what is outstanding, and unlocks the journal.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return ErrClosed
	}
	j.closed = true
	j.mu.Unlock()
	j.nudge()
	<-j.done
	err := errors.Join(j.file.Sync(), j.file.Close(), j.lock.Close())
	if err != nil {
		return fmt.Errorf("journal: close: %w", err)
	}
	return nil
}

func check(id string, payload []byte) error {
	if err := checkID(id); err != nil {
		return err
	}
	if bytes.IndexByte(payload, '\n') >= 0 {
		return fmt.Errorf("journal: payload of %s has a line feed", id)
	}
	return nil
}

func (j *Journal) nudge() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}
