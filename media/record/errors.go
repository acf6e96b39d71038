package record

import (
	"errors"
	"fmt"
)

// What can go wrong. Errors that come out of this package wrap one of these where a
// caller may want to tell them apart.
var (
	// ErrClosed: the recorder or recording is closed.
	ErrClosed = errors.New("record: closed")
	// ErrNotFound: there is no recording of that id.
	ErrNotFound = errors.New("record: no such recording")
	// ErrBusy: the recording is still being made.
	ErrBusy = errors.New("record: under way")
	// ErrDamaged: the file is not a recording of ours.
	ErrDamaged = errors.New("record: not a readable recording")
	// ErrEmpty: a crash came after the file was made and before anything was written to it.
	ErrEmpty = fmt.Errorf("%w: the process died before its first header was written", ErrDamaged)
)
