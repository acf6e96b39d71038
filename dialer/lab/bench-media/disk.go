package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"ringpace/dialer/lab/roles"
)

const (
	// stalledFor is how long the disk of a case stalls, from stallsAfter into the window on.
	stalledFor  = 2 * time.Second
	stallsAfter = time.Second
	// diskSize is the size of that disk, of which no more is taken than is written.
	diskSize = 2 << 30
)

// errNoStall: the system cannot be asked to let a disk stall.
var errNoStall = errors.New("needs root, mkfs.ext4 and a loop device for a disk that stalls")

// disk is a file system of its own, in a file, that can be made to stall: frozen (ioctl
// FIFREEZE), it holds up every write in the kernel until it is thawed.
type disk struct {
	dir string
	on  *os.File
}

// newDisk mounts a new one below dir. Errors wrap errNoStall.
func newDisk(ctx context.Context, dir string) (*disk, error) {
	image, at := filepath.Join(dir, "disk"), filepath.Join(dir, "mounted")
	err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, diskSize), os.Mkdir(at, 0o755))
	if err != nil {
		return nil, err
	}
	for _, command := range [][]string{{"mkfs.ext4", "-q", image}, {"mount", "-o", "loop", image, at}} {
		if said, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%w: %w: %s", errNoStall, err, said)
		}
	}
	on, err := os.Open(at)
	if err != nil {
		return nil, errors.Join(err, unix.Unmount(at, 0))
	}
	return &disk{dir: at, on: on}, nil
}

// stall lets the disk stall soon. The channel gives the outcome when it is over, at once
// if d is nil.
func (d *disk) stall(ctx context.Context) <-chan error {
	over := make(chan error, 1)
	if d == nil {
		over <- nil
		return over
	}
	go func() {
		err := roles.Pause(ctx, stallsAfter)
		if err == nil {
			err = unix.IoctlSetInt(int(d.on.Fd()), freeze, 0)
		}
		if err == nil {
			err = errors.Join(roles.Pause(ctx, stalledFor), unix.IoctlSetInt(int(d.on.Fd()), thaw, 0))
		}
		over <- err
	}()
	return over
}

// FIFREEZE and FITHAW of linux/fs.h.
const (
	freeze = 0xC0045877
	thaw   = 0xC0045878
)

func (d *disk) close() error { return errors.Join(d.on.Close(), unix.Unmount(d.dir, 0)) }
