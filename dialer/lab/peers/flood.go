package peers

import (
	_ "embed"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"testing"
)

//go:embed sipp/flood.xml
var floodXML []byte

// Flood starts a SIPp that sends n INVITEs from an address of this machine's, rate a
// second, and waits for no answer.
func Flood(t testing.TB, from netip.Addr, to netip.AddrPort, rate, n int) *Player {
	t.Helper()
	p := &Player{ports: reserve(t), dir: directory(t, "flood")}
	if err := os.WriteFile(p.dir+"/flood.xml", floodXML, 0o644); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program(t, "sipp"),
		"-sf", "flood.xml", "-m", fmt.Sprint(n), "-r", fmt.Sprint(rate), "-l", fmt.Sprint(n),
		"-i", from.String(), "-mi", from.String(), "-ci", loopback.String(), "-bind_local",
		"-p", fmt.Sprint(p.ports.port(0)), "-cp", fmt.Sprint(p.ports.port(1)), "-mp", fmt.Sprint(p.ports.port(2)),
		"-nostdin", "-watchdog_interval", "0", to.String())
	command.Dir = p.dir
	p.process = start(t, "sipp", p.dir, command)
	return p
}
