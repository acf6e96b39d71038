package dialer_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
)

// TestIPv6 has calls out and in, signalling and audio, over IPv6, and with one leg of
// each family: both hear each other, and the recording has both, sample by sample.
func TestIPv6(t *testing.T) {
	four, six := netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()
	for _, c := range []struct {
		name         string
		at, other    string
		carrier, pbx netip.Addr
	}{
		{"IPv6 alone", "[::1]", "", six, six},
		{"customers at IPv4, agents at IPv6", "[::1]", `, "udp://127.0.0.1:0"`, four, six},
		{"customers at IPv6, agents at IPv4", "127.0.0.1", `, "udp://[::1]:0"`, six, four},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := build(t, plan{
				Agents: 1, AgentSet: "wrap_up: 100ms", NoCalls: true, Tones: true,
				At: c.at, Listen: c.other, CarrierAt: c.carrier, PBXAt: c.pbx,
			})
			h.awaitAgent("a1001", api.AgentReady)
			h.load(0, 1)
			if _, err := h.daemon.StartCampaign(t.Context(), "test"); err != nil {
				t.Fatal(err)
			}
			h.awaitAgent("a1001", api.AgentTalking)
			h.customerHears(phoneHz, true)
			h.hears("the agent", h.line("1001").Hears, calleeHz, true)
			bridged := h.agent("a1001").Call.BridgedAt
			h.await("two seconds of conversation", func() bool { return time.Since(bridged) > 2*time.Second })
			if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
				t.Fatal(err)
			}
			r := h.awaitRecords(1)[0]
			h.exact(r, calleeHz, phoneHz)
			for _, leg := range []*cdr.Leg{r.Customer, r.AgentLeg} {
				if leg == nil || leg.Received == 0 || leg.Lost+leg.Discarded != 0 {
					t.Errorf("leg %+v", leg)
				}
			}
			trace, err := h.daemon.Trace(t.Context(), r.ID)
			if err != nil {
				t.Fatal(err)
			}
			described := map[netip.Addr]int{}
			for _, m := range trace.Steps {
				_, body, _ := strings.Cut(m.Text, "\r\n\r\n")
				if !strings.Contains(body, "\nc=") {
					continue
				}
				local := netip.MustParseAddrPort(m.Local).Addr()
				described[local]++
				family := map[bool]string{true: "c=IN IP4 ", false: "c=IN IP6 "}[local.Is4()]
				if !strings.Contains(body, family+local.String()+"\r\n") {
					t.Errorf("from and to %v go\n%s", local, body)
				}
			}
			if described[c.carrier] < 2 || len(described) != 1 && c.other == "" {
				t.Errorf("session descriptions by address: %v", described)
			}

			h.awaitAgent("a1001", api.AgentReady)
			caller := h.callIn(number(7))
			h.hears("the caller", caller.Hears, phoneHz, true)
			h.hears("the agent", h.line("1001").Hears, callerHz, true)
			caller.Hangup()
			if in := h.awaitInbound(); in.Outcome != cdr.Person {
				t.Errorf("%+v", in)
			}
		})
	}
}

// exact holds that both channels of a recording are what was said, which repeats itself
// after each second, without one sample missing, added or changed, while both talked.
func (h *house) exact(r cdr.Record, customer, agent int) {
	h.t.Helper()
	h.recorded(r, []int{customer}, []int{agent})
	sound := h.tape(r)
	second := sound.Rate
	begin := int(r.Marks.AgentAudio.Sub(r.Marks.Answered).Seconds()*float64(second)) + second/10
	for i, channel := range sound.Channels {
		if len(channel) < begin+second*3/2 {
			h.t.Fatalf("channel %d has %d samples, and both talked from %d on", i, len(channel), begin)
		}
		for n := begin; n < begin+second/2; n++ {
			if channel[n] != channel[n+second] {
				h.t.Errorf("channel %d: sample %d is %d, and %d a second later", i, n, channel[n], channel[n+second])
				break
			}
		}
	}
}
