package peers

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/lab/tone"
)

// The softphone is called by Asterisk itself and answers.
func TestSoftphoneHearsATone(t *testing.T) {
	pbx := Asterisk(t, Plan{ToneHz: 440, Talk: 2 * time.Second})
	phone := Baresip(t, pbx, Softphone{})
	pbx.Console(t, "channel originate PJSIP/"+Extension+" extension s@hang-up")
	expectTone(t, "the agent", phone.Heard(t, 1), 440)
}

// A second softphone takes the product's place at the PBX: both hear the other.
func TestExtensionIsCalled(t *testing.T) {
	pbx := Asterisk(t, Plan{Codec: "PCMU"})
	agent := Baresip(t, pbx, Softphone{ToneHz: 600, Manual: true})
	caller := Baresip(t, pbx, Softphone{Extension: PBXUser, ToneHz: 800})
	caller.Command(t, "dial", Extension)
	awaitConsole(t, pbx, "core show channels concise", "!Ringing!")
	agent.Command(t, "accept", "")
	caller.AwaitHeard(t, 1, 1200*time.Millisecond)
	agent.AwaitHeard(t, 1, 1200*time.Millisecond)
	agent.Command(t, "hangup", "")
	expectTone(t, "the caller", caller.Heard(t, 1), 600)
	expectTone(t, "the agent", agent.Heard(t, 1), 800)
	record := pbx.CDRs(t, PBXUser, 1)[0]
	if record.Number != Extension || record.Disposition != "ANSWERED" || record.Talk() < time.Second {
		t.Errorf("Asterisk's record says %+v", record)
	}
}

// A softphone takes the product's place at the trunk, which demands registration
// and digest of it as it will of the product.
func TestTrunkFollowsThePlan(t *testing.T) {
	cases := []struct {
		number      string
		behaviour   Behaviour
		status      string // how the call ends, in baresip's words
		disposition string
		talk        time.Duration
	}{
		{"100", EarlyMedia, "486 Busy Here", "BUSY", 0},
		{"101", Busy, "486 Busy Here", "BUSY", 0},
		{"102", Congestion, "503 Service Unavailable", "CONGESTION", 0},
		{"103", InvalidNumber, "404 Not Found", "NO ANSWER", 0},
		{"104", Unreachable, "480 Temporarily Unavailable", "NO ANSWER", 0},
		{"105", Rejected, "403 Forbidden", "NO ANSWER", 0},
		{"106", RingOut, "", "NO ANSWER", 0},
		{"107", Answer, "", "ANSWERED", 0},
		{"+4930901820008", SlowAnswer, "Connection reset by peer", "ANSWERED", time.Second},
		{"+4930901820009", HangUp, "Connection reset by peer", "ANSWERED", time.Second},
	}
	plan := Plan{
		Default: HangUp, Numbers: map[string]Behaviour{},
		Ring: 500 * time.Millisecond, SlowRing: 2 * time.Second, Talk: time.Second,
	}
	for _, c := range cases[:len(cases)-1] { // the last is Default
		plan.Numbers[c.number] = c.behaviour
	}
	pbx := Asterisk(t, plan)
	line := Baresip(t, pbx, Softphone{Extension: TrunkUser})
	for i, c := range cases {
		line.Command(t, "dial", c.number)
		switch c.behaviour {
		case RingOut:
			awaitConsole(t, pbx, "core show channels concise", "!Ring!")
			line.Command(t, "hangup", "")
		case Answer:
			awaitConsole(t, pbx, "core show channels concise", "!Up!")
			line.Command(t, "hangup", "")
		}
		record := pbx.CDRs(t, TrunkUser, i+1)[i]
		if record.Number != c.number || record.Disposition != c.disposition || record.CallID == "" {
			t.Errorf("%s: Asterisk's record says %+v", c.behaviour, record)
		}
		if off := record.Talk() - c.talk; c.behaviour != Answer && off.Abs() > 300*time.Millisecond {
			t.Errorf("%s: Asterisk counts %v of talk, want %v", c.behaviour, record.Talk(), c.talk)
		}
		if !strings.Contains(record.From, "<sip:"+TrunkUser+"@") {
			t.Errorf("%s: Asterisk saw From: %s", c.behaviour, record.From)
		}
		if c.status == "" {
			continue
		}
		end := fmt.Sprintf("sip:%s@%s;transport=udp: session closed: %s\n", c.number, pbx.Addr(), c.status)
		if err := line.process.await(func() error {
			if log, err := os.ReadFile(line.process.log); err != nil || !strings.Contains(string(log), end) {
				return fmt.Errorf("no %q, %v", end, err)
			}
			return nil
		}); err != nil {
			t.Errorf("%s: %v", c.behaviour, err)
		}
	}
}

func TestAsteriskComesBack(t *testing.T) {
	pbx := Asterisk(t, Plan{})
	pbx.Kill()
	pbx.Start(t)
	Baresip(t, pbx, Softphone{})
}

func awaitConsole(t *testing.T, pbx *PBX, command, want string) {
	t.Helper()
	if err := pbx.process.await(func() error {
		if said := pbx.Console(t, command); !strings.Contains(said, want) {
			return fmt.Errorf("no %q in %q", want, said)
		}
		return nil
	}); err != nil {
		t.Fatalf("asterisk: %s: %v", command, err)
	}
}

func expectTone(t *testing.T, who string, heard tone.Sound, hz float64) {
	t.Helper()
	reading := tone.Dominant(heard.Channels[0], heard.Rate)
	if math.Abs(reading.Hz-hz) > 5 || reading.Share < 0.5 || reading.Level < -30 {
		t.Errorf("%s hears %+v in %v, want %v Hz", who, reading, heard.Duration(), hz)
	}
	t.Logf("%s hears %+v in %v", who, reading, heard.Duration())
}
