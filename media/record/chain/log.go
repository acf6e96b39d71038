package chain

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Folder is where the chain lies, below the recording directory.
const Folder = "chain"

const (
	extension = ".jsonl"
	dayLayout = time.DateOnly
	lockName  = "lock"
)

// What Remove, Hold and Expired may say; see each.
var (
	ErrHeld     = errors.New("chain: the recording is under legal hold")
	ErrNotFound = errors.New("chain: no such recording")
	ErrCleared  = errors.New("chain: the recording is only in the object storage")
	ErrAstray   = errors.New("chain: recordings cannot be found, though nothing says that they are removed")
)

// Log appends to the chain of one recording directory.
type Log struct {
	root string // the recording directory
	dir  string

	mu    sync.Mutex
	lock  *os.File // flock(2) on it keeps other processes out
	file  *os.File // of day; nil until there is one
	day   string
	size  int64 // of file, as this process knows it
	last  Ref
	held  map[string]bool        // by id
	going map[string]Kind        // by path: the chain says that it is removed, and its file could not be yet
	fault atomic.Pointer[string] // nil: none
	now   func() time.Time       // tests have their own
}

// Open opens the chain of a recording directory, and begins one where there is none.
func Open(root string) (*Log, error) {
	l := &Log{root: root, dir: filepath.Join(root, Folder), held: map[string]bool{}, going: map[string]Kind{}, now: time.Now}
	if err := l.folder(); err != nil {
		return nil, fmt.Errorf("chain: %w", err)
	}
	if err := l.within(l.load); err != nil {
		l.Close()
		return nil, fmt.Errorf("chain: %w", err)
	}
	return l, nil
}

// Close closes the files. Lines that were appended stay.
func (l *Log) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range []*os.File{l.file, l.lock} {
		if f != nil {
			f.Close()
		}
	}
	l.file, l.lock = nil, nil
}

// Last is the last line.
func (l *Log) Last() Ref {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// Fault says in plain words what this process has seen happen to the chain that nobody
// may do: cut off, replaced, written to out of turn. It is empty if nothing has. The
// chain goes on from the line that was last, so that Verify shows the place.
func (l *Log) Fault() string {
	if fault := l.fault.Load(); fault != nil { // who asks does not wait for a disk that hangs
		return *fault
	}
	return ""
}

// Append adds a line and returns its Ref. The line outlives the process; see Sync.
func (l *Log) Append(e Entry) (Ref, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ref Ref
	err := l.within(func() (err error) {
		if err := l.catchUp(); err != nil {
			return err
		}
		ref, err = l.write(e)
		return err
	})
	if err != nil {
		return Ref{}, fmt.Errorf("chain: %w", err)
	}
	return ref, nil
}

// Sync brings all lines to the disk. It does not hold up Append.
func (l *Log) Sync() error {
	l.mu.Lock()
	f := l.file
	l.mu.Unlock()
	if f == nil {
		return nil
	}
	if err := f.Sync(); err != nil && !errors.Is(err, os.ErrClosed) { // write syncs before it closes
		return fmt.Errorf("chain: %w", err)
	}
	return nil
}

func (l *Log) sync() error {
	if l.file == nil {
		return nil
	}
	return l.file.Sync()
}

// Remove notes that a recording is removed, as Discarded or Deleted, brings that to
// the disk and then removes the file. The error wraps ErrHeld where the recording is under
// legal hold, and it is not removed then. A file that is not there is no error; one that
// cannot be removed is, and has no second line when that is tried again.
func (l *Log) Remove(e Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.within(func() error {
		if err := l.catchUp(); err != nil {
			return err
		}
		if l.held[e.ID] {
			return fmt.Errorf("%w: %s", ErrHeld, e.ID)
		}
		if l.going[e.Path] != e.Kind {
			if _, err := l.write(e); err != nil {
				return err
			}
			if err := l.sync(); err != nil {
				return err
			}
			l.going[e.Path] = e.Kind
		}
		err := os.Remove(filepath.Join(l.root, filepath.FromSlash(e.Path)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		delete(l.going, e.Path)
		return nil
	})
	if err != nil {
		return fmt.Errorf("chain: %w", err)
	}
	return nil
}

// within runs f while no other process appends. mu is held, or the Log not yet shared.
func (l *Log) within(f func() error) error {
	if err := l.openLock(); err != nil {
		return err
	}
	if err := syscall.Flock(int(l.lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	err := f()
	return errors.Join(err, syscall.Flock(int(l.lock.Fd()), syscall.LOCK_UN))
}

// openLock opens the lock file, again where it was removed since: others lock the new one.
func (l *Log) openLock() error {
	name := filepath.Join(l.dir, lockName)
	if l.lock != nil {
		mine, err := l.lock.Stat()
		there, missing := os.Stat(name)
		if err == nil && missing == nil && os.SameFile(mine, there) {
			return nil
		}
		l.lock.Close()
		l.lock = nil
	}
	if err := l.folder(); err != nil {
		return err
	}
	f, err := l.openFile(name, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return err
	}
	l.lock = f
	return nil
}

// turnTo goes on with the file of a day.
func (l *Log) turnTo(day string, flags int) error {
	f, err := l.openFile(l.name(day), flags)
	if err != nil {
		return err
	}
	if l.file != nil {
		l.file.Close()
	}
	l.file, l.day, l.size = f, day, 0
	return nil
}

// hash is that of the last line.
func (l *Log) hash() string {
	if l.last.N == 0 {
		return origin
	}
	return l.last.Hash
}

// today is the day that a line of now goes to. A clock that was set back does not
// bring back a day.
func (l *Log) today() string { return max(l.now().UTC().Format(dayLayout), l.day) }

// write appends a line, and before it the first of a day that begins with it. After an
// error the line is not there.
func (l *Log) write(e Entry) (Ref, error) {
	if today := l.today(); today != l.day {
		if err := l.sync(); err != nil { // no line is on the disk before those it vouches for
			return Ref{}, err
		}
		if err := l.turnTo(today, os.O_RDWR|os.O_CREATE); err != nil {
			return Ref{}, err
		}
		if err := SyncDir(l.dir); err != nil {
			return Ref{}, err
		}
	}
	if l.size == 0 {
		if err := l.put(Entry{Kind: Day, Path: l.day}); err != nil {
			return Ref{}, err
		}
	}
	if err := l.put(e); err != nil {
		return Ref{}, err
	}
	return l.last, nil
}

// put writes one line at the end of the file.
func (l *Log) put(e Entry) error {
	e.N, e.At, e.Prev = l.last.N+1, l.now().UTC().Truncate(time.Millisecond), l.hash()
	line, err := appendLine(nil, e)
	if err != nil {
		return err
	}
	if _, err := l.file.WriteAt(line, l.size); err != nil {
		return errors.Join(err, l.file.Truncate(l.size))
	}
	l.size += int64(len(line))
	l.last = Ref{e.N, hashOf(line)}
	l.hold(e)
	return nil
}

func (l *Log) name(day string) string { return filepath.Join(l.dir, day+extension) }

// SyncDir brings the names in a directory to the disk.
func SyncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// dayNames are the days of which there is a file, in order.
func dayNames(root string) ([]string, error) {
	list, err := os.ReadDir(filepath.Join(root, Folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var days []string
	for _, d := range list {
		day, ok := strings.CutSuffix(d.Name(), extension)
		if _, err := time.Parse(dayLayout, day); ok && err == nil {
			days = append(days, day)
		}
	}
	slices.Sort(days)
	return days, nil
}
