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

func TestExcessBansLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t, func(c *Config) {
			c.Rate, c.Burst, c.Ban, c.LongBan = 10, 20, time.Minute, 3*time.Minute
		})
		for i, length := range []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute, 3 * time.Minute} {
			for range 40 {
				g.Allow(stranger, []byte(invite))
			}
			bans := g.Bans()
			if len(bans) != 1 || bans[0].Reason != Rate || bans[0].Until.Sub(bans[0].Since) != length || bans[0].Times != i+1 {
				t.Fatalf("bans %+v, want one of %s for rate, the %d. time", bans, length, i+1)
			}
			if g.Allow(stranger, []byte(invite)) {
				t.Error("a banned source was heard")
			}
			if g.Bans()[0].Drops != 1 {
				t.Errorf("the ban dropped %d messages, want 1", g.Bans()[0].Drops)
			}
			time.Sleep(length)
			if len(g.Bans()) != 0 {
				t.Error("the ban does not end")
			}
		}
		time.Sleep(4 * time.Minute)
		for range 40 {
			g.Allow(stranger, []byte(invite))
		}
		if bans := g.Bans(); len(bans) != 1 || bans[0].Times != 1 {
			t.Errorf("after a long good time: %+v, want a first ban", bans)
		}
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

func TestScannersGetSilenceAndABan(t *testing.T) {
	marks := map[string][]byte{
		"User-Agent":       with("Yealink SIP-T46S", "Friendly-Scanner"),
		"own word":         with("Yealink SIP-T46S", "x AcmeScan/1"),
		"sipvicious":       with("ann@example.com", "100@1.1.1.1"),
		"display name":     with("Ann", "sipvicious"),
		"injection":        with("sip:ann@", "sip:a'or'3=3--@"),
		"encoded":          with("<sip:1001@", "<sip:%27%20OR@"),
		"log4shell":        with("sip:ann@", "sip:${jndi:ldap}@"),
		"nmap":             with("INVITE sip:1001@192.0.2.1", "OPTIONS sip:nm"),
		"server of answer": with("INVITE sip:1001@192.0.2.1 SIP/2.0", "SIP/2.0 200 OK", "User-Agent: Yealink", "Server: pplsip"),
	}
	for name, message := range marks {
		g := newGuard(t, func(c *Config) { c.Scanners = append(c.Scanners, "ACMEscan") })
		for range 3 {
			if g.Allow(stranger, message) {
				t.Errorf("%s: heard", name)
			}
		}
		if b := g.Bans(); len(b) != 1 || b[0].Reason != Scanner {
			t.Errorf("%s: bans %+v", name, b)
		}
		dropped(t, g, map[Reason]uint64{Scanner: 3})
	}
	g := newGuard(t, nil)
	for name, message := range map[string][]byte{
		"O'Brien":        with("sip:ann@", "sip:o'brien@"),
		"other word":     with("Yealink SIP-T46S", "Kiwari 1.0"),
		"tester":         with("Yealink SIP-T46S", "sipsak 0.9.6"),
		"no user agent":  with("User-Agent: Yealink SIP-T46S\r\n", ""),
		"anonymous":      with("sip:ann@example.com", "sip:anonymous@anonymous.invalid"),
		"words in a To":  with("<sip:1001@192.0.2.1>", "<sip:iwar@192.0.2.1>"),
		"numbers":        with("sip:ann@", "sip:+4930--7@"),
		"the body alone": append([]byte(invite), "User-Agent: friendly-scanner\r\n"...),
	} {
		if !g.Allow(stranger, message) {
			t.Errorf("%s: dropped", name)
		}
	}
}

func TestFailedDigestsBan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t, nil)
		phone := netip.MustParseAddr("2001:db8::1")
		neighbour := netip.MustParseAddr("2001:db8::2") // the same /64
		for range 9 {
			g.Failed(phone, false)
		}
		g.Proved(neighbour)
		for range 9 {
			g.Failed(phone, false)
		}
		time.Sleep(memory + time.Second)
		for range 9 {
			g.Failed(phone, false)
		}
		if len(g.Bans()) != 0 {
			t.Fatal("banned, though a right digest and a long time came in between")
		}
		g.Failed(neighbour, false)
		if b, ok := g.Banned(phone); !ok || b.Reason != Digest || b.Source.String() != "2001:db8::/64" {
			t.Errorf("after ten in a row: %+v, %v", b, ok)
		}
		if !g.Lift(neighbour) || g.Lift(phone) {
			t.Error("the ban was not lifted, or twice")
		}
		for range 9 {
			g.Failed(phone, false)
		}
		if len(g.Bans()) != 0 {
			t.Error("what was before the lifting still counts")
		}
	})
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

func TestRefusalsBanStrangersOnly(t *testing.T) {
	g := newGuard(t, nil)
	g.Proved(stranger.Addr())
	for range 100 {
		g.Refused(stranger.Addr())
	}
	if len(g.Bans()) != 0 {
		t.Error("somebody with an account was banned for calls that were refused")
	}
	other := netip.MustParseAddr("198.51.100.9")
	for range 20 {
		g.Refused(other)
	}
	if b, ok := g.Banned(other); !ok || b.Reason != Refused {
		t.Errorf("ban %+v, %v", b, ok)
	}
}

// Somebody who forges the address of a registered phone must not get it banned.
func TestProvedIsLimitedNotBanned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t, nil)
		g.Proved(stranger.Addr())
		for range 10_000 {
			g.Allow(stranger, with("Yealink", "sipcli"))
		}
		if len(g.Bans()) != 0 {
			t.Error("banned")
		}
		time.Sleep(time.Second)
		if !g.Allow(stranger, []byte(invite)) {
			t.Error("dropped after the flood")
		}
		time.Sleep(proofLasts)
		for range 1000 {
			g.Allow(stranger, with("Yealink", "sipcli"))
		}
		if len(g.Bans()) != 1 {
			t.Error("the proof never ends")
		}
	})
}

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

func TestEverythingIsBounded(t *testing.T) {
	g := newGuard(t, func(c *Config) { c.Hits = 1 })
	scan := with("Yealink", "sipcli")
	for i := range 2 * maxSources {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		g.total = g.cfg.Total
		g.Allow(netip.AddrPortFrom(a, 5060), scan)
	}
	s := g.Stats()
	if s.Sources > maxSources || s.Sources < maxSources/2 {
		t.Errorf("%d sources are remembered, want at most %d", s.Sources, maxSources)
	}
	if len(g.bans) != maxBans || s.Bans != maxBans {
		t.Errorf("%d bans, want %d", s.Bans, maxBans)
	}
}

func TestConnectionsOfASourceAreLimited(t *testing.T) {
	g := newGuard(t, func(c *Config) { c.Connections, c.AllConnections = 2, 3 })
	a, b, c := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.3")
	open := func(from netip.Addr, want bool) func() {
		t.Helper()
		release, ok := g.Connect(from)
		if ok != want {
			t.Errorf("connection of %s: %v, want %v", from, ok, want)
		}
		return release
	}
	open(a, true)
	release := open(a, true)
	open(a, false)
	open(b, true)
	open(b, false) // all are taken
	g.Proved(c)
	open(c, true) // but not for a phone that is known
	release()
	open(b, false)
	g.Trust("trunk", []netip.Prefix{netip.MustParsePrefix("10.0.0.9/32")})
	for range 10 {
		open(netip.MustParseAddr("10.0.0.9"), true)
	}
	g.Ban(b, time.Minute)
	open(b, false)
	if n := g.Stats().Connections; n != 3 {
		t.Errorf("%d connections are counted, want 3", n)
	}
	dropped(t, g, map[Reason]uint64{Connections: 3, Banned: 1})
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

func TestTellIsToldOfBans(t *testing.T) {
	var told []Ban
	g, err := New(Default(), func(b Ban) { told = append(told, b) })
	if err != nil {
		t.Fatal(err)
	}
	g.Ban(stranger.Addr(), time.Hour)
	if len(told) != 1 || told[0].Reason != Manual || told[0].Until.Sub(told[0].Since) != time.Hour {
		t.Errorf("told %+v", told)
	}
}

func FuzzSniff(f *testing.F) {
	f.Add([]byte(invite))
	f.Add(with("To:", "t :", "From: \"Ann\" <sip:ann@example.com>", "f:sip:x@1.1.1.1"))
	f.Add([]byte("OPTIONS sip:nm SIP/2.0\r\nTo:;tag"))
	words := lowered(Scanners())
	f.Fuzz(func(t *testing.T, data []byte) {
		before := string(data)
		m := sniff(data)
		scans(&m, words)
		if string(data) != before {
			t.Fatal("looking at a message changed it")
		}
		if m.toTag && m.to == nil {
			t.Fatal("a tag without a To")
		}
	})
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

// Addresses that anybody can forge must not make the guard forget who has proved
// himself, nor is one of them remembered for junk.
func TestForgedFloodForgetsNobodyWhoProved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // no time passes: the total is used up once
		g := newGuard(t, func(c *Config) { c.Silence, c.Registers = true, true })
		phones := make([]netip.AddrPort, 50)
		for i := range phones {
			a := netip.AddrFrom4([4]byte{203, 0, 113, byte(i + 1)})
			phones[i] = netip.AddrPortFrom(a, 5060)
			if i%2 == 0 {
				g.Proved(a)
			} else {
				g.Registered(a, time.Now().Add(24*time.Hour))
			}
		}
		flood := func(message []byte) {
			for i := range 4 * maxSources {
				a := netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)})
				g.Allow(netip.AddrPortFrom(a, 5060), message)
			}
		}
		flood([]byte("x"))
		if n := g.Stats().Sources; n != len(phones) {
			t.Errorf("%d sources are remembered after a flood of junk, want %d", n, len(phones))
		}
		flood(with("INVITE", "REGISTER"))
		for _, p := range phones {
			if !g.Allow(p, []byte(invite)) {
				t.Errorf("the telephone at %s is not heard after the flood", p)
			}
		}
		time.Sleep(2*proofLasts + time.Minute)
		if g.Allow(phones[0], []byte(invite)) {
			t.Error("a right digest counts for ever")
		}
		if !g.Allow(phones[1], []byte(invite)) {
			t.Error("a telephone that is still registered is a stranger")
		}
	})
}

func TestProvedSourcesAreBounded(t *testing.T) {
	g := newGuard(t, nil)
	for i := range maxProved + 100 {
		g.Proved(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if n := g.Stats().Sources; n != maxProved {
		t.Errorf("%d proved sources are remembered, want %d", n, maxProved)
	}
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
