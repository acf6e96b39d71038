package peers

import (
	_ "embed"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
)

//go:embed kamailio/kamailio.cfg
var kamailioConfig string

// Relay says what a proxy in between does.
type Relay struct {
	Next          netip.AddrPort // where new requests go; those in a dialog follow their routes
	NextTransport string         // "udp" (default), "tcp" or "tls"
	SingleRoute   bool           // one Record-Route even where the transport changes
	Certificate   Certificate    // with it the proxy also speaks TLS
	CAFile        string         // whom it trusts then; needed to send to Next over TLS
}

// Proxy is a Kamailio that record-routes between two parties. It has no registrar.
type Proxy struct {
	ports   block
	dir     string
	process *process
}

// Kamailio starts a proxy on UDP and TCP, and on TLS if it has a certificate.
func Kamailio(t testing.TB, relay Relay) *Proxy {
	t.Helper()
	if relay.NextTransport == "" {
		relay.NextTransport = "udp"
	}
	k := &Proxy{ports: reserve(t), dir: directory(t, "kamailio")}
	if err := k.configure(relay); err != nil {
		t.Fatalf("kamailio: %v", err)
	}
	path := "/usr/sbin/kamailio" // not in everybody's PATH
	if _, err := os.Stat(path); err != nil {
		path = program(t, "kamailio")
	}
	k.process = start(t, "kamailio", k.dir, exec.Command(path, "-f", k.path("kamailio.cfg"),
		"-DD", "-E", "-m", "16", "-M", "4", "-Y", k.dir, "-w", k.dir))
	if err := k.process.await(func() error { return bound(k.Addr()) }); err != nil {
		t.Fatalf("kamailio does not listen: %v", err)
	}
	return k
}

// Addr is where it takes UDP and TCP.
func (k *Proxy) Addr() netip.AddrPort { return k.ports.addr(0) }

// SecureAddr is where it takes TLS.
func (k *Proxy) SecureAddr() netip.AddrPort { return k.ports.addr(1) }

// Log is what it wrote of each request so far, and of what went wrong.
func (k *Proxy) Log(t testing.TB) string {
	t.Helper()
	log, err := os.ReadFile(k.process.log)
	if err != nil {
		t.Fatalf("kamailio: %v", err)
	}
	return string(log)
}

func (k *Proxy) path(name string) string { return filepath.Join(k.dir, name) }

func (k *Proxy) configure(relay Relay) error {
	text, err := template.New("kamailio").Parse(kamailioConfig)
	if err != nil {
		return err
	}
	secure := relay.Certificate.CertFile != ""
	listen := map[string]netip.AddrPort{"udp": k.Addr(), "tcp": k.Addr()}
	if secure {
		listen["tls"] = k.SecureAddr()
	}
	var config strings.Builder
	if err := text.Execute(&config, struct {
		Relay
		Listen map[string]netip.AddrPort
		Secure bool
		Dir    string
	}{relay, listen, secure, k.dir}); err != nil {
		return err
	}
	tls := fmt.Sprintf(`[server:default]
method = TLSv1.2+
verify_certificate = no
require_certificate = no
certificate = %[1]s
private_key = %[2]s
[client:default]
method = TLSv1.2+
verify_certificate = yes
require_certificate = yes
certificate = %[1]s
private_key = %[2]s
ca_list = %[3]s
`, relay.Certificate.CertFile, relay.Certificate.KeyFile, relay.CAFile)
	for name, content := range map[string]string{"kamailio.cfg": config.String(), "tls.cfg": tls} {
		if err := os.WriteFile(k.path(name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}
