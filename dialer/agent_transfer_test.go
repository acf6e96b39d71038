package dialer_test

import (
	"errors"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab"
	"ringpace/dialer/lab/peers"
	"ringpace/dialer/lab/tone"
)

// hz is what the phone of an extension says on a floor with Tones.
func hz(extension int) int { return phoneHz + 100*(extension-1001) }

// transfer has agent a1001 transfer their customer.
func (h *house) transfer(to string) {
	h.t.Helper()
	s, err := h.daemon.Transfer(h.t.Context(), "a1001", to)
	if err != nil {
		h.t.Fatal(err)
	}
	if s.State != api.AgentTransferring && s.State != api.AgentTalking && s.State != api.AgentWrapUp {
		h.t.Errorf("after the transfer agent is %s", s.State)
	}
}

// TestTransferToAnExtension holds that customer and new party hear each other, that the
// agent's part is over while the two talk on, that the recording has the new party in the
// agent's place, and that one record tells it all.
func TestTransferToAnExtension(t *testing.T) {
	h := build(t, plan{
		Agents: 1, Phones: 1, Tones: true, AgentSet: "wrap_up: 20s",
		Global: "transfer: {extensions: [10XX]}", Campaign: "dispositions: [{name: passed_on}]",
	})
	if _, err := h.daemon.Transfer(t.Context(), "a1001", "1002"); !errors.Is(err, api.ErrConflict) {
		t.Errorf("an agent without a call transfers: %v", err)
	}
	h.firstTalk()
	h.someWords("a1001")
	for _, to := range []string{"2001", "+12025550155", "0012025550155", "911"} {
		if _, err := h.daemon.Transfer(t.Context(), "a1001", to); !errors.Is(err, api.ErrInvalid) {
			t.Errorf("transfer to %s: %v", to, err)
		}
	}
	h.transfer("1002")
	h.awaitAgent("a1001", api.AgentWrapUp)
	h.customerHears(hz(1002), true)
	h.customerHears(phoneHz, false)
	other := h.pbx.Extension("1002")
	h.hears("the new party", other.Hears, calleeHz, true)
	h.hears("the agent", h.line("1001").Hears, calleeHz, false)
	if used := h.trunk().ChannelsUsed; used != 1 {
		t.Errorf("%d channels of the trunk are held, and the customer's leg is up", used)
	}
	// The agent is done and ready; their customer is not.
	if _, err := h.daemon.Dispose(t.Context(), "a1001", api.Disposition{Name: "passed_on"}); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentReady)
	if n := len(h.records()); n != 0 {
		t.Errorf("%d records while the customer talks", n)
	}
	began := time.Now()
	h.await("some words", func() bool { return time.Since(began) > 300*time.Millisecond })
	if err := other.Hangup(); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0]
	if r.Outcome != cdr.Person || r.HungUpBy != cdr.ThirdParty || r.Agent != "a1001" || r.Disposition != "passed_on" || len(r.Transfers) != 1 {
		t.Fatalf("record %+v", r)
	}
	x := r.Transfers[0]
	if x.By != "a1001" || x.Kind != cdr.Blind || x.To != "1002" || x.Party != "extension" || x.Outcome != cdr.TransferConnected ||
		x.Leg == nil || x.Leg.Received == 0 || !x.At.Before(x.Connected) || x.Ended.Sub(x.Connected) < 300*time.Millisecond || x.Connected.Sub(r.Marks.TalkEnded).Abs() > 100*time.Millisecond {
		t.Errorf("transfer %+v, talk until %v", x, r.Marks.TalkEnded)
	}
	h.recorded(r, []int{calleeHz}, []int{phoneHz, hz(1002)})
	if f := h.agent("a1001").Today; f.Transfers != 1 || f.Calls != 1 {
		t.Errorf("figures %+v", f)
	}
}

// someWords waits until an agent has talked for a while, so that a recording has it.
func (h *house) someWords(agent string) {
	h.t.Helper()
	h.await("some words", func() bool {
		s := h.agent(agent)
		return s.Call != nil && time.Since(s.Call.BridgedAt) > 400*time.Millisecond
	})
}

// recorded holds that the channels of a recording have these tones, in that order.
func (h *house) recorded(r cdr.Record, customer, agent []int) {
	h.t.Helper()
	sound := h.tape(r)
	for i, tones := range [][]int{customer, agent} {
		last := time.Duration(0)
		for _, hz := range tones {
			spans := tone.Spans(sound.Channels[i], sound.Rate, float64(hz), 200*time.Millisecond)
			if len(spans) == 0 || spans[0].From < last {
				h.t.Errorf("channel %d has %d Hz at %v", i, hz, spans)
				continue
			}
			last = spans[0].To - 50*time.Millisecond
		}
	}
}

// trunk is the house's one trunk.
func (h *house) trunk() api.TrunkStatus {
	h.t.Helper()
	trunks, err := h.daemon.Trunks(h.t.Context())
	if err != nil || len(trunks) != 1 {
		h.t.Fatal(trunks, err)
	}
	return trunks[0]
}

// TestTransferThatFails holds that the customer comes back to the agent, who is told why
// by their state, and that a second transfer may follow.
func TestTransferThatFails(t *testing.T) {
	t.Parallel()
	h := build(t, plan{
		Agents: 2, Phones: 2, Tones: true, AgentSet: "wrap_up: 0s",
		Global: "transfer: {extensions: [10XX], ring_timeout: 1s}",
	})
	h.awaitAgent("a1002", api.AgentReady)
	if _, err := h.daemon.Pause(t.Context(), "a1002", "lunch"); err != nil {
		t.Fatal(err)
	}
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentTalking)
	h.pbx.Extension("1003").Refuse(486)
	h.pbx.Extension("1004").Refuse(503)
	for _, to := range []string{"1002", "1003", "1004"} {
		h.customerHears(phoneHz, true)
		h.transfer(to)
		h.await("the customer back", func() bool { s := h.agent("a1001"); return s.State == api.AgentTalking && s.Reason != "" })
		h.customerHears(phoneHz, true)
		h.hears("the agent", h.line("1001").Hears, calleeHz, true)
	}
	if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0]
	if len(r.Transfers) != 3 || r.HungUpBy != cdr.Agent {
		t.Fatalf("record %+v", r)
	}
	for _, x := range r.Transfers {
		if want := map[string]cdr.Outcome{"1002": cdr.Busy, "1003": cdr.Busy, "1004": cdr.Congestion}[x.To]; x.Outcome != want || x.Reason == "" || !x.Connected.IsZero() {
			t.Errorf("transfer %+v, want %s", x, want)
		}
	}
}

// TestTransferToAnAgent holds that another agent gets the customer on their nailed leg,
// with the customer's data, that no call claims them meanwhile, and that both wrap up.
func TestTransferToAnAgent(t *testing.T) {
	t.Parallel()
	h := build(t, plan{Agents: 2, NoCalls: true, Tones: true, AgentSet: "wrap_up: 20s", Campaign: "dispositions: [{name: passed_on}, {name: sold}]"})
	h.awaitAgent("a1001", api.AgentReady)
	h.awaitAgent("a1002", api.AgentReady)
	if _, err := h.daemon.Pause(t.Context(), "a1002", "lunch"); err != nil {
		t.Fatal(err)
	}
	h.load(0, 1)
	if _, err := h.daemon.StartCampaign(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	h.awaitAgent("a1001", api.AgentTalking)
	h.customerHears(phoneHz, true)
	if _, err := h.daemon.Ready(t.Context(), "a1002"); err != nil {
		t.Fatal(err)
	}
	h.someWords("a1001")
	h.press("1001", "*71002#")
	h.awaitAgent("a1002", api.AgentTalking)
	h.awaitAgent("a1001", api.AgentWrapUp)
	h.customerHears(hz(1002), true)
	h.customerHears(phoneHz, false)
	h.hears("the second agent", h.line("1002").Hears, calleeHz, true)
	s := h.agent("a1002")
	if s.Call == nil || s.Call.TransferredBy != "a1001" || s.Lead == nil || s.Lead.Fields["name"] != "Person 0" {
		t.Errorf("the second agent's screen shows %+v, %+v", s.Call, s.Lead)
	}
	if _, err := h.daemon.Dispose(t.Context(), "a1001", api.Disposition{Name: "passed_on"}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.daemon.Hangup(t.Context(), "a1002"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.daemon.Dispose(t.Context(), "a1002", api.Disposition{Name: "sold"}); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0]
	if r.Agent != "a1001" || r.HungUpBy != cdr.Agent || r.Disposition != "sold" || len(r.Transfers) != 1 || r.AgentLeg == nil {
		t.Fatalf("record %+v", r)
	}
	if x := r.Transfers[0]; x.Agent != "a1002" || x.Party != "agent" || x.Outcome != cdr.TransferConnected || x.Disposition != "sold" || x.Leg == nil {
		t.Errorf("transfer %+v", x)
	}
	h.recorded(r, []int{calleeHz}, []int{phoneHz, hz(1002)})
}

// TestTransferOutside holds that a number outside is called over the customer's trunk,
// with a channel of its own and the official number, only where the configuration allows
// it; and that the recording can be made to end with the transfer.
func TestTransferOutside(t *testing.T) {
	t.Parallel()
	h := build(t, plan{
		Agents: 1, Tones: true, AgentSet: "wrap_up: 0s",
		Global: `transfer: {external: true, prefixes: ["+120255501"], recording: end}`,
	})
	h.firstTalk()
	if _, err := h.daemon.Transfer(t.Context(), "a1001", "+12025550999"); !errors.Is(err, api.ErrInvalid) {
		t.Errorf("a number of another beginning: %v", err)
	}
	h.transfer(number(7))
	h.await("the second channel", func() bool { return h.trunk().ChannelsUsed == 2 })
	h.customerHears(phoneHz, false)
	h.hears("the number outside", func(hz int) float64 { return h.carrier.Hears(number(7), hz) }, calleeHz, true)
	h.customerHears(calleeHz, true)
	calls, err := h.daemon.Calls(t.Context())
	if err != nil || len(calls) != 1 {
		t.Fatal(calls, err)
	}
	if calls[0].Transferred != number(7) {
		t.Errorf("the call shows %+v", calls[0])
	}
	if err := h.daemon.HangupCall(t.Context(), calls[0].ID); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0]
	if r.HungUpBy != cdr.Ringpace || len(r.Transfers) != 1 || r.Transfers[0].Party != "external" || r.Transfers[0].Trunk != "carrier" {
		t.Errorf("record %+v", r)
	}
	if n := h.carrier.Report().CallerIDs[official]; n != 2 {
		t.Errorf("%d calls showed the official number", n)
	}
	if r.Recording == nil || time.Duration(r.Recording.DurationMS)*time.Millisecond > r.Marks.TalkEnded.Sub(r.Marks.Answered)+100*time.Millisecond {
		t.Errorf("the recording goes on after the transfer: %+v", r.Recording)
	}
	h.await("no channel", func() bool { return h.trunk().ChannelsUsed == 0 })
}

// TestTransferAfterWhichTheAgentLeaves holds that a transfer goes on when the agent hangs
// up at once, before the customer's actor may have seen either, and that the customer gets the goodbye when it then fails.
func TestTransferAfterWhichTheAgentLeaves(t *testing.T) {
	t.Parallel()
	h := build(t, plan{
		Agents: 1, Phones: 1, Tones: true, RingFor: 700 * time.Millisecond, AgentSet: "wrap_up: 0s",
		Global: "transfer: {extensions: [10XX]}", NoLogin: true,
	})
	if status := h.dial("1001", "*11"); status != 0 {
		t.Fatal(status)
	}
	h.load(0, 2)
	h.awaitAgent("a1001", api.AgentTalking)
	if err := h.daemon.TransferAndLeave(t.Context(), "a1001", "1002"); err != nil {
		t.Fatal(err)
	}
	h.customerHears(hz(1002), true)
	h.await("the next call", func() bool { s := h.agent("a1001"); return s.Call != nil && s.Call.Number == number(1) })
	if err := h.pbx.Extension("1002").Hangup(); err != nil {
		t.Fatal(err)
	}
	if r := h.awaitRecords(1)[0]; r.HungUpBy != cdr.ThirdParty || r.Transfers[0].Outcome != cdr.TransferConnected {
		t.Errorf("record %+v", r)
	}
	if err := h.pbx.Extension("1002").Await(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	h.pbx.Extension("1002").Refuse(480)
	h.transfer("1002")
	h.await("the agent's part over", func() bool {
		s := h.agent("a1001")
		if s.Call == nil {
			return true
		}
		_, _ = h.daemon.Hangup(t.Context(), "a1001") // amid the transfer, or after it has failed
		return false
	})
	if r := h.awaitRecords(2)[1]; r.HungUpBy != cdr.Agent || r.Transfers[0].Outcome == cdr.TransferConnected {
		t.Errorf("record %+v", r)
	}
}

// TestCustomerLeavesAmidATransfer holds that the new party's phone stops ringing.
func TestCustomerLeavesAmidATransfer(t *testing.T) {
	t.Parallel()
	h := build(t, plan{
		Agents: 1, Phones: 1, RingFor: time.Minute, NoLogin: true, AgentSet: "wrap_up: 0s", Talk: time.Second,
		Global: "transfer: {extensions: [10XX]}",
	})
	if status := h.dial("1001", "*11"); status != 0 {
		t.Fatal(status)
	}
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentTalking)
	h.transfer("1002")
	h.awaitAgent("a1001", api.AgentReady)
	r := h.awaitRecords(1)[0]
	if r.HungUpBy != cdr.Customer || len(r.Transfers) != 1 || r.Transfers[0].Outcome != cdr.Cancelled {
		t.Errorf("record %+v", r)
	}
	h.await("no session but the agent's", func() bool {
		s, err := h.daemon.Status(t.Context())
		return err == nil && s.Media.Sessions == 1
	})
}

// TestTransferWaitsForItsTurn holds that a number outside is called as soon as the trunk's
// calls per second allow it, while the customer waits; also once the campaign dials no
// more.
func TestTransferWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	h := build(t, plan{
		Agents: 1, Tones: true, AgentSet: "wrap_up: 0s", Rate: "0.5",
		Behave: func(n string) lab.Behaviour {
			if n == number(6) {
				return lab.Busy
			}
			return lab.Person
		},
		Global: `transfer: {external: true, prefixes: ["+120255501"]}`,
	})
	h.load(0, 1)
	h.awaitAgent("a1001", api.AgentTalking)
	if _, err := h.daemon.StopCampaign(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	h.customerHears(phoneHz, true)
	stopped := time.Now()
	h.await("two more shares of the trunk", func() bool { return time.Since(stopped) > 2500*time.Millisecond })
	for _, i := range []int{6, 7} { // the first takes the turn of the second
		h.transfer(number(i))
		if i == 6 {
			h.await("the customer back", func() bool { s := h.agent("a1001"); return s.State == api.AgentTalking && s.Reason != "" })
		}
	}
	h.hears("the number outside", func(hz int) float64 { return h.carrier.Hears(number(7), hz) }, calleeHz, true)
	if err := h.hangUpAll(); err != nil {
		t.Fatal(err)
	}
	r := h.awaitRecords(1)[0]
	if len(r.Transfers) != 2 || r.Transfers[0].Outcome != cdr.Busy || r.Transfers[1].Outcome != cdr.TransferConnected {
		t.Fatalf("transfers %+v", r.Transfers)
	}
	if waited := r.Transfers[1].Connected.Sub(r.Transfers[0].At); waited < 1500*time.Millisecond {
		t.Errorf("two calls within %v, and the trunk takes one in two seconds", waited)
	}
}

// TestKilledAmidATransfer kills the daemon while the new party's phone rings, and while
// they talk with the customer: there is one record, and it tells of the transfer.
func TestKilledAmidATransfer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rings   time.Duration
		keys    string
		kind    cdr.TransferKind
		outcome cdr.Outcome
	}{
		"ringing":    {4 * time.Second, "*71002#", cdr.Blind, cdr.Interrupted},
		"talking":    {0, "*71002#", cdr.Blind, cdr.TransferConnected},
		"conference": {0, "*61002#", cdr.Conference, cdr.TransferConnected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := plan{
				Agents: 1, Phones: 1, Tones: true, AgentSet: "wrap_up: 0s", Redis: peers.Redis(t).URL(),
				Global: "transfer: {extensions: [10XX]}", RingFor: c.rings,
			}
			h, child := toBeKilled(t, &p)
			h.customerHears(phoneHz, true)
			h.press("1001", c.keys)
			if c.rings == 0 {
				h.customerHears(hz(1002), true)
			} else {
				h.await("the new party's phone rings", h.pbx.Extension("1002").Rings)
				h.customerHears(phoneHz, false)
			}
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = child.Wait()
			for _, x := range []string{"1001", "1002"} {
				_ = h.pbx.Extension(x).Hangup()
			}
			h.start(p)
			r := h.awaitRecords(1)[0]
			if r.Outcome != cdr.Interrupted || r.Agent != "a1001" || r.Marks.Answered.IsZero() || r.Marks.AgentAudio.IsZero() || r.Recording == nil || len(r.Transfers) != 1 {
				t.Fatalf("record %+v", r)
			}
			if x := r.Transfers[0]; x.To != "1002" || x.Kind != c.kind || x.Outcome != c.outcome || x.Connected.IsZero() == (c.rings == 0) {
				t.Errorf("transfer %+v", x)
			}
		})
	}
}

// hangUpAll ends every call with a customer.
func (h *house) hangUpAll() error {
	calls, err := h.daemon.Calls(h.t.Context())
	for _, c := range calls {
		err = errors.Join(err, h.daemon.HangupCall(h.t.Context(), c.ID))
	}
	return err
}
