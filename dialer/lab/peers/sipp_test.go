package peers

import (
	_ "embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"

	"ringpace/dialer/lab/tone"
)

//go:embed testdata/caller.xml
var callerXML string

// caller is the data of testdata/caller.xml: a call and what is to happen to it.
type caller struct {
	Number      string
	Media       uint16 // UDP port where the caller hears
	Provisional int    // response awaited before the final one; 0: none
	Final       int
	Cancel      bool // the caller gives up after the provisional
	HangsUp     bool // the caller ends an answered call, otherwise the callee
}

// call makes one call with a second SIPp and fails the test unless it goes as c
// says. It returns what was heard meanwhile.
func (c caller) call(t *testing.T, carrier *Carrier) []int16 {
	t.Helper()
	heard, err := c.run(t, carrier)
	if err != nil {
		t.Error("the caller was treated otherwise:", err)
	}
	return heard
}

func (c caller) run(t *testing.T, carrier *Carrier) ([]int16, error) {
	t.Helper()
	media, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(reserve(t).addr(0)))
	if err != nil {
		t.Fatal(err)
	}
	defer media.Close()
	c.Media = media.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	heard := make(chan []int16)
	go func() { heard <- listen(media) }()

	dir := t.TempDir()
	scenario, err := os.Create(filepath.Join(dir, "caller.xml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := template.Must(template.New("caller").Parse(callerXML)).Execute(scenario, c); err != nil {
		t.Fatal(err)
	}
	scenario.Close()
	command := exec.CommandContext(bounded(t), program(t, "sipp"), append([]string{
		carrier.Addr().String(), "-sf", "caller.xml", "-m", "1", "-recv_timeout", "10000",
	}, sippArguments(reserve(t))...)...)
	command.Dir = dir
	if _, err = output(command); err != nil {
		err = fmt.Errorf("%w\n%s", err, tail(filepath.Join(dir, "errors.log")))
	}
	media.Close()
	return <-heard, err
}

// listen decodes the A-law payload of all RTP that arrives until conn is closed.
func listen(conn *net.UDPConn) []int16 {
	const header = 12
	var samples []int16
	packet := make([]byte, 1500)
	for {
		n, err := conn.Read(packet)
		if err != nil {
			return samples
		}
		for _, octet := range packet[min(header, n):n] {
			samples = append(samples, tone.DecodeALaw(octet))
		}
	}
}

func TestEveryBehaviourOfTheCarrier(t *testing.T) {
	cases := map[Behaviour]struct {
		expect  caller
		audible bool
	}{
		Answer:        {caller{Provisional: 180, Final: 200, HangsUp: true}, true},
		HangUp:        {caller{Provisional: 180, Final: 200}, true},
		SlowAnswer:    {caller{Provisional: 180, Final: 200}, true},
		RingOut:       {caller{Provisional: 180, Final: 487, Cancel: true}, false},
		EarlyMedia:    {caller{Provisional: 183, Final: 486}, true},
		Busy:          {caller{Final: 486}, false},
		Congestion:    {caller{Final: 503}, false},
		InvalidNumber: {caller{Final: 404}, false},
		Unreachable:   {caller{Final: 480}, false},
		Rejected:      {caller{Final: 603}, false},
		Blocked:       {caller{Final: 608}, false},
	}
	plan := Plan{
		Default: HangUp, ToneHz: 600, Numbers: map[string]Behaviour{},
		Ring: time.Second, SlowRing: 2 * time.Second, Talk: time.Second,
	}
	called := map[Behaviour]string{}
	for i, behaviour := range behaviours() {
		called[behaviour] = fmt.Sprintf("+49309018200%02d", i+1)
		plan.Numbers[called[behaviour]] = behaviour
	}
	carrier := SIPp(t, plan)
	for _, behaviour := range behaviours() {
		t.Run(string(behaviour), func(t *testing.T) {
			c, known := cases[behaviour]
			if !known {
				t.Fatal("no case for this behaviour")
			}
			c.expect.Number = called[behaviour]
			heard := tone.Dominant(c.expect.call(t, carrier), 8000)
			if c.audible && (heard.Hz != 600 || heard.Share < 0.9) {
				t.Errorf("heard %+v instead of the tone", heard)
			}
			if !c.audible && heard.Hz != 0 {
				t.Errorf("heard %+v on a call without audio", heard)
			}
		})
	}
	unplanned := caller{Number: "1234", Provisional: 180, Final: 200}
	unplanned.call(t, carrier)

	calls := carrier.Finish(t, len(cases)+1)
	if len(calls) != len(cases)+1 {
		t.Fatalf("the carrier saw %d calls, want %d", len(calls), len(cases)+1)
	}
	for i, call := range calls[:len(cases)] {
		want := behaviours()[i]
		if call.Done != want || call.Number != called[want] {
			t.Errorf("call %d was %s to %s, want %s to %s", i, call.Done, call.Number, want, called[want])
		}
		if !strings.HasPrefix(call.From, `"Example Bank" <sip:+4930901820000@`) ||
			!strings.HasPrefix(call.AssertedIdentity, "<sip:+4930901820000@") || call.Privacy != "" {
			t.Errorf("the caller was not seen: %+v", call)
		}
	}
	ended := map[Behaviour]string{Answer: "caller", RingOut: "caller", HangUp: "callee", SlowAnswer: "callee"}
	for _, call := range calls {
		if call.EndedBy != ended[call.Done] {
			t.Errorf("%s was ended by %q, want %q", call.Done, call.EndedBy, ended[call.Done])
		}
	}
}

// The carrier's verdict is what the product's tests rest upon: it must notice.
func TestCarrierNoticesAWrongCall(t *testing.T) {
	cases := map[string]struct {
		plan   Plan
		caller caller
	}{
		"hung up on by the wrong side": {
			Plan{Default: HangUp, Ring: 10 * time.Millisecond, Talk: 3 * time.Second},
			caller{Number: "1", Provisional: 180, Final: 200, HangsUp: true},
		},
		"cancelled before a slow answer": {
			Plan{Default: SlowAnswer, SlowRing: 3 * time.Second},
			caller{Number: "1", Provisional: 180, Final: 200, Cancel: true},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			carrier := SIPp(t, c.plan)
			if _, err := c.caller.run(t, carrier); err != nil {
				t.Log("the caller noticed as well:", err)
			}
			if err := carrier.verdict(); err == nil {
				t.Error("the carrier says that the call went as planned")
			}
			if done := carrier.done(t); done != 0 {
				t.Errorf("%d calls count as done", done)
			}
		})
	}
}

func TestCarrierAnswersOPTIONS(t *testing.T) {
	carrier := SIPp(t, Plan{})
	conn, err := net.Dial("udp4", carrier.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		fmt.Fprintf(conn, "OPTIONS sip:%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%d\r\nFrom: <sip:1@1>;tag=1\r\n"+
			"To: <sip:1@1>\r\nCall-ID: health-%d\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
			carrier.Addr(), conn.LocalAddr(), i, i)
		answer := make([]byte, 1500)
		n, err := conn.Read(answer)
		if err != nil || !strings.HasPrefix(string(answer[:n]), "SIP/2.0 200") {
			t.Fatalf("OPTIONS is answered by %q, %v", answer[:n], err)
		}
	}
	if calls := carrier.Finish(t, 0); len(calls) != 0 {
		t.Errorf("health checks count as calls: %+v", calls)
	}
}
