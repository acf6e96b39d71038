package chain

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// load finds the end of the chain and what is held.
func (l *Log) load() error {
	days, err := dayNames(l.root)
	if err != nil || len(days) == 0 {
		return err
	}
	for _, day := range days {
		if err := l.readDay(day); err != nil {
			return err
		}
	}
	day := days[len(days)-1]
	f, err := os.OpenFile(l.name(day), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	l.file, l.day = f, day
	stat, err := f.Stat()
	if err != nil {
		return err
	}
	if stat.Size() > l.size {
		if err := f.Truncate(l.size); err != nil { // what a crash tore
			return err
		}
	}
	return nil
}

// readDay goes through one day's whole lines for what is held and which is last.
// Whether they are linked is for Verify to tell.
func (l *Log) readDay(day string) error {
	l.size = 0
	var last []byte
	err := eachLine(l.name(day), func(line []byte, whole bool) error {
		if !whole {
			return nil
		}
		l.size += int64(len(line))
		l.last.N = numberOf(line, l.last.N+1)
		last = append(last[:0], line...)
		if bytes.Contains(line, heldMark) || bytes.Contains(line, releasedMark) {
			if e, err := parseLine(line); err == nil {
				l.hold(e)
			}
		}
		return nil
	})
	if last != nil {
		l.last.Hash = hashOf(last)
	}
	return err
}

func (l *Log) hold(e Entry) {
	switch e.Kind {
	case Held:
		l.held[e.ID] = true
	case Released:
		delete(l.held, e.ID)
	}
}

// catchUp takes in what other processes appended, and notices what nobody may do.
func (l *Log) catchUp() error {
	if l.day == "" { // nothing was there; something may be now
		return l.load()
	}
	if err := l.catchUpDay(); err != nil {
		return err
	}
	if l.today() == l.day {
		return nil
	}
	days, err := dayNames(l.root)
	if err != nil {
		return err
	}
	for _, day := range days {
		if day <= l.day {
			continue
		}
		if err := l.turnTo(day, os.O_RDWR); err != nil {
			return err
		}
		if err := l.catchUpDay(); err != nil {
			return err
		}
	}
	return nil
}

// catchUpDay reads what follows in the day's file.
func (l *Log) catchUpDay() error {
	mine, err := l.file.Stat()
	if err != nil {
		return err
	}
	there, err := os.Stat(l.name(l.day))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil || !os.SameFile(mine, there) {
		l.blame("the file %s was removed or replaced", l.day+extension)
		if err := l.turnTo(l.day, os.O_RDWR|os.O_CREATE); err != nil {
			return err
		}
		stat, err := l.file.Stat()
		if err != nil {
			return err
		}
		l.size = stat.Size()
		return nil
	}
	size := there.Size()
	if size < l.size {
		l.blame("the file %s was cut from %d to %d octets", l.day+extension, l.size, size)
		l.size = size
		return nil
	}
	if size == l.size {
		return nil
	}
	b := make([]byte, size-l.size)
	if _, err := l.file.ReadAt(b, l.size); err != nil && err != io.EOF {
		return err
	}
	for line := range bytes.Lines(b) {
		if line[len(line)-1] != '\n' { // another process was killed at it
			return l.file.Truncate(l.size)
		}
		l.size += int64(len(line))
		e, err := parseLine(line)
		if err != nil || e.Prev != l.hash() || e.N != l.last.N+1 {
			l.blame("the file %s was written to out of turn, behind line %d", l.day+extension, l.last.N)
			continue
		}
		l.last = Ref{e.N, hashOf(line)}
		l.hold(e)
	}
	return nil
}

// blame notes the first fault that is seen.
func (l *Log) blame(format string, args ...any) {
	fault := fmt.Sprintf(format, args...)
	l.fault.CompareAndSwap(nil, &fault)
}
