package defence

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// maxBans bounds the list of bans, past ones included.
const maxBans = 10_000

// longestManual bounds what an operator may ask for.
const longestManual = 10 * 365 * 24 * time.Hour

// Ban is a source that is not heard for a while.
type Ban struct {
	Source netip.Prefix // one IPv4 address, or an IPv6 /64
	Reason Reason
	Since  time.Time
	Until  time.Time
	Times  int    // how often it was banned, this time included
	Drops  uint64 // messages dropped by this ban
}

type ban struct {
	Ban
	until time.Duration // since the guard began
}

// ban bans a source. g.mu is held.
func (g *Guard) ban(k key, why Reason, length time.Duration, now time.Duration) {
	b := g.bans[k]
	if b == nil {
		if len(g.bans) >= maxBans {
			g.forget()
		}
		b = &ban{}
		g.bans[k] = b
	} else if now > b.until+g.cfg.LongBan {
		b.Times = 0 // long enough ago
	}
	b.Times++
	if length == 0 {
		length = g.cfg.Ban
		for range min(b.Times-1, 30) {
			if length >= g.cfg.LongBan {
				break
			}
			length *= 2
		}
		length = min(length, g.cfg.LongBan)
	}
	at := time.Now()
	b.Ban = Ban{Source: k.prefix(), Reason: why, Since: at, Until: at.Add(length), Times: b.Times}
	b.until = now + length
	g.bannings[index(banReasons[:], why)].Add(1)
	if s := g.sources.peek(k); s != nil {
		s.hits, s.failures, s.refusals, s.excess = 0, 0, 0, 0
	}
	if g.tell != nil {
		g.tell(b.Ban)
	}
}

// forget makes room for one ban: of some, which are never the same, the one goes that
// ends, or ended, first. g.mu is held.
func (g *Guard) forget() {
	const looked = 16
	var first key
	var at time.Duration
	n := 0
	for k, b := range g.bans { // begins anywhere
		if n == 0 || b.until < at {
			first, at = k, b.until
		}
		if n++; n == looked {
			break
		}
	}
	delete(g.bans, first)
}

// banned returns the ban that holds for a source, or nil. g.mu is held.
func (g *Guard) banned(k key, now time.Duration) *ban {
	if b := g.bans[k]; b != nil && now < b.until {
		return b
	}
	return nil
}

// Bans returns the bans that hold, the latest first.
func (g *Guard) Bans() []Ban {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	var out []Ban
	for _, b := range g.bans {
		if now < b.until {
			out = append(out, b.Ban)
		}
	}
	slices.SortFunc(out, func(a, b Ban) int {
		return cmp.Or(b.Since.Compare(a.Since), a.Source.Addr().Compare(b.Source.Addr()))
	})
	return out
}

// Banned returns the ban of an address, if one holds.
func (g *Guard) Banned(a netip.Addr) (Ban, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if b := g.banned(keyOf(a), g.now()); b != nil {
		return b.Ban, true
	}
	return Ban{}, false
}

// Ban bans an address by hand: for length, or, with 0, as long as it would be banned
// next. It reports false, and does nothing, where the address is trusted.
func (g *Guard) Ban(a netip.Addr, length time.Duration) (Ban, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.trusted(a.Unmap()) {
		return Ban{}, false
	}
	k := keyOf(a)
	g.ban(k, Manual, min(length, longestManual), g.now())
	return g.bans[k].Ban, true
}

// Lift ends the ban of an address and forgets what it is reproached with. It
// reports whether there was a ban.
func (g *Guard) Lift(a netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	k := keyOf(a)
	b := g.banned(k, g.now())
	g.pardon(k)
	return b != nil
}

// pardon forgets everything held against a source. g.mu is held.
func (g *Guard) pardon(k key) {
	delete(g.bans, k)
	if s := g.sources.peek(k); s != nil {
		s.hits, s.failures, s.refusals, s.excess = 0, 0, 0, 0
	}
}
