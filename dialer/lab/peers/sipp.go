package peers

import (
	"bufio"
	"bytes"
	_ "embed"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"ringpace/dialer/lab/tone"
)

//go:embed sipp/carrier.xml
var carrierXML string

// Carrier is a SIPp that takes calls on UDP and treats each as a plan says. It
// registers nobody and asks for no password; OPTIONS it answers.
type Carrier struct {
	plan    Plan
	ports   block
	dir     string
	process *process
}

// CarrierCall is a call as the carrier saw it. The headers are without their
// names, and empty if the INVITE had none.
type CarrierCall struct {
	CallID            string
	Number            string // user part of the Request-URI
	From              string
	AssertedIdentity  string    // P-Asserted-Identity
	PreferredIdentity string    // P-Preferred-Identity
	Privacy           string    // Privacy
	EndedBy           string    // "caller" or "callee", of an answered or a cancelled call
	Done              Behaviour // what was done to its end; empty while it lasts and if it went wrong
}

// SIPp starts a carrier that follows plan.
func SIPp(t testing.TB, plan Plan) *Carrier {
	t.Helper()
	c := &Carrier{plan: plan.checked(t), ports: reserve(t), dir: directory(t, "carrier")}
	scenario, err := c.scenario()
	if err != nil {
		t.Fatalf("the carrier's scenario: %v", err)
	}
	c.write(t, "carrier.xml", scenario)
	c.write(t, "tone.raw", c.plan.payload())
	arguments := append([]string{"-sf", "carrier.xml", "-timeout", "20m"}, sippArguments(c.ports)...)
	command := exec.Command(program(t, "sipp"), arguments...)
	command.Dir = c.dir
	c.process = start(t, "the carrier", c.dir, command)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the carrier's messages:\n%s", tail(c.path("messages.log")))
		}
	})
	if err := c.process.await(c.listening); err != nil {
		t.Fatalf("sipp does not listen: %v", err)
	}
	return c
}

// sippArguments are those that every SIPp of ours shares: bound to loopback,
// ports of its own, logs of all that went wrong and of every message.
func sippArguments(ports block) []string {
	port := func(offset int) string { return fmt.Sprint(ports.port(offset)) }
	return []string{
		"-i", loopback.String(), "-mi", loopback.String(), "-ci", loopback.String(), "-bind_local",
		"-p", port(0), "-cp", port(1), "-mp", port(2),
		"-nostdin", "-watchdog_interval", "0", // a slow machine is no error
		"-trace_err", "-error_file", "errors.log",
		"-trace_msg", "-message_file", "messages.log",
		"-trace_logs", "-log_file", "calls.log",
	}
}

// Addr is where the carrier takes calls.
func (c *Carrier) Addr() netip.AddrPort { return c.ports.addr(0) }

// Calls are the calls that came so far, in the order in which they did.
func (c *Carrier) Calls(t testing.TB) []CarrierCall {
	t.Helper()
	log, err := os.ReadFile(c.path("calls.log"))
	if err != nil && !os.IsNotExist(err) { // none came yet
		t.Fatalf("the carrier's log: %v", err)
	}
	var calls []CarrierCall
	index := map[string]int{} // SIPp's own number of the call: its place in calls
	lines := bufio.NewScanner(bytes.NewReader(log))
	for lines.Scan() {
		id, fact, _ := strings.Cut(lines.Text(), " ")
		key, value, _ := strings.Cut(fact, " ")
		value = strings.TrimSpace(value)
		if key == "call-id" {
			index[id] = len(calls)
			calls = append(calls, CarrierCall{CallID: value})
			continue
		}
		at, known := index[id]
		if !known {
			continue // not a line of the scenario's
		}
		call := &calls[at]
		switch key {
		case "number":
			call.Number = value
		case "from":
			call.From = value
		case "asserted":
			call.AssertedIdentity = value
		case "preferred":
			call.PreferredIdentity = value
		case "privacy":
			call.Privacy = value
		case "ended":
			call.EndedBy = strings.TrimPrefix(value, "by the ")
		case "done":
			call.Done = Behaviour(value)
		}
	}
	return calls
}

// Finish waits until n calls have ended as the plan says, ends the carrier, and
// returns all calls. The test fails if any call, also one beyond n, went
// otherwise: a message or header that was not expected, or one that was missing.
func (c *Carrier) Finish(t testing.TB, n int) []CarrierCall {
	t.Helper()
	deadline := time.Now().Add(c.plan.longest())
	for done := c.done(t); done < n; done = c.done(t) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d calls went as planned in time\n%s", done, n, tail(c.path("errors.log")))
		}
		select {
		case <-c.process.done:
			t.Fatalf("sipp ended after %d of %d calls: %v\n%s", done, n, c.process.err, tail(c.path("errors.log")))
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err := c.verdict(); err != nil {
		t.Fatal(err)
	}
	return c.Calls(t)
}

// done counts the calls that have ended as planned.
func (c *Carrier) done(t testing.TB) int {
	t.Helper()
	done := 0
	for _, call := range c.Calls(t) {
		if call.Done != "" {
			done++
		}
	}
	return done
}

// verdict lets the calls that are up come to their end, ends SIPp, and returns
// an error if any call ever went otherwise than planned.
func (c *Carrier) verdict() error {
	if err := c.process.stop(syscall.SIGUSR1, c.plan.longest()); err != nil {
		return fmt.Errorf("not every call went as planned: sipp: %w\n%s", err, tail(c.path("errors.log")))
	}
	return nil
}

func (c *Carrier) path(name string) string { return filepath.Join(c.dir, name) }

func (c *Carrier) write(t testing.TB, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(c.path(name), content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (c *Carrier) listening() error { return bound(c.Addr()) }

// payload is two seconds of the callee's tone as RTP payload, whole periods of
// any tone that is a multiple of 0.5 Hz, so that it may be looped without a click.
func (p Plan) payload() []byte {
	samples := tone.Sine(8000, p.ToneHz, -13, 2*time.Second)
	if p.Codec == "PCMU" {
		return tone.EncodeMuLaw(samples)
	}
	return tone.EncodeALaw(samples)
}

// PayloadType is the static RTP payload type of the codec (RFC 3551 section 6).
func (p Plan) PayloadType() int {
	if p.Codec == "PCMU" {
		return 0
	}
	return 8
}

// finalResponse is a failure's response to the INVITE.
type finalResponse struct {
	Behaviour Behaviour
	Status    int
	Phrase    string
	Header    string // one more header line, or empty
}

// carrierScenario is the data of sipp/carrier.xml.
type carrierScenario struct {
	Plan
	Failures []finalResponse
	Limit    time.Duration // how long a branch waits for the caller
}

func (c *Carrier) scenario() ([]byte, error) {
	final := func(status int, phrase, header string) finalResponse {
		return finalResponse{Status: status, Phrase: phrase, Header: header}
	}
	scenario, err := template.New("carrier").Funcs(template.FuncMap{
		"final":   final,
		"pattern": pattern,
	}).Parse(carrierXML)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = scenario.Execute(&text, carrierScenario{
		Plan: c.plan,
		Failures: []finalResponse{
			{Busy, 486, "Busy Here", `Reason: Q.850;cause=17;text="User busy"`},
			{Congestion, 503, "Service Unavailable", "Retry-After: 5"},
			{InvalidNumber, 404, "Not Found", `Reason: Q.850;cause=1;text="Unallocated number"`},
			{Unreachable, 480, "Temporarily Unavailable", `Reason: Q.850;cause=20;text="Subscriber absent"`},
			{Rejected, 603, "Decline", `Reason: Q.850;cause=21;text="Call rejected"`},
			{Blocked, 608, "Rejected", ""},
		},
		Limit: 5 * time.Minute,
	})
	return text.Bytes(), err
}

// pattern is an extended regular expression that matches number and nothing else.
func pattern(number string) string {
	return strings.NewReplacer("+", "[+]", "*", "[*]").Replace(number)
}

// bound tells why no program has bound a UDP port yet. It asks the kernel's
// table, because a datagram sent to try would be a message to the peer.
func bound(addr netip.AddrPort) error {
	table, err := os.ReadFile("/proc/net/udp")
	if err != nil {
		return err
	}
	ip := addr.Addr().As4()
	// The address is printed as one native integer, the port as a number (proc(5)).
	local := fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], addr.Port())
	for line := range strings.Lines(string(table)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[1] == local {
			return nil
		}
	}
	return fmt.Errorf("nobody listens on UDP port %s", strconv.Itoa(int(addr.Port())))
}
