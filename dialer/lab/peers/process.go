package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// patience is how long a peer may take to come up, or to do as it is told, on a
// slow and busy machine.
const patience = 30 * time.Second

// directory makes a directory for one peer's files, named after it. It lasts as
// long as the test, and is kept by `go test -artifacts`.
func directory(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.MkdirTemp(t.ArtifactDir(), name+"-")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// process is one running program. It leads a process group of its own, so that
// an interrupt at the terminal reaches the test and not the peer, and is killed
// by the kernel should the test binary die without its cleanups.
type process struct {
	command *exec.Cmd
	log     string // path of the file that takes what the program prints
	done    chan struct{}
	err     error // of Wait; to be read after done
}

// start runs command, with its output appended to output.log in dir.
func start(t testing.TB, name, dir string, command *exec.Cmd) *process {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(dir, "output.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatalf("cannot log the output of %s: %v", name, err)
	}
	defer log.Close()
	command.Stdout, command.Stderr = log, log
	if command.SysProcAttr == nil {
		command.SysProcAttr = &syscall.SysProcAttr{}
	}
	command.SysProcAttr.Setpgid = true
	command.SysProcAttr.Pdeathsig = syscall.SIGKILL
	p := &process{command: command, log: log.Name(), done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// Pdeathsig counts the parent thread, not the parent process: this one
		// is held for as long as the program runs.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		started <- err
		if err == nil {
			p.err = command.Wait()
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		t.Fatalf("cannot start %s: %v", name, err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, tail(p.log))
		}
	})
	return p
}

// running tells whether the program has not ended yet.
func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// kill ends the whole process group at once and waits for its leader's end.
func (p *process) kill() {
	if p.running() {
		_ = syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL) // the error: it ended by itself meanwhile
	}
	<-p.done
}

// stop asks the program to end and kills it if it has not done so in time.
func (p *process) stop(signal syscall.Signal, limit time.Duration) error {
	if p.running() {
		_ = syscall.Kill(p.command.Process.Pid, signal) // the error: it ended by itself meanwhile
	}
	select {
	case <-p.done:
		return p.err
	case <-time.After(limit):
		p.kill()
		return fmt.Errorf("did not end within %v of %v", limit, signal)
	}
}

// errEnded tells that a program is gone that was awaited to become ready.
var errEnded = errors.New("ended instead of becoming ready")

// await asks ready again and again until it returns nil, the program ends or
// patience does; it returns the last reason why not.
func (p *process) await(ready func() error) error {
	deadline := time.After(patience)
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%w: %w (%w)", errEnded, p.err, err)
		case <-deadline:
			return fmt.Errorf("not after %v: %w", patience, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// program returns the path of an installed program or fails the test.
func program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not installed, and this test needs it: run `make deps` (%v)", name, err)
	}
	return path
}

// output runs a short command to its end and returns all that it printed.
func output(command *exec.Cmd) (string, error) {
	var printed bytes.Buffer
	command.Stdout, command.Stderr = &printed, &printed
	err := command.Run()
	return printed.String(), err
}

// bounded is a context that ends with the test or after patience, for one
// command or round trip.
func bounded(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	t.Cleanup(cancel)
	return ctx
}

// tail is the end of a log, enough to see what went wrong.
func tail(path string) string {
	const enough = 16 << 10
	log, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	if len(log) > enough {
		log = append([]byte("[…]\n"), log[len(log)-enough:]...)
	}
	return string(log)
}
