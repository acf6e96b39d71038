package defence

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const invite = "INVITE sip:1001@192.0.2.1 SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKa\r\n" +
	"From: \"Ann\" <sip:ann@example.com>;tag=1\r\n" +
	"To: <sip:1001@192.0.2.1>\r\n" +
	"Call-ID: a@b\r\nCSeq: 1 INVITE\r\nUser-Agent: Yealink SIP-T46S\r\nContent-Length: 0\r\n\r\n"

func with(oldnew ...string) []byte { return []byte(strings.NewReplacer(oldnew...).Replace(invite)) }

var stranger = netip.MustParseAddrPort("198.51.100.7:5060")

func newGuard(t testing.TB, change func(*Config)) *Guard {
	t.Helper()
	cfg := Default()
	if change != nil {
		change(&cfg)
	}
	g, err := New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func dropped(t *testing.T, g *Guard, want map[Reason]uint64) {
	t.Helper()
	got := g.Stats().Dropped
	for r, n := range got {
		if want[r] != n {
			t.Errorf("dropped for %s: %d, want %d", r, n, want[r])
		}
	}
}

func TestSourceMaySendAtItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t, func(c *Config) { c.Rate, c.Burst = 10, 20 })
		pass := func(n int) (passed int) {
			for range n {
				if g.Allow(stranger, []byte(invite)) {
					passed++
				}
			}
			return passed
		}
		if n := pass(30); n != 20 {
			t.Errorf("of a burst %d messages passed, want 20", n)
		}
		time.Sleep(time.Second)
		if n := pass(15); n != 10 {
			t.Errorf("a second later %d messages passed, want 10", n)
		}
		other := netip.MustParseAddrPort("198.51.100.8:5060")
		if !g.Allow(other, []byte(invite)) {
			t.Error("another source was dropped as well")
		}
		dropped(t, g, map[Reason]uint64{Rate: 15})
	})
}

func TestTrustedIsNeverLimitedNorBanned(t *testing.T) {
	g := newGuard(t, func(c *Config) { c.Burst, c.Hits = 1, 1 })
	g.Allow(stranger, with("Yealink", "friendly-scanner"))
	if len(g.Bans()) != 1 {
		t.Fatal("no ban to begin with")
	}
	g.Trust("trunk carrier", []netip.Prefix{netip.PrefixFrom(stranger.Addr(), 32)})
	if len(g.Bans()) != 0 {
		t.Error("the trunk stays banned")
	}
	for range 1000 {
		if !g.Allow(stranger, with("Yealink", "friendly-scanner")) {
			t.Fatal("a trunk's message was dropped")
		}
	}
	for range 100 {
		g.Failed(stranger.Addr(), false)
		g.Refused(stranger.Addr())
	}
	if _, ok := g.Ban(stranger.Addr(), 0); ok || len(g.Bans()) != 0 {
		t.Error("a trunk was banned")
	}
	if g.Allow(stranger, []byte("junk")) {
		t.Error("junk passed, since it came from a trunk's address")
	}
	g.Trust("trunk carrier", nil)
	if g.Trusted(stranger.Addr()) {
		t.Error("the former address of a trunk is still trusted")
	}
}

func TestAddressLists(t *testing.T) {
	g := newGuard(t, func(c *Config) {
		c.Allow = []netip.Prefix{netip.MustParsePrefix("2001:db8:1::/48"), netip.MustParsePrefix("::ffff:203.0.113.0/120")}
		c.Deny = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("203.0.113.9/32")}
		c.Silence = true
	})
	for source, want := range map[string]bool{
		"[2001:db8:1:9::5]:5060": true, "203.0.113.8:5060": true, "203.0.113.9:5060": false,
		"192.0.2.77:5060": false, "[::ffff:192.0.2.77]:5060": false, "198.51.100.7:5060": false,
	} {
		if got := g.Allow(netip.MustParseAddrPort(source), []byte(invite)); got != want {
			t.Errorf("%s: heard %v, want %v", source, got, want)
		}
	}
	dropped(t, g, map[Reason]uint64{Denied: 3, Stranger: 1})
}

// Strangers that get silence may still answer us and end calls that they are in.
func TestSilenceIsForRequestsOutsideOfDialogs(t *testing.T) {
	g := newGuard(t, func(c *Config) { c.Silence = true })
	for _, message := range [][]byte{
		with("To: <sip:1001@192.0.2.1>", "To: <sip:1001@192.0.2.1>;x=y; tag=2", "INVITE", "BYE"),
		with("To: <sip:1001@192.0.2.1>", "t:\"a>;\" <sip:1001@192.0.2.1> ;TAG=2"),
		with("INVITE sip:1001@192.0.2.1 SIP/2.0", "SIP/2.0 200 OK"),
		[]byte("\r\n\r\n"),
	} {
		if !g.Allow(stranger, message) {
			t.Errorf("dropped: %q", message)
		}
	}
	for _, message := range [][]byte{
		[]byte(invite),
		with("<sip:1001@192.0.2.1>", "<sip:1001@192.0.2.1;tag=2>"),
		with("INVITE", "OPTIONS"), with("INVITE", "REGISTER"),
	} {
		if g.Allow(stranger, message) {
			t.Errorf("heard: %q", message)
		}
	}
	g = newGuard(t, func(c *Config) { c.Silence, c.Registers = true, true })
	if !g.Allow(stranger, with("INVITE", "REGISTER")) || g.Allow(stranger, []byte(invite)) {
		t.Error("where phones register, REGISTER passes and nothing else")
	}
}

// Where many guess at one password, each gets fewer tries.
func TestHuntedPasswordsWeighMore(t *testing.T) {
	g := newGuard(t, nil)
	for i := range 4 {
		if b, ok := g.Banned(stranger.Addr()); ok {
			t.Fatalf("after %d: %+v", i, b)
		}
		g.Failed(stranger.Addr(), true)
	}
	if b, ok := g.Banned(stranger.Addr()); !ok || b.Reason != Digest {
		t.Errorf("after four of three each: %+v, %v", b, ok)
	}
}

func TestSetTakesOtherLimits(t *testing.T) {
	g := newGuard(t, nil)
	cfg := Default()
	cfg.Scanners = []string{"yealink"}
	if err := g.Set(cfg); err != nil {
		t.Fatal(err)
	}
	if g.Allow(stranger, []byte(invite)) {
		t.Error("the new word is not looked for")
	}
	for _, change := range []func(*Config){
		func(c *Config) { c.Rate = 0 }, func(c *Config) { c.Burst = 0 }, func(c *Config) { c.Total = -1 },
		func(c *Config) { c.Hits = 0 }, func(c *Config) { c.LongBan = time.Second }, func(c *Config) { c.Connections = 0 },
		func(c *Config) { c.Scanners = []string{" "} }, func(c *Config) { c.Whole = 0 },
	} {
		bad := Default()
		change(&bad)
		if g.Set(bad) == nil {
			t.Errorf("taken: %+v", bad)
		}
	}
}

func TestAllowAllocatesNothing(t *testing.T) {
	g := newGuard(t, func(c *Config) { c.Silence = true })
	trunk := netip.MustParseAddrPort("203.0.113.1:5060")
	g.Trust("trunk", []netip.Prefix{netip.PrefixFrom(trunk.Addr(), 32)})
	i, message := 0, []byte(invite)
	n := testing.AllocsPerRun(2000, func() {
		i++
		g.Allow(trunk, message)
		g.Allow(stranger, message)
		g.Allow(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 5060), message)
	})
	if n != 0 {
		t.Errorf("%v allocations for a message", n)
	}
}

func BenchmarkAllow(b *testing.B) {
	message := []byte(invite)
	for _, c := range []struct {
		name  string
		setup func(*Guard)
	}{
		{"stranger", func(g *Guard) {}},
		{"banned", func(g *Guard) { g.Ban(stranger.Addr(), time.Hour) }},
		{"trusted", func(g *Guard) { g.Trust("t", []netip.Prefix{netip.PrefixFrom(stranger.Addr(), 32)}) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			g := newGuard(b, func(c *Config) { c.Rate, c.Total, c.Burst = 1e12, 1e12, 1e9 })
			c.setup(g)
			b.ReportAllocs()
			for b.Loop() {
				g.Allow(stranger, message)
			}
		})
	}
	b.Run("sources", func(b *testing.B) {
		g := newGuard(b, nil)
		for i := range b.N {
			g.Allow(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 5060), message)
		}
	})
}

func ExampleGuard() {
	g, _ := New(Default(), func(b Ban) { fmt.Println(b.Source, b.Reason) })
	for range 3 {
		g.Allow(netip.MustParseAddrPort("198.51.100.7:5060"),
			[]byte("OPTIONS sip:100@192.0.2.1 SIP/2.0\r\nUser-Agent: friendly-scanner\r\n\r\n"))
	}
	// Output: 198.51.100.7/32 scanner
}
