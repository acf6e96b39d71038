package defence

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxSources = 16384            // that are remembered without a proof
	maxProved  = 16384            // that are remembered with one
	memory     = 10 * time.Minute // after which strikes without a further one are forgotten
	proofLasts = 2 * time.Hour    // how long right credentials make a source a known one

	huntedWeight = 3 // of a failed digest for a user at whose password many guess
)

// Guard keeps watch over an endpoint. Make it with New.
type Guard struct {
	began time.Time
	tell  func(Ban)
	ours  atomic.Pointer[func(Mark) bool]

	drops    [len(dropReasons)]atomic.Uint64
	bannings [len(banReasons)]atomic.Uint64
	passed   atomic.Uint64

	mu      sync.Mutex // protects the fields below; held for well under a microsecond
	cfg     Config
	words   [][]byte // cfg.Scanners in lower case
	trust   map[string][]netip.Prefix
	friends map[netip.Addr]struct{} // single addresses that are trusted
	nets    []netip.Prefix          // networks that are trusted
	sources *table
	bans    map[key]*ban
	total   float64       // tokens of all strangers
	filled  time.Duration // when total was filled last
	open    map[key]int   // connections by source, strangers and proved
	opened  int           // of all of them
}

// New returns a guard. tell, if not nil, is told of every ban; it must not block, nor
// call the guard.
func New(cfg Config, tell func(Ban)) (*Guard, error) {
	g := &Guard{
		began: time.Now().Add(-time.Second), // so that 0 is before everything
		tell:  tell, trust: map[string][]netip.Prefix{}, sources: newTable(maxSources),
		bans: map[key]*ban{}, open: map[key]int{},
	}
	if err := g.Set(cfg); err != nil {
		return nil, err
	}
	g.total, g.filled = g.cfg.Total, g.now()
	return g, nil
}

// Set takes other limits and lists. Bans that hold go on.
func (g *Guard) Set(cfg Config) error {
	if err := cfg.check(); err != nil {
		return err
	}
	cfg.Allow, cfg.Deny = unmap(cfg.Allow), unmap(cfg.Deny)
	words := lowered(cfg.Scanners)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cfg, g.words = cfg, words
	g.retrust()
	return nil
}

func unmap(list []netip.Prefix) []netip.Prefix {
	out := slices.Clone(list)
	for i, p := range out {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			out[i] = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
	}
	return out
}

func (g *Guard) now() time.Duration { return time.Since(g.began) }

// Trust makes the addresses of a trunk or peer trusted, instead of those that were
// given for the same owner before. Bans of theirs are lifted.
func (g *Guard) Trust(owner string, addresses []netip.Prefix) {
	addresses = unmap(addresses)
	g.mu.Lock()
	defer g.mu.Unlock()
	if slices.Equal(g.trust[owner], addresses) {
		return
	}
	g.trust[owner] = addresses
	if len(addresses) == 0 {
		delete(g.trust, owner)
	}
	g.retrust()
}

// retrust makes the lists anew. g.mu is held.
func (g *Guard) retrust() {
	g.friends, g.nets = map[netip.Addr]struct{}{}, nil
	take := func(p netip.Prefix) {
		if p.IsSingleIP() {
			g.friends[p.Addr()] = struct{}{}
		} else {
			g.nets = append(g.nets, p)
		}
	}
	for _, list := range g.trust {
		for _, p := range list {
			take(p)
		}
	}
	for _, p := range g.cfg.Allow {
		take(p)
	}
	for k := range g.bans {
		if g.trusted(k.prefix().Addr()) {
			g.pardon(k)
		}
	}
}

// trusted reports whether an address, unmapped, is trusted. g.mu is held.
func (g *Guard) trusted(a netip.Addr) bool {
	if _, ok := g.friends[a]; ok {
		return true
	}
	return within(g.nets, a)
}

func within(nets []netip.Prefix, a netip.Addr) bool {
	for _, p := range nets {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// Trusted reports whether an address is that of a trunk, of a peer, or on the allow
// list.
func (g *Guard) Trusted(a netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.trusted(a.Unmap())
}

// Allow reports whether a message is to be parsed. data is one datagram, or one
// whole message of a stream or WebSocket.
func (g *Guard) Allow(from netip.AddrPort, data []byte) bool {
	why := g.judge(from.Addr().Unmap(), data)
	if why == Total && g.recognised(data) {
		why = ""
	}
	if why == "" {
		g.passed.Add(1)
		return true
	}
	g.Count(why)
	return false
}

// judge returns why a message is dropped, or "".
func (g *Guard) judge(from netip.Addr, data []byte) Reason {
	keepAlive := IsKeepAlive(data)
	sip := keepAlive || BeginsLikeSIP(data)
	g.mu.Lock()
	defer g.mu.Unlock()
	if within(g.cfg.Deny, from) {
		return Denied
	}
	if g.trusted(from) {
		if !sip {
			return Junk
		}
		return ""
	}
	now, k := g.now(), keyOf(from)
	if b := g.banned(k, now); b != nil {
		b.Drops++
		return Banned
	}
	if !sip && g.sources.peek(k) == nil {
		return Junk // nothing worth remembering anybody for
	}
	s, proved := g.meet(k, now)
	if s.tokens < 1 {
		if s.excess++; s.excess >= float64(g.cfg.Burst) && !proved {
			g.ban(k, Rate, 0, now)
		}
		return Rate
	}
	s.tokens--
	if !sip {
		return Junk
	}
	if !proved {
		g.total = min(g.cfg.Total, g.total+(now-g.filled).Seconds()*g.cfg.Total)
		g.filled = now
		if g.total < 1 {
			return Total
		}
	}
	if why := g.inspect(data, keepAlive, s, proved, now); why != "" {
		return why // and takes nothing from what other strangers may send
	}
	if !proved {
		g.total--
	}
	return ""
}

// inspect returns what of a message itself speaks against hearing it, or "". g.mu is
// held.
func (g *Guard) inspect(data []byte, keepAlive bool, s *source, proved bool, now time.Duration) Reason {
	if keepAlive {
		return ""
	}
	m := sniff(data)
	if scans(&m, g.words) {
		if s.hits++; !proved && s.hits >= g.cfg.Hits {
			g.ban(s.key, Scanner, 0, now)
		}
		s.struck = now
		return Scanner
	}
	if g.cfg.Silence && !proved && m.method != nil && !m.toTag && !(g.cfg.Registers && string(m.method) == "REGISTER") {
		return Stranger
	}
	return ""
}

// meet returns the entry of a source with its bucket filled up to now, and whether
// the source has proved itself. g.mu is held.
func (g *Guard) meet(k key, now time.Duration) (s *source, proved bool) {
	s, fresh := g.sources.find(k)
	burst := float64(g.cfg.Burst)
	if fresh {
		s.tokens = burst
	} else {
		s.tokens += (now - s.seen).Seconds() * g.cfg.Rate
	}
	if s.tokens >= burst {
		s.tokens, s.excess = burst, 0
	}
	if now-s.struck > memory {
		s.hits, s.failures, s.refusals = 0, 0, 0
	}
	s.seen = now
	return s, now < s.proved
}

// Failed is told of a digest that was wrong: wrong password, or no such user. hunted
// says that many were wrong for that user already, from wherever: then it counts as
// huntedWeight failures, for those who guess together guess a little each.
func (g *Guard) Failed(from netip.Addr, hunted bool) {
	weight := 1
	if hunted {
		weight = huntedWeight
	}
	g.strike(from, Digest, weight)
}

// Refused is told of a request by a stranger that was refused.
func (g *Guard) Refused(from netip.Addr) {
	g.strike(from, Refused, 1)
}

func (g *Guard) strike(from netip.Addr, why Reason, weight int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.trusted(from.Unmap()) {
		return
	}
	now, k := g.now(), keyOf(from)
	s, proved := g.meet(k, now)
	s.struck = now
	var full bool
	switch why {
	case Digest:
		s.failures += weight
		full = s.failures >= g.cfg.Failures
	default:
		s.refusals += weight
		full = s.refusals >= g.cfg.Refusals && !proved
	}
	if full && g.banned(k, now) == nil {
		g.ban(k, why, 0, now)
	}
}

// Proved is told of a digest that was right.
func (g *Guard) Proved(from netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	s, _ := g.meet(keyOf(from), now)
	s = g.sources.prove(s, now+proofLasts)
	s.failures, s.refusals = 0, 0
}

// Registered is told until when somebody is registered from an address. That counts
// as a proof, which a contact that was kept over a restart has given before.
func (g *Guard) Registered(from netip.Addr, until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if end := until.Sub(g.began); end > now {
		s, _ := g.meet(keyOf(from), now)
		g.sources.prove(s, end)
	}
}

// known reports whether a source is trusted or has proved itself. g.mu is held.
func (g *Guard) known(a netip.Addr, now time.Duration) bool {
	if g.trusted(a) {
		return true
	}
	s := g.sources.peek(keyOf(a))
	return s != nil && now < s.proved
}

// Count counts something that was dropped elsewhere for that reason.
func (g *Guard) Count(why Reason) { g.drops[index(dropReasons[:], why)].Add(1) }
