package lab

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/media"
	"ringpace/sip"
)

func newTestCarrier(t *testing.T, cfg CarrierConfig) *Carrier {
	t.Helper()
	cfg.Username, cfg.Password = "bank", "secret"
	cfg.ChallengeInvites = true
	cfg.CallerIDs = []string{officialNumber}
	if cfg.Ring == (Spread{}) {
		cfg.Ring = Spread{Median: 50 * time.Millisecond}
	}
	carrier, err := NewCarrier(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := carrier.Close(deadline(t)); err != nil {
			t.Error(err)
		}
	})
	return carrier
}

func trunkTo(carrier *Carrier) sip.TrunkConfig {
	return sip.TrunkConfig{
		Name: "lab", Server: carrier.Addr().String(), Domain: "carrier.example",
		Username: "bank", Password: "secret", Register: true,
		Identity: sip.Identity{CallerIDs: []string{officialNumber}, Assert: true},
	}
}

func registered(t *testing.T, carrier *Carrier) {
	t.Helper()
	if err := carrier.Await(deadline(t), func(r Report) bool { return r.Registered }); err != nil {
		t.Fatalf("not registered: %v", err)
	}
}

func settled(t *testing.T, carrier *Carrier, calls int) Report {
	t.Helper()
	err := carrier.Await(deadline(t), func(r Report) bool { return r.Calls == calls && r.Up == 0 })
	if err != nil {
		t.Fatalf("the carrier's calls do not end: %v, %+v", err, carrier.Report())
	}
	return carrier.Report()
}

func TestCalleesThatDoNotAnswer(t *testing.T) {
	cases := []struct {
		behaviour Behaviour
		status    int
		class     sip.FailureClass
		early     bool
	}{
		{Busy, 486, sip.Busy, false},
		{NoAnswer, 487, sip.NoAnswer, false},
		{Rejected, 603, sip.Rejected, false},
		{InvalidNumber, 404, sip.InvalidNumber, false},
		{Unreachable, 480, sip.Unreachable, false},
		{Congestion, 503, sip.Congestion, false},
		{EarlyBusy, 486, sip.Busy, true},
		{EarlyInvalid, 404, sip.InvalidNumber, true},
	}
	people := make(map[string]Behaviour)
	for i, c := range cases {
		people[fmt.Sprintf("+1212555010%d", i)] = c.behaviour
	}
	carrier := newTestCarrier(t, CarrierConfig{Behave: func(number string) Behaviour { return people[number] }})
	caller := newCaller(t)
	trunk := caller.trunk(t, trunkTo(carrier))
	registered(t, carrier)
	for i, c := range cases {
		t.Run(string(c.behaviour), func(t *testing.T) {
			ring := patience
			if c.behaviour == NoAnswer {
				ring = 300 * time.Millisecond
			}
			l := caller.dial(t, trunk, fmt.Sprintf("+1212555010%d", i), officialNumber, ring)
			failed := l.failed()
			if failed.Class != c.class {
				t.Errorf("class %v, want %v (%+v)", failed.Class, c.class, failed)
			}
			if l.early != c.early {
				t.Errorf("early media: %v, want %v", l.early, c.early)
			}
			settled(t, carrier, i+1)
			call := carrier.Calls()[i]
			if call.Behaviour != c.behaviour || call.Status != c.status || call.Outcome != c.behaviour.Outcome() || !call.Answered.IsZero() {
				t.Errorf("the carrier saw %+v", call)
			}
		})
	}
	r := carrier.Report()
	if r.Outcomes[cdr.Busy] != 2 || r.Outcomes[cdr.NoAnswer] != 1 || r.CallerIDs[officialNumber] != 8 {
		t.Errorf("report %+v", r)
	}
}

func TestEarlyMediaIsHeard(t *testing.T) {
	carrier := newTestCarrier(t, CarrierConfig{
		Behave: func(string) Behaviour { return EarlyBusy },
		Ring:   Spread{Median: time.Hour}, // the caller hangs up
	})
	caller := newCaller(t)
	trunk := caller.trunk(t, trunkTo(carrier))
	registered(t, carrier)
	l := caller.dial(t, trunk, calledNumber, officialNumber, patience)
	final := make(chan sip.Event, 1)
	go func() { final <- l.final() }()
	wait(t, l.ear.sound, "the announcement")
	l.call.Hangup(sip.CauseNormal)
	if e, ok := (<-final).(sip.Failed); !ok || e.Class != sip.Cancelled {
		t.Errorf("ended with %+v", e)
	}
	settled(t, carrier, 1)
}

func TestPersonSpeaksListensAndHangsUp(t *testing.T) {
	const customer, agent = 440, 1000
	carrier := newTestCarrier(t, CarrierConfig{
		Behave:       func(string) Behaviour { return Person },
		Voice:        func(string) *media.Prompt { return Tone(customer) },
		CustomerEnds: 1,
		Talk:         Spread{Median: 1500 * time.Millisecond},
		Patience:     patience,
	})
	caller := newCaller(t)
	trunk := caller.trunk(t, trunkTo(carrier))
	registered(t, carrier)
	l := caller.dial(t, trunk, calledNumber, officialNumber, patience)
	l.answered()
	wait(t, l.ear.sound, "the callee's voice")
	if carrier.Calls()[0].Heard.FirstSound != (time.Time{}) {
		t.Error("the callee took silence for sound")
	}
	l.session.Play(Tone(agent), true)
	if end := l.ended(); end.ByUs {
		t.Errorf("ended by us: %+v", end)
	}
	r := settled(t, carrier, 1)
	call := carrier.Calls()[0]
	if call.EndedBy != CalleeSide || call.Outcome != cdr.Person || call.Status != 200 {
		t.Errorf("the carrier saw %+v", call)
	}
	if _, ok := call.SoundAfter(); !ok || r.SoundAfter.N != 1 {
		t.Errorf("no time of the first sound: %+v", r)
	}
	if level := carrier.Hears(calledNumber, agent); math.Abs(level+12) > 2 {
		t.Errorf("the callee heard the agent's tone at %.1f dBFS, want -12", level)
	}
	if level := l.ear.hears(customer); math.Abs(level+12) > 2 {
		t.Errorf("the caller heard the callee's tone at %.1f dBFS, want -12", level)
	}
	if level := l.ear.hears(agent); level > -40 {
		t.Errorf("the caller heard itself at %.1f dBFS", level)
	}
}

func TestPersonLosesPatienceInSilence(t *testing.T) {
	carrier := newTestCarrier(t, CarrierConfig{
		Behave:   func(string) Behaviour { return Person },
		Patience: 200 * time.Millisecond,
	})
	caller := newCaller(t)
	trunk := caller.trunk(t, trunkTo(carrier))
	registered(t, carrier)
	l := caller.dial(t, trunk, calledNumber, officialNumber, patience)
	l.answered()
	l.ended()
	settled(t, carrier, 1)
	if call := carrier.Calls()[0]; call.EndedBy != CalleeSide || !call.Heard.FirstSound.IsZero() {
		t.Errorf("the carrier saw %+v", call)
	}
}

func TestPersonStaysUntilTheCallerHangsUp(t *testing.T) {
	carrier := newTestCarrier(t, CarrierConfig{
		Behave:   func(string) Behaviour { return SlowPerson },
		SlowRing: Spread{Median: 100 * time.Millisecond},
		Patience: patience,
	})
	caller := newCaller(t)
	trunk := caller.trunk(t, trunkTo(carrier))
	registered(t, carrier)
	l := caller.dial(t, trunk, calledNumber, officialNumber, patience)
	l.answered()
	l.session.Play(AgentVoice(0), true)
	if err := carrier.Await(deadline(t), func(r Report) bool { return r.SoundAfter.N == 1 }); err != nil {
		t.Fatal("the callee does not hear the agent")
	}
	l.call.Hangup(sip.CauseNormal)
	l.ended()
	settled(t, carrier, 1)
	if call := carrier.Calls()[0]; call.EndedBy != CallerSide {
		t.Errorf("the carrier saw %+v", call)
	}
}

func TestCarrierRefusesAFalseCallerID(t *testing.T) {
	carrier := newTestCarrier(t, CarrierConfig{Behave: func(string) Behaviour { return Person }})
	caller := newCaller(t)
	cfg := trunkTo(carrier)
	const local = "+12125550777"
	cfg.Identity.CallerIDs = append(cfg.Identity.CallerIDs, local)
	trunk := caller.trunk(t, cfg)
	registered(t, carrier)
	l := caller.dial(t, trunk, calledNumber, local, patience)
	if failed := l.failed(); failed.Status != 403 {
		t.Errorf("failed with %+v, want 403", failed)
	}
	if r := carrier.Report(); r.Calls != 0 || r.RefusedCallerIDs[local] != 1 {
		t.Errorf("report %+v", r)
	}
}

func TestCarrierRefusesStrangers(t *testing.T) {
	carrier := newTestCarrier(t, CarrierConfig{Behave: func(string) Behaviour { return Person }})
	caller := newCaller(t)
	cfg := trunkTo(carrier)
	cfg.Register = false
	l := caller.dial(t, caller.trunk(t, cfg), calledNumber, officialNumber, patience)
	if failed := l.failed(); failed.Status != 403 {
		t.Errorf("not registered: %+v, want 403", failed)
	}
	if r := carrier.Report(); r.Calls != 0 || r.Unauthorised != 1 {
		t.Errorf("report %+v", r)
	}

	caller.trunk(t, trunkTo(carrier))
	registered(t, carrier)
	cfg.Name, cfg.Password = "thief", "guess"
	l = caller.dial(t, caller.trunk(t, cfg), calledNumber, officialNumber, patience)
	if failed := l.failed(); failed.Status != 401 && failed.Status != 407 && failed.Status != 403 {
		t.Errorf("wrong password: %+v", failed)
	}
	if r := carrier.Report(); r.Calls != 0 {
		t.Errorf("report %+v", r)
	}
}

func TestCarrierRefusesAWrongRegistration(t *testing.T) {
	carrier := newTestCarrier(t, CarrierConfig{})
	caller := newCaller(t)
	cfg := trunkTo(carrier)
	cfg.Password = "guess"
	trunk := caller.trunk(t, cfg)
	ctx := deadline(t)
	for trunk.Status().State != "refused" {
		select {
		case <-trunk.Changed():
		case <-ctx.Done():
			t.Fatalf("status %+v", trunk.Status())
		}
	}
	if carrier.Registered() {
		t.Error("registered with a wrong password")
	}
}

func TestCloseEndsCalls(t *testing.T) {
	carrier, err := NewCarrier(CarrierConfig{
		Username: "bank", Password: "secret",
		Behave: func(string) Behaviour { return Person },
		Ring:   Spread{Median: time.Millisecond}, Patience: patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	caller := newCaller(t)
	trunk := caller.trunk(t, trunkTo(carrier))
	registered(t, carrier)
	l := caller.dial(t, trunk, calledNumber, officialNumber, patience)
	l.answered()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := carrier.Close(ctx); err != nil {
		t.Error(err)
	}
	l.ended()
	if r := carrier.Report(); r.Up != 0 {
		t.Errorf("%d calls up after Close", r.Up)
	}
}
