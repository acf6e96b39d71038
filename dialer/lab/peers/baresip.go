package peers

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"

	"ringpace/dialer/lab/tone"
)

//go:embed baresip/config
var baresipConfig string

// Softphone says whose phone it is and what it does.
type Softphone struct {
	Extension string        // account at the PBX; default Extension
	ToneHz    float64       // what the agent "says" for as long as a call lasts; default 600
	Speech    time.Duration // length of that; default 2 minutes; baresip stops sending at its end
	Codecs    string        // what it offers, by preference; default pcma,pcmu
	Encrypts  string        // "": nothing; srtp: audio, where the far side does; srtp-mand: always
	Manual    bool          // calls ring until Command("accept") instead of being answered at once
}

// Phone is a headless baresip, registered somewhere.
type Phone struct {
	ports   block
	dir     string
	process *process
}

// Baresip starts a softphone and returns when it is registered at pbx.
func Baresip(t testing.TB, pbx *PBX, phone Softphone) *Phone {
	t.Helper()
	if phone.Extension == "" {
		phone.Extension = Extension
	}
	b := BaresipAt(t, pbx.Account(phone.Extension), phone)
	pbx.AwaitRegistered(t, phone.Extension)
	return b
}

// BaresipAt starts a softphone with an account anywhere (phone.Extension does not
// count) and returns when it says that it is registered.
func BaresipAt(t testing.TB, account Account, phone Softphone) *Phone {
	t.Helper()
	account = account.complete()
	if phone.ToneHz == 0 {
		phone.ToneHz = 600
	}
	if phone.Codecs == "" {
		phone.Codecs = "pcma,pcmu"
	}
	if phone.Speech == 0 {
		phone.Speech = 2 * time.Minute
	}
	b := &Phone{ports: reserve(t), dir: directory(t, "baresip-"+account.User)}
	if err := b.configure(account, phone); err != nil {
		t.Fatalf("baresip: %v", err)
	}
	b.process = start(t, "baresip "+account.User, b.dir, exec.Command(program(t, "baresip"), "-f", b.dir, "-v"))
	if err := b.process.await(func() error {
		_, err := b.send("callstat", "")
		return err
	}); err != nil {
		t.Fatalf("baresip does not answer: %v", err)
	}
	b.Await(t, "reginfo", "OK")
	return b
}

// Await gives a command again and again until baresip's answer contains a text.
func (b *Phone) Await(t testing.TB, command, want string) {
	t.Helper()
	if err := b.process.await(func() error {
		said, err := b.send(command, "")
		if err == nil && !strings.Contains(said, want) {
			err = fmt.Errorf("no %q in %q", want, said)
		}
		return err
	}); err != nil {
		t.Fatalf("baresip: %s: %v", command, err)
	}
}

// Heard is what the n-th call of the phone (counted from 1) brought to its agent:
// one channel, all packets in the order in which they came. It waits until that
// call is over and fails the test if nothing was ever heard in it.
func (b *Phone) Heard(t testing.TB, n int) tone.Sound {
	t.Helper()
	var heard tone.Sound
	err := b.process.await(func() error {
		path, err := b.call(n)
		if err != nil {
			return err
		}
		// The header tells the length only once the file is closed.
		if heard, err = tone.ReadFile(path); err == nil && heard.Duration() == 0 {
			err = errors.New("it is not over, or brought no audio")
		}
		return err
	})
	if err != nil {
		t.Fatalf("call %d of the phone: %v", n, err)
	}
	return heard
}

// AwaitHeard returns once the n-th call of the phone has brought so much audio to
// its agent. The call may go on.
func (b *Phone) AwaitHeard(t testing.TB, n int, least time.Duration) {
	t.Helper()
	const header, bytesPerSecond = 44, 2 * 8000
	err := b.process.await(func() error {
		path, err := b.call(n)
		if err != nil {
			return err
		}
		file, err := os.Stat(path)
		if err != nil {
			return err
		}
		if heard := time.Duration(file.Size()-header) * time.Second / bytesPerSecond; heard < least {
			return fmt.Errorf("it brought %v of audio so far, not %v", heard, least)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("call %d of the phone: %v", n, err)
	}
}

// call is the file of what the n-th call brought.
func (b *Phone) call(n int) (string, error) {
	calls, err := filepath.Glob(b.path("dump-*-dec.wav")) // sorted; named by the time of the answer
	if err != nil {
		return "", err
	}
	if len(calls) < n {
		return "", fmt.Errorf("%d of %d calls were answered", len(calls), n)
	}
	return calls[n-1], nil
}

// Command gives one of baresip's commands, such as "accept", "hangup", "hold",
// "resume", "sndcode" with a digit, or "transfer" with a target, and returns
// what baresip says to it.
func (b *Phone) Command(t testing.TB, command, parameters string) string {
	t.Helper()
	said, err := b.send(command, parameters)
	if err != nil {
		t.Fatalf("baresip: %s %s: %v", command, parameters, err)
	}
	return said
}

// send does Command over the ctrl_tcp module: JSON objects as netstrings.
func (b *Phone) send(command, parameters string) (string, error) {
	conn, err := net.DialTimeout("tcp", b.control().String(), patience)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	request, err := json.Marshal(map[string]string{"command": command, "params": parameters, "token": "test"})
	if err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(conn, "%d:%s,", len(request), request); err != nil {
		return "", err
	}
	for reader := bufio.NewReader(conn); ; {
		var size int
		if _, err := fmt.Fscanf(reader, "%d:", &size); err != nil {
			return "", err
		}
		message := make([]byte, size+1) // and the comma
		if _, err := io.ReadFull(reader, message); err != nil {
			return "", err
		}
		var reply struct {
			Response bool   `json:"response"` // otherwise an event, which tells nothing to us
			OK       bool   `json:"ok"`
			Data     string `json:"data"`
		}
		if err := json.Unmarshal(message[:size], &reply); err != nil {
			return "", err
		}
		if reply.Response && !reply.OK {
			return "", fmt.Errorf("refused: %s", reply.Data)
		}
		if reply.Response {
			return reply.Data, nil
		}
	}
}

// control is where ctrl_tcp listens. (Port 0 of the block is for SIP over UDP and
// TCP, and port 1 baresip takes for SIP over TLS, asked or not.)
func (b *Phone) control() netip.AddrPort { return b.ports.addr(2) }

func (b *Phone) path(name string) string { return filepath.Join(b.dir, name) }

// configure writes baresip's directory.
func (b *Phone) configure(account Account, phone Softphone) error {
	modules, err := filepath.Glob("/usr/lib*/baresip/modules")
	if err != nil || len(modules) == 0 {
		return fmt.Errorf("no modules: run `make deps` (%v)", err)
	}
	speech := tone.Sound{Rate: 8000, Channels: [][]int16{tone.Sine(8000, phone.ToneHz, -13, phone.Speech)}}
	if err := tone.WriteFile(b.path("speech.wav"), speech); err != nil {
		return err
	}
	mode := "auto"
	if phone.Manual {
		mode = "manual"
	}
	text := template.Must(template.New("config").Parse(baresipConfig))
	var config strings.Builder
	if err := text.Execute(&config, map[string]any{
		"Addr": b.ports.addr(0), "Control": b.control(), "Modules": modules[0],
		"RTPStart": b.ports.port(4), "RTPEnd": b.ports.port(blockPorts - 1),
		"Speaks": b.path("speech.wav"), "Hears": b.dir, "CAFile": account.CAFile,
	}); err != nil {
		return err
	}
	outbound := ""
	if account.Domain != account.Server.String() {
		outbound = fmt.Sprintf(";outbound=\"sip:%s;transport=%s\"", account.Server, account.Transport)
	}
	line := fmt.Sprintf("<%s;transport=%s>%s;auth_user=%s;auth_pass=%s;regint=60;answermode=%s;audio_codecs=%s",
		account.AOR(), account.Transport, outbound, account.User, account.Password, mode, phone.Codecs)
	if phone.Encrypts != "" {
		line += ";mediaenc=" + phone.Encrypts
	}
	line += "\n"
	for name, content := range map[string]string{"config": config.String(), "accounts": line, "contacts": ""} {
		if err := os.WriteFile(b.path(name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}
