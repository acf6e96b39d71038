// Package roles runs the processes of a benchmark: each is the benchmark's own program
// again, started with its name as a role, so that what it uses can be told from what
// the others use. It takes orders on its standard input and answers each on its
// standard output, as one JSON value per line.
package roles

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Process is a process of ours in a role.
type Process struct {
	Addr    string // host:port on loopback that nobody listened on when it was started
	command *exec.Cmd
	orders  io.WriteCloser
	answers *json.Decoder
}

// Start starts this program again with the arguments -role NAME -listen ADDR and those
// given. The process ends with ctx, or when End is called.
func Start(ctx context.Context, name string, arguments ...string) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	addr, err := FreePort()
	if err != nil {
		return nil, err
	}
	p := &Process{Addr: addr}
	p.command = exec.CommandContext(ctx, self, append([]string{"-role", name, "-listen", addr}, arguments...)...)
	p.command.Stderr = os.Stderr
	if p.orders, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	answers, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.answers = json.NewDecoder(bufio.NewReader(answers))
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	return p, nil
}

// PID is the process's number.
func (p *Process) PID() int { return p.command.Process.Pid }

// Order has one order carried out and reads its answer, which is a pointer.
func (p *Process) Order(order, answer any) error {
	if err := json.NewEncoder(p.orders).Encode(order); err != nil {
		return fmt.Errorf("the process is gone: %w", err)
	}
	if err := p.answers.Decode(answer); err != nil {
		return fmt.Errorf("the process does not answer: %w", err)
	}
	return nil
}

// End closes the orders, upon which the process ends.
func (p *Process) End() error {
	_ = p.orders.Close()
	return p.command.Wait()
}

// Obey carries out the orders from standard input, in a process that is a role. It
// returns when they end.
func Obey[Order, Answer any](do func(Order) (Answer, error)) error {
	orders, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var o Order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		a, err := do(o)
		if err != nil {
			return err
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
}

// CPU is the time that this process has used, user and system.
func CPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // only for a wrong argument
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// FreePort is an address on loopback that nobody listens on, over UDP.
func FreePort() (string, error) {
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return c.LocalAddr().String(), c.Close()
}
