package dialer_test

import (
	"errors"
	"fmt"
	"math"
	"math/cmplx"
	"slices"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab"
	"ringpace/dialer/lab/peers"
	"ringpace/dialer/lab/tone"
)

// partsHeard holds who hears the supervisor at extension 1002.
func (h *house) partsHeard(agent *lab.Extension, byAgent, byCustomer bool) {
	h.t.Helper()
	h.hears("the agent", agent.Hears, hz(1002), byAgent)
	h.customerHears(hz(1002), byCustomer)
	h.customerHears(phoneHz, true)
	h.hears("the agent", agent.Hears, calleeHz, true)
}

// listened checks who took part in a call, and how, in order.
func listened(t *testing.T, r cdr.Record, token string, parts ...string) {
	t.Helper()
	if len(r.Listened) != len(parts) {
		t.Fatalf("%+v took part, want %q", r.Listened, parts)
	}
	last := r.Marks.Answered
	for i, l := range r.Listened {
		if l.Part != parts[i] || l.By != "a1002" || l.Agent != "a1001" || l.Token != token || l.Began.Before(last) || l.Ended.Before(l.Began) {
			t.Errorf("%+v took part, want %s", l, parts[i])
		}
		last = l.Ended
	}
}

// TestSupervisorDials has a supervisor listen, whisper and barge by what they dial and
// press: each hears whom they should, the voices of agent and customer lose no packet
// over it, the next call is heard too, and the records tell.
func TestSupervisorDials(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 2, Tones: true, NoLogin: true, AgentSet: "wrap_up: 0s, supervisor: true"})
	agent, boss := h.pbx.Extension("1001"), h.pbx.Extension("1002")
	if status := h.dial("1002", "*211001"); status != 0 {
		t.Fatalf("refused with %d", status)
	}
	h.hears("who listens to an agent at home", boss.Hears, 300, true) // a low beep
	if err := boss.Await(t.Context(), false); err != nil {
		t.Fatal("the call is not ended:", err)
	}
	for _, number := range []string{"*21", "*211002", "*211009"} { // nobody, themselves, a stranger
		if status := h.dial("1002", number); status != 404 {
			t.Errorf("%s is refused with %d, want 404", number, status)
		}
	}
	h.logIn("a1001")
	h.firstTalk()
	if status := h.dial("1002", "*211001"); status != 0 {
		t.Fatalf("refused with %d", status)
	}
	h.hears("the supervisor", boss.Hears, calleeHz, true)
	h.hears("the supervisor", boss.Hears, phoneHz, true)
	h.partsHeard(agent, false, false)
	h.press("1002", "5")
	h.partsHeard(agent, true, false)
	h.press("1002", "6")
	h.partsHeard(agent, true, true)
	if err := h.line("1002").PressByInfo(t.Context(), '4'); err != nil {
		t.Fatal(err)
	}
	h.partsHeard(agent, false, false)
	if lost := agent.Heard().Lost; lost > 0 {
		t.Errorf("%d packets are missing at the agent's ear", lost)
	}
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	listened(t, h.awaitRecords(1)[0], "", "listen", "whisper", "barge", "listen")

	h.hears("the supervisor between two calls", boss.Hears, calleeHz, false)
	h.load(1, 2)
	h.hears("the supervisor, in the next call,", boss.Hears, calleeHz, true)
	if err := boss.Hangup(); err != nil {
		t.Fatal(err)
	}
	h.await("the supervisor to be gone", func() bool { return !boss.Up() })
	if s := h.agent("a1001"); s.State != api.AgentTalking {
		t.Errorf("the agent is %s after the supervisor hung up", s.State)
	}
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	listened(t, h.awaitRecords(2)[1], "", "listen")
}

// TestSupervisorIsCalled has the API call a supervisor, who barges in and is recorded on
// the agent's side, then whispers and is not, and is hung up when the agent goes home.
func TestSupervisorIsCalled(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 2, Tones: true, NoLogin: true, AgentSet: "wrap_up: 0s, supervisor: true"})
	ctx := api.WithCaller(t.Context(), api.Caller{Name: "desk", Role: api.RoleSupervisor})
	agent, boss := h.pbx.Extension("1001"), h.pbx.Extension("1002")
	if _, err := h.daemon.Listen(ctx, "a1001", api.PartListen, "a1002"); !errors.Is(err, api.ErrConflict) {
		t.Errorf("listening to who is at home: %v", err)
	}
	if _, err := h.daemon.Listen(ctx, "a1001", api.PartListen, "a1001"); !errors.Is(err, api.ErrInvalid) {
		t.Errorf("listening to oneself: %v", err)
	}
	h.logIn("a1001")
	h.firstTalk()
	listen := func(part api.ListenPart) {
		t.Helper()
		if _, err := h.daemon.Listen(ctx, "a1001", part, "a1002"); err != nil {
			t.Fatal(err)
		}
	}
	listen(api.PartBarge)
	h.partsHeard(agent, true, true)
	h.hears("the supervisor", boss.Hears, calleeHz, true)
	listen(api.PartWhisper)
	h.partsHeard(agent, true, false)
	if n := boss.Served(); n != 1 {
		t.Errorf("the supervisor was called %d times", n)
	}
	if _, err := h.daemon.Logout(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	if err := boss.Await(t.Context(), false); err != nil {
		t.Error("the supervisor listens to nobody:", err)
	}
	r := h.awaitRecords(1)[0]
	listened(t, r, "desk", "barge", "whisper")
	sound := h.tape(r)
	const window = 160
	barged, level := 0, 0.0
	for at := 0; at+window <= len(sound.Channels[1]); at += window {
		if level = loudness(sound.Channels[1][at:at+window], hz(1002)); level > -20 {
			barged++
		}
	}
	if barged == 0 {
		t.Error("who barges in is not on the agent's channel")
	}
	if level > -35 {
		t.Errorf("who whispers is on the agent's channel at %.0f dB", level)
	}
	if level := loudness(sound.Channels[0], hz(1002)); level > -35 {
		t.Errorf("the supervisor is on the customer's channel at %.0f dB", level)
	}
}

// TestSupervisorsHearOneAnother has two supervisors at one call: each hears the other as
// the agent does.
func TestSupervisorsHearOneAnother(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 3, Tones: true, NoLogin: true, AgentSet: "wrap_up: 0s, supervisor: true"})
	h.logIn("a1001")
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentTalking)
	one, two := h.pbx.Extension("1002"), h.pbx.Extension("1003")
	for from, number := range map[string]string{"1002": "*221001", "1003": "*231001"} {
		if status := h.dial(from, number); status != 0 {
			t.Fatalf("refused with %d", status)
		}
	}
	h.hears("who barges in", two.Hears, hz(1002), true)
	h.hears("who whispers", one.Hears, hz(1003), true)
	h.customerHears(hz(1003), true)
	h.customerHears(hz(1002), false)
	h.press("1003", "4")
	h.hears("who whispers", one.Hears, hz(1003), false)
	h.hears("who listens", two.Hears, hz(1002), true)
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
}

// TestWhomASupervisorMayNotHear holds that who listens to an agent hears neither another
// agent's conversation, which that one is called in to, until it is theirs, nor a talk with a
// colleague.
func TestWhomASupervisorMayNotHear(t *testing.T) {
	t.Parallel()
	h := build(t, plan{
		Agents: 3, Tones: true, NoLogin: true, AgentSet: "wrap_up: 0s, supervisor: true",
		Global: "transfer: {extensions: [10XX]}",
	})
	boss := h.pbx.Extension("1003")
	quiet := func(what string) {
		t.Helper()
		since := time.Now()
		h.await("a second of it", func() bool { return time.Since(since) > time.Second })
		for _, hz := range []int{calleeHz, phoneHz, hz(1002)} {
			if level := boss.Hears(hz); level > -35 {
				t.Errorf("%s: the supervisor hears %d Hz at %.0f dB", what, hz, level)
			}
		}
	}
	h.logIn("a1001")
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentTalking)
	h.logIn("a1002")
	if status := h.dial("1003", "*211002"); status != 0 {
		t.Fatalf("refused with %d", status)
	}
	if _, err := h.daemon.CallIn(t.Context(), "a1001", "1002"); err != nil {
		t.Fatal(err)
	}
	h.threeTalk()
	quiet("another agent's conversation")
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	h.hears("the supervisor", boss.Hears, calleeHz, true)
	h.hears("the supervisor", boss.Hears, hz(1002), true)
	if _, err := h.daemon.Hangup(t.Context(), "a1002"); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0]
	if l := r.Listened; len(l) != 1 || l[0].Agent != "a1002" || len(r.Transfers) != 1 || l[0].Began.Before(r.Transfers[0].Left) {
		t.Errorf("%+v took part; transfers %+v", l, r.Transfers)
	}

	h.awaitAgent("a1002", api.AgentReady)
	line, err := h.pbx.Extension("1001").Consult(t.Context(), "1002")
	if err != nil {
		t.Fatal(err)
	}
	h.hears("the colleague", line.Hears, hz(1002), true)
	h.hears("the agent", h.pbx.Extension("1002").Hears, phoneHz, true)
	quiet("a talk with a colleague")
	line.Hangup()
	if !boss.Up() {
		t.Error("the supervisor is not on the line")
	}
}

// bin is the amplitude and phase of a frequency in samples of 8 kHz that begin at a
// place, as if the tone had begun at place 0.
func bin(samples []int16, at, hz int) complex128 {
	var sum complex128
	for i, s := range samples {
		sum += complex(float64(s), 0) * cmplx.Exp(complex(0, -2*math.Pi*float64(hz)*float64(at+i)/8000))
	}
	return sum * 2 / complex(float64(len(samples))*math.MaxInt16, 0)
}

// loudness is the level of a frequency in dBFS.
func loudness(samples []int16, hz int) float64 {
	return 20 * math.Log10(cmplx.Abs(bin(samples, 0, hz)))
}

// TestOnlySupervisorsListen holds that an agent whom the configuration does not call a
// supervisor hears nobody, neither by telephone nor by the API.
func TestOnlySupervisorsListen(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 2, NoLogin: true, AgentSet: "wrap_up: 0s"})
	h.logIn("a1001")
	if status := h.dial("1002", "*211001"); status != 403 {
		t.Errorf("refused with %d, want 403", status)
	}
	if _, err := h.daemon.Listen(t.Context(), "a1001", api.PartListen, "a1002"); !errors.Is(err, api.ErrInvalid) {
		t.Errorf("by the API: %v", err)
	}
}

// TestSoftphoneHearsNoGap has a supervisor come and go while baresip, the agent's
// softphone, hears the customer's tone. The file of what it received has the tone without
// a gap, a click or a change of level, also where the machine holds up the daemon or the
// softphone: what came meanwhile waits in the sockets, and the daemon puts no silence in
// its place.
func TestSoftphoneHearsNoGap(t *testing.T) {
	t.Parallel()
	p := deskPlan(t, "")
	p.Agents, p.Tones = 2, true
	p.AgentSet = `wrap_up: 0s, peer: registrar, password: "telephone", supervisor: true`
	h := build(t, p)
	phone := peers.BaresipAt(t, peers.Account{User: "1001", Password: "telephone", Server: h.cfg.SIP.Listen[0].Addr}, peers.Softphone{ToneHz: phoneHz})
	boss := h.handset("1002", "1002").Extension("1002")
	if _, err := h.daemon.StartCampaign(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	h.logIn("a1001")
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentTalking)
	for i := range time.Duration(2) {
		phone.AwaitHeard(t, 1, (i+1)*time.Second)
		if err := boss.Dial(t.Context(), "*211001"); err != nil {
			t.Fatal(err)
		}
		h.hears("the supervisor", boss.Hears, calleeHz, true)
		h.hears("the supervisor", boss.Hears, phoneHz, true)
		if err := boss.Hangup(); err != nil {
			t.Fatal(err)
		}
		h.await("the supervisor to be gone", func() bool { return !boss.Up() })
	}
	phone.AwaitHeard(t, 1, 3*time.Second)
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	listened(t, h.awaitRecords(1)[0], "", "listen", "listen")
	h.quit() // while the telephone is there to be hung up
	if gap := gapIn(phone.Heard(t, 1)); gap != "" {
		t.Error(gap)
	}
}

// gapIn tells what is amiss with the customer's tone in a sound; "" if nothing is.
func gapIn(heard tone.Sound) string {
	samples := heard.Channels[0]
	spans := tone.Spans(samples, heard.Rate, calleeHz, 20*time.Millisecond)
	if len(spans) != 1 || spans[0].Length() < time.Second {
		return fmt.Sprintf("the tone is there at %v, not all along", spans)
	}
	// The beginning is left out, when the agent hears a beep, and the ends, where packets have
	// the tone in part.
	const window = 160
	first, last := int(spans[0].From.Seconds()*8000)+4000, int(spans[0].To.Seconds()*8000)-3*window
	before := bin(samples[first:first+window], first, calleeHz)
	softly := -1.0
	for at := first + window/2; at < last; at += window / 2 {
		now := bin(samples[at:at+window], at, calleeHz)
		if turn := cmplx.Phase(now / before); math.Abs(turn) > 0.3 {
			return fmt.Sprintf("the tone jumps by %.2f radian at %.3f s", turn, float64(at)/8000)
		}
		// The tone is at -15.1 dBFS, but for 10 ms of each second, when it is soft. By that a
		// gap shows which is a multiple of its period.
		level, second := 20*math.Log10(cmplx.Abs(now)), float64(at)/8000
		if level < -19 || level > -13.5 {
			return fmt.Sprintf("the tone is at %.1f dBFS at %.3f s", level, second)
		}
		if level < -16 {
			if softly < 0 {
				softly = second
			}
			if off := math.Abs(math.Remainder(second-softly, 1)); off > 0.025 {
				return fmt.Sprintf("the tone is soft at %.3f s and at %.3f s, and should be each second", softly, second)
			}
		}
		before = now
	}
	return ""
}

// TestGapIn holds that gapIn finds what TestSoftphoneHearsNoGap says that there is not.
func TestGapIn(t *testing.T) {
	t.Parallel()
	const packet, at = 160, 2*8000 + 1234
	var whole []int16
	for range 4 { // as sound makes it
		second := tone.Sine(8000, calleeHz, -15.1, time.Second)
		for i := range 40 {
			second[i] = int16(int(second[i]) * i / 40)
			second[7999-i] = int16(int(second[7999-i]) * i / 40)
		}
		whole = append(whole, second...)
	}
	missing := func(packets int) []int16 { return slices.Delete(slices.Clone(whole), at, at+packets*packet) }
	silent, loud := slices.Clone(whole), slices.Clone(whole)
	clear(silent[at : at+packet])
	for i := range packet {
		loud[at+i] = int16(float64(loud[at+i]) * 1.41)
	}
	for name, c := range map[string]struct {
		samples []int16
		amiss   bool
	}{
		"nothing":                     {whole, false},
		"a packet is missing":         {missing(1), true},
		"two are":                     {missing(2), true},
		"as many as 44 periods last":  {missing(5), true},
		"a packet is silent":          {silent, true},
		"a packet comes twice":        {slices.Insert(slices.Clone(whole), at, whole[at-packet:at]...), true},
		"a packet of silence is more": {slices.Insert(slices.Clone(whole), at, make([]int16, packet)...), true},
		"a packet is 3 dB louder":     {loud, true},
	} {
		if gap := gapIn(tone.Sound{Rate: 8000, Channels: [][]int16{c.samples}}); (gap != "") != c.amiss {
			t.Errorf("%s: %q", name, gap)
		}
	}
}

// TestKilledWhileASupervisorListens kills the daemon amid a call that a supervisor hears,
// after another part of theirs, and whose recording is paused: the record of the call that
// a crash cut off tells of all.
func TestKilledWhileASupervisorListens(t *testing.T) {
	t.Parallel()
	p := plan{
		Agents: 2, Tones: true, AgentSet: "wrap_up: 0s, supervisor: true", Redis: peers.Redis(t).URL(),
		SIPPort: freePort(t), NoLogin: true,
	}
	h, child := toBeKilled(t, &p)
	if status := h.dial("1001", "*11"); status != 0 {
		t.Fatalf("refused with %d", status)
	}
	h.customerHears(phoneHz, true)
	if status := h.dial("1002", "*221001"); status != 0 {
		t.Fatalf("refused with %d", status)
	}
	h.hears("the agent", h.pbx.Extension("1001").Hears, hz(1002), true)
	h.press("1002", "4")
	h.hears("the agent", h.pbx.Extension("1001").Hears, hz(1002), false)
	h.press("1001", "*8")
	h.hears("the agent", h.pbx.Extension("1001").Hears, 1000, true) // the confirmation
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	for _, x := range p.extensions() {
		_ = h.pbx.Extension(x).Hangup()
	}
	h.start(p)
	r := h.awaitRecords(1)[0]
	if len(r.Listened) != 2 || r.Outcome != cdr.Interrupted {
		t.Fatalf("%s: %+v took part, want both parts of one supervisor", r.Outcome, r.Listened)
	}
	if whisper, listen := r.Listened[0], r.Listened[1]; whisper.Part != "whisper" || whisper.Ended.IsZero() || listen.Part != "listen" ||
		!listen.Ended.IsZero() || listen.By != "a1002" || listen.Agent != "a1001" || listen.Began.Before(whisper.Ended) {
		t.Errorf("took part: %+v", r.Listened)
	}
	if p := r.RecordingPauses; len(p) != 1 || p[0].Agent != "a1001" || !p[0].Ended.IsZero() {
		t.Errorf("pauses of the recording: %+v", p)
	}
}
