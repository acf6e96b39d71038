// Package chroot runs programs inside the small Debian system that holds what the
// machine's own release has not: Asterisk 22 and, for benchmarks, rtpengine. The
// script .ci/deps makes it.
package chroot

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Root is the directory of that system. The error says what installs it.
func Root() (string, error) {
	root := os.Getenv("RINGPACE_ASTERISK_ROOT")
	if root == "" {
		root = "/var/cache/ringpace/asterisk"
	}
	if _, err := os.Stat(filepath.Join(root, "complete")); err != nil {
		return "", fmt.Errorf("no Asterisk is installed in %s: run `make deps` (%w)", root, err)
	}
	return root, hosts(root)
}

// Command is a program inside root; name is its path as seen from there.
func Command(root, name string, arguments ...string) *exec.Cmd {
	command := exec.Command(name, arguments...)
	command.Dir = "/"
	command.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	if os.Geteuid() != 0 {
		// Who is nobody here may still be root, and change root, in a user namespace.
		command.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	return command
}

// hosts names in root what Asterisk looks up at each call, so that no call waits
// for a name server: the machine itself and, for its own address, a root server.
func hosts(root string) error {
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	want := "127.0.0.1 localhost " + name + " A.ROOT-SERVERS.NET\n"
	path := filepath.Join(root, "etc/hosts")
	if have, err := os.ReadFile(path); err == nil && string(have) == want {
		return nil
	}
	// Renamed into place, for another process may be starting an Asterisk meanwhile.
	fresh, err := os.CreateTemp(filepath.Dir(path), "hosts-")
	if err != nil {
		return err
	}
	defer os.Remove(fresh.Name())
	defer fresh.Close()
	if _, err := fresh.WriteString(want); err != nil {
		return err
	}
	if err := fresh.Chmod(0o644); err != nil {
		return err
	}
	return os.Rename(fresh.Name(), path)
}
