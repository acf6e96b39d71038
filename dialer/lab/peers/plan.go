package peers

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"testing"
	"time"
)

// Behaviour is the fate of one call at the far end of a trunk.
type Behaviour string

// What a called number may do. Where SIPp and Asterisk differ it is said so.
const (
	Answer        Behaviour = "answer"         // 180, after Ring 200 and the tone, until the caller hangs up
	HangUp        Behaviour = "hang-up"        // as Answer, but the callee hangs up after Talk
	SlowAnswer    Behaviour = "slow-answer"    // as HangUp, but answers only after SlowRing
	RingOut       Behaviour = "ring-out"       // 180 until the caller cancels
	EarlyMedia    Behaviour = "early-media"    // 183 with SDP, the tone for Ring, then 486 with Q.850 cause 17
	Busy          Behaviour = "busy"           // 486 with Q.850 cause 17
	Congestion    Behaviour = "congestion"     // 503 with Retry-After: 5; Asterisk: 503 with Q.850 cause 34
	InvalidNumber Behaviour = "invalid-number" // 404 with Q.850 cause 1
	Unreachable   Behaviour = "unreachable"    // 480 with Q.850 cause 20; Asterisk: cause 19
	Rejected      Behaviour = "rejected"       // 603 with Q.850 cause 21; Asterisk: 403
	Blocked       Behaviour = "blocked"        // 608; not by Asterisk
)

// behaviours is the closed set.
func behaviours() []Behaviour {
	return []Behaviour{
		Answer, HangUp, SlowAnswer, RingOut, EarlyMedia, Busy,
		Congestion, InvalidNumber, Unreachable, Rejected, Blocked,
	}
}

// Plan says what happens to the calls that a carrier gets.
type Plan struct {
	Default Behaviour            // of every number that Numbers does not name; Answer when empty
	Numbers map[string]Behaviour // by the user part of the Request-URI, as it is sent

	Ring     time.Duration // from 180 or 183 to the final response; default 200 ms
	SlowRing time.Duration // the same for SlowAnswer; default 3 s
	Talk     time.Duration // from the answer to the callee's BYE; default 3 s
	ToneHz   float64       // what the callee plays; default 440
	Codec    string        // "PCMA" (default) or "PCMU": the only one that the callee takes
}

// number is what may stand in a dial plan and in a regular expression unharmed.
var number = regexp.MustCompile(`^[+*#]?[0-9]+$`)

// checked is the plan with its defaults, or the test's end.
func (p Plan) checked(t testing.TB) Plan {
	t.Helper()
	if p.Default == "" {
		p.Default = Answer
	}
	if p.Codec == "" {
		p.Codec = "PCMA"
	}
	if p.ToneHz == 0 {
		p.ToneHz = 440
	}
	for value, usual := range map[*time.Duration]time.Duration{
		&p.Ring: 200 * time.Millisecond, &p.SlowRing: 3 * time.Second, &p.Talk: 3 * time.Second,
	} {
		if *value == 0 {
			*value = usual
		}
	}
	if p.Codec != "PCMA" && p.Codec != "PCMU" {
		t.Fatalf("the carriers know PCMA and PCMU, not %q", p.Codec)
	}
	for called, behaviour := range p.Numbers {
		if !number.MatchString(called) {
			t.Fatalf("%q cannot be a called number", called)
		}
		if !slices.Contains(behaviours(), behaviour) {
			t.Fatalf("%s shall %q, which no carrier knows", called, behaviour)
		}
	}
	if !slices.Contains(behaviours(), p.Default) {
		t.Fatalf("the carriers do not know how to %q", p.Default)
	}
	return p
}

// Rule is one line of a plan, for the templates of scenarios and dial plans.
type Rule struct {
	Number    string
	Behaviour Behaviour
}

// Rules is Numbers in a fixed order.
func (p Plan) Rules() []Rule {
	var rules []Rule
	for _, called := range slices.Sorted(maps.Keys(p.Numbers)) {
		rules = append(rules, Rule{called, p.Numbers[called]})
	}
	return rules
}

// Milliseconds prints a duration as SIPp wants it.
func (Plan) Milliseconds(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }

// Seconds prints a duration as Asterisk wants it.
func (Plan) Seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// longest is how long a call that follows the plan may take with everything.
func (p Plan) longest() time.Duration { return p.Ring + p.SlowRing + p.Talk + patience }
