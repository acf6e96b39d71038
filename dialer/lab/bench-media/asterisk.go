package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"ringpace/dialer/lab/chroot"
	"ringpace/dialer/lab/roles"
)

//go:embed asterisk
var asteriskFiles embed.FS

// Ports of the peers' RTP, outside the range from which the system takes its own.
const (
	portMin = 10000
	portMax = 19999
)

// patience is how long a peer may take to come up, and to connect one call.
const patience = 20 * time.Second

// peer is a program in the root of package chroot.
type peer struct {
	command *exec.Cmd
	printed bytes.Buffer // read once it has ended
}

// startPeer starts a program on a core.
func startPeer(command *exec.Cmd, core int) (*peer, error) {
	p := &peer{command: command}
	command.Stdout, command.Stderr = &p.printed, &p.printed
	return p, pinned(core, favoured, command.Start)
}

func (p *peer) PID() int { return p.command.Process.Pid }

func (p *peer) Close() error {
	_ = p.command.Process.Kill() // the error: it has ended
	_ = p.command.Wait()         // the error: it was killed
	return nil
}

// await asks ready again and again until it returns nil. If it never does, the peer
// is ended and the error holds what it has said.
func (p *peer) await(ctx context.Context, ready func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		if stop := roles.Pause(ctx, 50*time.Millisecond); stop != nil {
			return errors.Join(err, p.Close(), errors.New(p.printed.String()))
		}
	}
}

// asterisk is an Asterisk with its calls.
type asterisk struct {
	*peer
	phones *phones
}

// startAsterisk starts an Asterisk that connects each call to the number that was
// dialed, and mixes both sides into a recording.
func startAsterisk(ctx context.Context, s start) (subject, error) {
	root, err := chroot.Root()
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", errNotInstalled, err)
	}
	modules, err := filepath.Glob(filepath.Join(root, "usr/lib/*/asterisk/modules"))
	if err != nil || len(modules) != 1 {
		return nil, fmt.Errorf("no module directory in %s", root)
	}
	addr, err := roles.FreePort()
	if err != nil {
		return nil, err
	}
	server, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	phones, err := newPhones(server)
	if err != nil {
		return nil, err
	}
	inside := strings.TrimPrefix(s.dir, root)
	err = configure(s.dir, map[string]any{
		"Dir": inside, "Modules": strings.TrimPrefix(modules[0], root), "Addr": server, "Ends": phones.addr,
		"PortMin": portMin, "PortMax": portMax,
	})
	if err != nil {
		return nil, errors.Join(err, phones.close())
	}
	run := func(arguments ...string) *exec.Cmd {
		return chroot.Command(root, "/usr/sbin/asterisk", append([]string{"-C", inside + "/etc/asterisk.conf"}, arguments...)...)
	}
	p, err := startPeer(run("-f"), s.core)
	if err != nil {
		return nil, errors.Join(err, phones.close())
	}
	err = p.await(ctx, func() error {
		said, err := run("-rx", "core waitfullybooted").CombinedOutput()
		if err != nil || !bytes.Contains(said, []byte("fully booted")) {
			return fmt.Errorf("asterisk does not boot: %q, %w", said, err)
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, phones.close())
	}
	return &asterisk{p, phones}, nil
}

func (a *asterisk) Close() error { return errors.Join(a.peer.Close(), a.phones.close()) }

func (a *asterisk) Connect(ctx context.Context, far farEnds) (nearEnds, error) {
	ports, err := a.phones.connect(ctx, far.Ends)
	return nearEnds{Ports: ports}, err
}

// configure writes the configuration and makes the directories that it names.
func configure(dir string, data any) error {
	for _, name := range []string{"etc", "lib/keys", "log", "run", "spool"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			return err
		}
	}
	templates, err := template.ParseFS(asteriskFiles, "asterisk/*.conf")
	if err != nil {
		return err
	}
	for _, one := range templates.Templates() {
		var text bytes.Buffer
		if err := one.Execute(&text, data); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "etc", one.Name()), text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}
