package peers

import (
	"embed"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"ringpace/dialer/lab/chroot"
)

//go:embed asterisk
var asteriskFiles embed.FS

// Accounts of every Asterisk of these tests. Each must register, or
// authenticate each INVITE, with digest; Password tells its password.
const (
	TrunkUser = "trunk"    // a carrier's account: calls go by the plan, with any caller ID
	PBXUser   = "ringpace" // may call the extensions at the PBX
	Extension = "1001"     // the first of the softphones' accounts, which go to 1010
)

// Password is the password of an account.
func Password(user string) string { return user + "-secret" }

// PBX is an Asterisk that is a carrier to some and a PBX to others. It speaks UDP
// and TCP on one port.
type PBX struct {
	plan    Plan
	manners Manners
	ports   block
	root    string // of the Debian system that it runs in
	dir     string // of its files, as seen from inside root
	logs    string // directory of its output, outside
	process *process
}

// Manners are how all endpoints of an Asterisk behave, in the words of pjsip.conf.
type Manners struct {
	Timers      string      // session timers: "no", "yes" (default), "required", "always"
	Reliable    string      // 100rel: "no", "yes" (default), "required"
	PassHold    bool        // moh_passthrough: tell the far side that one party holds
	DirectMedia bool        // re-INVITE two parties so that their media bypasses it
	Encrypts    string      // SRTP with keys in SDP: "no" (default), "optimistic" (also without), "required"
	Certificate Certificate // with it Asterisk also speaks TLS
	CAFile      string      // whom it trusts then; it asks its clients for certificates of it
}

// Asterisk starts an Asterisk whose trunk follows plan.
func Asterisk(t testing.TB, plan Plan) *PBX {
	t.Helper()
	return AsteriskWith(t, plan, Manners{})
}

// AsteriskWith starts an Asterisk of special manners whose trunk follows plan.
func AsteriskWith(t testing.TB, plan Plan, manners Manners) *PBX {
	t.Helper()
	for value, usual := range map[*string]string{&manners.Timers: "yes", &manners.Reliable: "yes", &manners.Encrypts: "no"} {
		if *value == "" {
			*value = usual
		}
	}
	a := &PBX{plan: plan.checked(t), manners: manners, ports: reserve(t), root: asteriskRoot(t), logs: directory(t, "asterisk")}
	for _, rule := range append(a.plan.Rules(), Rule{Behaviour: a.plan.Default}) {
		if rule.Behaviour == Blocked {
			t.Fatalf("Asterisk cannot %q", Blocked)
		}
	}
	outside, err := os.MkdirTemp(filepath.Join(a.root, "tmp"), "ringpace-")
	if err != nil {
		t.Fatalf("asterisk: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(outside) })
	a.dir = "/tmp/" + filepath.Base(outside)
	if err := a.configure(); err != nil {
		t.Fatalf("asterisk: %v", err)
	}
	a.Start(t)
	return a
}

// Addr is where Asterisk takes SIP over UDP and TCP.
func (a *PBX) Addr() netip.AddrPort { return a.ports.addr(0) }

// SecureAddr is where Asterisk takes SIP over TLS.
func (a *PBX) SecureAddr() netip.AddrPort { return a.ports.addr(1) }

// Start starts a killed Asterisk anew and returns when it is fully booted. Of
// registrations it knows those that had reached its disk, at most a second late.
func (a *PBX) Start(t testing.TB) {
	t.Helper()
	if a.process != nil && a.process.running() {
		t.Fatal("asterisk runs already")
	}
	a.ports.await(t)
	a.process = start(t, "asterisk", a.logs, a.command("-f"))
	err := a.process.await(func() error {
		said, err := output(a.command("-rx", "core waitfullybooted"))
		if err != nil || !strings.Contains(said, "fully booted") {
			return fmt.Errorf("%q, %v", said, err)
		}
		return bound(a.Addr())
	})
	if err != nil {
		t.Fatalf("asterisk does not boot: %v", err)
	}
}

// Kill ends Asterisk at once, as a crash would: no BYE is sent.
func (a *PBX) Kill() { a.process.kill() }

// Console runs one command at Asterisk's console and returns what it prints.
func (a *PBX) Console(t testing.TB, command string) string {
	t.Helper()
	said, err := output(a.command("-rx", command))
	if err != nil {
		t.Fatalf("asterisk: %s: %v\n%s", command, err, said)
	}
	return said
}

// AwaitRegistered returns once user is registered.
func (a *PBX) AwaitRegistered(t testing.TB, user string) {
	t.Helper()
	err := a.process.await(func() error {
		if contacts := a.Console(t, "pjsip show contacts"); !strings.Contains(contacts, " "+user+"/sip:") {
			return fmt.Errorf("%s is not registered", user)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("asterisk: %v", err)
	}
}

// path is where a file of Asterisk's directory is to be found from here.
func (a *PBX) path(name ...string) string {
	return filepath.Join(append([]string{a.root, a.dir}, name...)...)
}

// command is an asterisk with our configuration inside its root.
func (a *PBX) command(arguments ...string) *exec.Cmd {
	return chroot.Command(a.root, "/usr/sbin/asterisk", append([]string{"-C", a.dir + "/etc/asterisk.conf"}, arguments...)...)
}

// account is a SIP account of the PBX, for the template of pjsip.conf.
type account struct {
	User, Context string
	Trusted       bool // its P-Asserted-Identity counts
}

func (a account) Password() string { return Password(a.User) }

// asteriskData is the data of the files in asterisk/.
type asteriskData struct {
	Plan
	Manners
	Dir, Modules     string
	Addr, SecureAddr netip.AddrPort
	RTPStart, RTPEnd uint16
	Allow            string
	Accounts         []account
}

// configure writes the configuration and makes the directories that it names.
func (a *PBX) configure() error {
	modules, err := filepath.Glob(filepath.Join(a.root, "usr/lib/*/asterisk/modules"))
	if err != nil || len(modules) != 1 {
		return fmt.Errorf("no module directory in %s", a.root)
	}
	data := asteriskData{
		Plan:    a.plan,
		Manners: a.manners,
		Dir:     a.dir,
		Modules: strings.TrimPrefix(modules[0], a.root),
		Addr:    a.Addr(), SecureAddr: a.SecureAddr(),
		RTPStart: a.ports.port(2),
		RTPEnd:   a.ports.port(blockPorts - 1),
		Allow:    "alaw",
		Accounts: []account{{TrunkUser, "carrier", true}, {PBXUser, "pbx", false}},
	}
	if a.plan.Codec == "PCMU" {
		data.Allow = "ulaw"
	}
	for extension := 1001; extension <= 1010; extension++ {
		data.Accounts = append(data.Accounts, account{User: fmt.Sprint(extension), Context: "pbx"})
	}
	for _, dir := range []string{"etc", "lib/keys", "log/cdr-custom", "run", "spool"} {
		if err := os.MkdirAll(a.path(dir), 0o755); err != nil {
			return err
		}
	}
	for name, source := range map[string]string{
		"server.crt": a.manners.Certificate.CertFile, "server.key": a.manners.Certificate.KeyFile, "ca.crt": a.manners.CAFile,
	} {
		if source == "" {
			continue
		}
		content, err := os.ReadFile(source)
		if err == nil {
			err = os.WriteFile(a.path("etc", name), content, 0o600)
		}
		if err != nil {
			return err
		}
	}
	templates, err := template.ParseFS(asteriskFiles, "asterisk/*.conf")
	if err != nil {
		return err
	}
	for _, one := range templates.Templates() {
		file, err := os.Create(a.path("etc", one.Name()))
		if err != nil {
			return err
		}
		defer file.Close()
		if err := one.Execute(file, data); err != nil {
			return err
		}
	}
	// Files without which modules complain, and with which they do as usual.
	for _, name := range []string{"acl", "ccss", "features", "manager", "pjproject", "stasis", "udptl"} {
		if err := os.WriteFile(a.path("etc", name+".conf"), nil, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// asteriskRoot returns the directory of the small Debian system that has
// Asterisk, which Debian 12 itself has not, or fails the test.
func asteriskRoot(t testing.TB) string {
	t.Helper()
	root, err := chroot.Root()
	if err != nil {
		t.Fatalf("this test needs Asterisk: %v", err)
	}
	return root
}
