package dialer_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab/peers"
	"ringpace/dialer/lab/tone"
)

// TestAsteriskEncrypted has an Asterisk with media_encryption=sdes be the carrier and the
// PBX of an agent's baresip. Both legs are encrypted, all that is sent either way on either
// is understood, also after the phone has held and resumed, and the recording has both.
func TestAsteriskEncrypted(t *testing.T) {
	for _, c := range []struct{ srtp, asterisk, phone string }{{"required", "required", "srtp-mand"}, {"optional", "optimistic", "srtp"}} {
		t.Run(c.srtp, func(t *testing.T) {
			t.Parallel()
			pbx := peers.AsteriskWith(t, peers.Plan{Default: peers.Answer, ToneHz: calleeHz}, peers.Manners{Encrypts: c.asterisk, PassHold: true})
			phone := peers.Baresip(t, pbx, peers.Softphone{ToneHz: phoneHz, Encrypts: c.phone})
			account := func(user string) string {
				return fmt.Sprintf("server: %q, srtp: %s, username: %s, password: %s", pbx.Addr(), c.srtp, user, peers.Password(user))
			}
			h := build(t, plan{
				Agents: 1, AgentSet: "wrap_up: 0s",
				Trunk: strings.ReplaceAll(account(peers.TrunkUser), ", ", "\n    "), Peer: account(peers.PBXUser),
			})
			h.load(0, 1)
			h.awaitAgent("a1001", api.AgentTalking)
			phone.AwaitHeard(t, 1, 1500*time.Millisecond)
			phone.Command(t, "hold", "")
			h.awaitAgent("a1001", api.AgentHold)
			phone.Command(t, "resume", "")
			h.awaitAgent("a1001", api.AgentTalking)
			resumed := time.Now()
			h.await("two seconds of conversation", func() bool { return time.Since(resumed) > 2*time.Second })
			received := understood(t, pbx.Console(t, "pjsip show channelstats"))
			h.await("packets at Asterisk, on all three of its legs", func() bool {
				now := understood(t, pbx.Console(t, "pjsip show channelstats"))
				if len(now) != 3 {
					return false
				}
				for channel, n := range now {
					if n <= received[channel] {
						return false
					}
				}
				return true
			})
			if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
				t.Fatal(err)
			}
			r := h.awaitRecords(1)[0]
			for party, l := range map[string]*cdr.Leg{"customer": r.Customer, "agent": r.AgentLeg} {
				if l == nil || !l.Encrypted || l.Received < 100 || l.Lost+l.Discarded != 0 {
					t.Errorf("the %s's leg: %+v", party, l)
				}
			}
			h.recorded(r, []int{calleeHz}, []int{phoneHz})
			h.quit()
			heard := phone.Heard(t, 1)
			if spans := tone.Spans(heard.Channels[0], heard.Rate, calleeHz, 200*time.Millisecond); len(spans) == 0 {
				t.Error("the phone did not hear the customer")
			}
		})
	}
}

// understood reads how many packets Asterisk took on each channel, from its table of them:
// packets that it cannot decrypt do not count.
func understood(t *testing.T, table string) map[string]int {
	t.Helper()
	received := map[string]int{}
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		for i, word := range f {
			if word != "alaw" || i == 0 || i+1 >= len(f) {
				continue
			}
			n, err := strconv.Atoi(f[i+1])
			if err != nil {
				t.Fatalf("cannot read %q", line)
			}
			received[f[i-2]] = n
		}
	}
	return received
}
