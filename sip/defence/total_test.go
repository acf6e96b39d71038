package defence

import (
	"net/netip"
	"testing"
	"testing/synctest"
)

func TestAllStrangersTogetherAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t, func(c *Config) { c.Total = 100 })
		g.Trust("trunk", []netip.Prefix{netip.MustParsePrefix("203.0.113.1/32")})
		known := netip.MustParseAddrPort("203.0.113.2:5060")
		g.Proved(known.Addr())
		passed := 0
		for i := range 5000 {
			if g.Allow(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 5060), []byte(invite)) {
				passed++
			}
		}
		if passed != 100 {
			t.Errorf("%d messages of 5000 sources passed, want 100", passed)
		}
		if !g.Allow(netip.MustParseAddrPort("203.0.113.1:5060"), []byte(invite)) || !g.Allow(known, []byte(invite)) {
			t.Error("a trunk, or a registered phone, was dropped with the strangers")
		}
		dropped(t, g, map[Reason]uint64{Total: 4900})
	})
}

// What strangers send that is not heard anyway must not use up what phones, which are
// strangers until they have registered, may send.
func TestSilenceTakesNothingFromTheTotal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t, func(c *Config) { c.Silence, c.Registers, c.Total = true, true, 100 })
		for i := range 1000 {
			g.Allow(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 5060), []byte(invite))
		}
		if !g.Allow(stranger, with("INVITE", "REGISTER")) {
			t.Error("a REGISTER was dropped with the strangers' INVITEs")
		}
		dropped(t, g, map[Reason]uint64{Stranger: 1000})
	})
}

// Answers to our requests, and requests inside of our dialogs, come through when all
// strangers together send too much.
func TestOwnMessagesPassTheTotal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t, func(c *Config) { c.Total = 1 })
		var asked []Mark
		g.Recognise(func(m Mark) bool {
			asked = append(asked, m)
			return m.Branch == "z9hG4bKa" || m.ToTag == "2"
		})
		flood := netip.MustParseAddrPort("203.0.113.1:5060")
		for range 3 { // the first is heard
			g.Allow(flood, []byte(invite))
		}
		if len(asked) != 0 {
			t.Errorf("asked about an INVITE without a To tag: %+v", asked)
		}
		response := "INVITE sip:1001@192.0.2.1 SIP/2.0"
		for _, c := range []struct {
			message []byte
			ours    bool
			mark    Mark
		}{
			{with(response, "SIP/2.0 200 OK"), true, Mark{Response: true, CallID: "a@b", FromTag: "1", Branch: "z9hG4bKa"}},
			{
				with(response, "SIP/2.0 200 OK", "Via:", "v:", "branch=z9hG4bKa", "rport ; Branch = z9hG4bKb, SIP/2.0/UDP x;branch=z9hG4bKa"), false,
				Mark{Response: true, CallID: "a@b", FromTag: "1", Branch: "z9hG4bKb"},
			},
			{with("INVITE", "BYE", "192.0.2.1>", "192.0.2.1> ;tag=2", "Call-ID", "i"), true, Mark{CallID: "a@b", FromTag: "1", ToTag: "2", Branch: "z9hG4bKa"}},
		} {
			asked = nil
			if got := g.Allow(stranger, c.message); got != c.ours {
				t.Errorf("heard %v, want %v: %s", got, c.ours, c.message)
			}
			if len(asked) != 1 || asked[0] != c.mark {
				t.Errorf("asked about %+v, want %+v", asked, c.mark)
			}
		}
	})
}
