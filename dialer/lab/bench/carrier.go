package main

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"ringpace/dialer/lab/roles"
)

//go:embed carrier.xml
var carrierXML []byte

// carrier is a SIPp that takes every call.
type carrier struct {
	addr    string
	dir     string
	command *exec.Cmd
}

func startCarrier(ctx context.Context) (*carrier, error) {
	sipp, err := exec.LookPath("sipp")
	if err != nil {
		return nil, fmt.Errorf("%w: run `make deps`", err)
	}
	addr, err := roles.FreePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bench-sip-")
	if err != nil {
		return nil, err
	}
	c := &carrier{addr: addr, dir: dir}
	if err := os.WriteFile(filepath.Join(dir, "carrier.xml"), carrierXML, 0o644); err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(addr)
	c.command = exec.CommandContext(ctx, sipp, "-sf", "carrier.xml", "-i", "127.0.0.1", "-p", port, "-nostdin",
		"-buff_size", "4194304", "-watchdog_interval", "0")
	c.command.Dir = dir
	if err := c.command.Start(); err != nil {
		return nil, err
	}
	for range 100 {
		if taken(addr) {
			return c, nil
		}
		if err := roles.Pause(ctx, 50*time.Millisecond); err != nil {
			break
		}
	}
	return nil, fmt.Errorf("sipp does not listen on %s", addr)
}

// taken tells whether somebody listens there.
func taken(addr string) bool {
	conn, err := net.ListenPacket("udp4", addr)
	if err != nil {
		return true
	}
	_ = conn.Close()
	return false
}

// end ends SIPp. What it thinks of calls that fail is not asked: the caller counts.
func (c *carrier) end() error {
	_ = c.command.Process.Kill() // the error: it has ended
	_ = c.command.Wait()
	return os.RemoveAll(c.dir)
}
