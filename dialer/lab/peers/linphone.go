package peers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// LinPhone is a headless linphone-daemon (Debian's linphone-cli): a softphone with
// a SIP stack of its own, belle-sip, registered somewhere. It plays and records
// files in place of a sound card.
type LinPhone struct {
	ports   block
	dir     string
	process *process

	mu      sync.Mutex // protects the conversation
	conn    net.Conn
	replies *bufio.Reader
}

// Linphone starts a softphone that answers calls by itself, and returns when it is
// registered.
func Linphone(t testing.TB, account Account) *LinPhone {
	t.Helper()
	account = account.complete()
	p := &LinPhone{ports: reserve(t), dir: directory(t, "linphone-"+account.User)}
	ports := map[string]int{"udp": 0, "tcp": 0, "tls": 0} // 0: not used
	ports[account.Transport] = int(p.ports.port(0))
	config := fmt.Sprintf(`[sip]
sip_port=%d
sip_tcp_port=%d
sip_tls_port=%d
use_ipv6=0
bind_address=%s
root_ca=%s
[rtp]
audio_rtp_port=%d
[storage]
uri=%s
[sound]
remote_ring=
local_ring=
`, ports["udp"], ports["tcp"], ports["tls"], loopback, account.CAFile, p.ports.port(2), filepath.Join(p.dir, "linphone.db"))
	if err := os.WriteFile(p.path("linphonerc"), []byte(config), 0o600); err != nil {
		t.Fatalf("linphone: %v", err)
	}
	// Its control socket lies in /tmp, whatever one wishes.
	pipe := fmt.Sprintf("ringpace-linphone-%d-%d", os.Getpid(), p.ports)
	command := exec.Command(program(t, "linphone-daemon"),
		"--config", p.path("linphonerc"), "--pipe", pipe, "--log", p.path("log"), "--disable-stats-events", "--auto-answer")
	command.Env = append(os.Environ(), "HOME="+p.dir, "XDG_DATA_HOME="+p.dir, "XDG_CONFIG_HOME="+p.dir)
	command.Dir = p.dir
	t.Cleanup(func() { os.Remove(filepath.Join("/tmp", pipe)) })
	p.process = start(t, "linphone "+account.User, p.dir, command)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("linphone's log:\n%s", tail(p.path("log")))
		}
	})
	if err := p.process.await(func() (err error) {
		p.conn, err = net.Dial("unix", filepath.Join("/tmp", pipe))
		return err
	}); err != nil {
		t.Fatalf("linphone does not listen: %v", err)
	}
	t.Cleanup(func() { p.conn.Close() })
	p.replies = bufio.NewReader(p.conn)
	for _, setting := range []string{"audio-codec-disable ALL", "audio-codec-enable PCMA/8000/1", "audio-codec-enable PCMU/8000/1"} {
		p.Command(t, setting)
	}
	p.Command(t, fmt.Sprintf("register %s sip:%s;transport=%s %s", account.AOR(), account.Server, account.Transport, account.Password))
	p.Await(t, "register-status ALL", "State: LinphoneRegistrationOk")
	return p
}

// Command gives one of the daemon's commands, such as "call sip:…", "call-pause",
// "call-resume", "call-transfer 1 sip:…", "terminate", "dtmf 5", and returns its
// reply. Calls are numbered from 1.
func (p *LinPhone) Command(t testing.TB, command string) string {
	t.Helper()
	reply, err := p.send(command)
	if err != nil {
		t.Fatalf("linphone: %s: %v", command, err)
	}
	return reply
}

// Await gives a command again and again until its reply contains a text.
func (p *LinPhone) Await(t testing.TB, command, want string) {
	t.Helper()
	if err := p.process.await(func() error {
		reply, err := p.send(command)
		if err == nil && !strings.Contains(reply, want) {
			err = fmt.Errorf("no %q in %q", want, reply)
		}
		return err
	}); err != nil {
		t.Fatalf("linphone: %s: %v", command, err)
	}
}

// errRefused tells that the daemon would not do as it was told.
var errRefused = errors.New("refused")

// send writes a command line and reads the reply: header lines, an empty line,
// and what follows for as long as it is there. Replies have no end of their own.
func (p *LinPhone) send(command string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(p.conn, command+"\n"); err != nil {
		return "", err
	}
	reply := make([]byte, 64<<10)
	n, err := p.replies.Read(reply) // it is written at once
	if err != nil {
		return "", err
	}
	said := string(reply[:n])
	if !strings.HasPrefix(said, "Status: Ok") {
		return said, fmt.Errorf("%w: %q", errRefused, said)
	}
	return said, nil
}

func (p *LinPhone) path(name string) string { return filepath.Join(p.dir, name) }
