package defence

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

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
