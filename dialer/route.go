package dialer

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"ringpace/dialer/config"
	"ringpace/sip"
)

// way is a trunk that may carry a call to a number, with the caller IDs that it may
// present there.
type way struct {
	trunk  *trunk
	shown  []string // of those that the campaign shows to the number, the trunk's own
	prefix int      // characters of the number that the trunk is configured for
}

// ways lists the trunks of a campaign that serve a number and own a caller ID to be
// shown to it, in the order in which they get the call as long as they have room:
// longest prefix, then least priority, then at random by weight. ts.mu is held.
func (ts *trunks) ways(c *config.Campaign, number string) []way {
	var list []way
	for _, t := range ts.named(c.Trunks) {
		prefix, serves := t.cfg.Serves(number)
		shown := t.own(c.Shown(number))
		if serves && len(shown) > 0 {
			list = append(list, way{t, shown, prefix})
		}
	}
	lot := make(map[*trunk]float64, len(list))
	for _, w := range list {
		lot[w.trunk] = rand.ExpFloat64() / w.trunk.weight() // the least of these is each one's with its share of the weights
	}
	slices.SortStableFunc(list, func(a, b way) int {
		return cmp.Or(a.rank(b), cmp.Compare(lot[a.trunk], lot[b.trunk]))
	})
	return list
}

// rank compares ways: the lesser goes first, and 0 are those among which weights
// decide.
func (w way) rank(than way) int {
	return cmp.Or(cmp.Compare(than.prefix, w.prefix), cmp.Compare(w.trunk.cfg.Priority, than.trunk.cfg.Priority))
}

// own are those of the caller IDs that the trunk may present.
func (t *trunk) own(shown []string) []string {
	var own []string
	for _, id := range shown {
		if slices.Contains(t.callerIDs, id) {
			own = append(own, id)
		}
	}
	return own
}

// room is what a campaign's trunks have for new calls now, whatever the numbers:
// free channels, and calls that may start at this instant, which are never more.
// Where one may start only later, soon says when. Where none of the trunks can be
// used, why says so, in words.
func (ts *trunks) room(c *config.Campaign) (channels, rate int, soon time.Duration, why string) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	var down []string
	var able []way
	for _, t := range ts.named(c.Trunks) {
		if len(t.own(c.AllShown())) > 0 {
			able = append(able, way{trunk: t})
		}
	}
	slices.SortStableFunc(able, way.rank)
	now, wait := time.Now(), turn{}
	for _, w := range able {
		if why := w.trunk.down(); why != "" {
			down = append(down, why)
			continue
		}
		free := w.trunk.share.Free()
		channels += free
		if n := w.trunk.startable(now, &wait, w); n > 0 {
			rate += min(free, n)
		}
	}
	switch {
	case len(able) == 0:
		why = "no trunk of the campaign may present its caller IDs, " + strings.Join(c.AllShown(), ", ")
	case len(down) == len(able):
		why = strings.Join(down, "; ")
	}
	return channels, rate, wait.soon, why
}

// turn is what calls wait for whose trunks are at their calls per second.
type turn struct {
	soon time.Duration // until the next may start; 0: not known
	at   *way          // a trunk that has channels, and whose turn is waited for: calls do not go to a later one for that
}

func (w *turn) note(wait time.Duration) {
	if wait > 0 && (w.soon == 0 || wait < w.soon) {
		w.soon = wait
	}
}

// down says that and why no call may be sent over the trunk; "" if it may.
func (t *trunk) down() string {
	if s := t.state(); !s.Usable {
		return fmt.Sprintf("trunk %s is %s (%s)", t.Name(), s.State, s.Reason)
	}
	return ""
}

// startable is how many calls may start over the trunk now by its calls per second,
// its brake, and those of the ways before it that calls wait for. The trunks' mu is
// held.
func (t *trunk) startable(now time.Time, wait *turn, as way) int {
	if wait.at != nil && wait.at.rank(as) < 0 {
		return 0
	}
	t.brake.ease(t.cfg.CallsPerSecond, now)
	if held := t.brake.wait(now); held > 0 {
		wait.note(held) // others may have the call meanwhile
		return 0
	}
	n, slot := t.share.Startable()
	room := max(0, t.state().Room-t.pending)
	if n == 0 && room > 0 && t.share.Free() > 0 {
		wait.at = &as
		wait.note(slot)
	}
	n = min(n, room)
	if t.brake.gap > 0 {
		n = min(n, 1)
	}
	return n
}

// take holds a channel of the best of a campaign's trunks that serve the number and
// have room for a call now, other than those that were tried. One that has channels
// and is at its calls per second is waited for. like is a caller ID to be presented
// again if that may be. take returns nil where none has room; soon then is how long
// until one may, 0 if that is not known.
func (ts *trunks) take(c *config.Campaign, number, like string, tried ...*trunk) (l *line, soon time.Duration) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	now, wait := time.Now(), turn{}
	for _, w := range ts.ways(c, number) {
		t := w.trunk
		if slices.Contains(tried, t) || t.down() != "" || t.startable(now, &wait, w) == 0 {
			continue
		}
		if ok, _ := t.share.TryTake(); ok {
			t.started, t.brake.last = append(t.recent(now), now), now
			return ts.line(t, ts.rotate(w.shown, like, now)), 0
		}
	}
	if wait.at != nil && wait.soon == 0 {
		return nil, untilShared
	}
	return nil, wait.soon
}

// untilShared is how soon to look again for the turn at a trunk whose next instants
// have not been given out yet: that is done each second.
const untilShared = 250 * time.Millisecond

// line is a line on a trunk one of whose channels was taken. ts.mu is held.
func (ts *trunks) line(t *trunk, callerID string) *line {
	t.pending++
	begun := sync.OnceFunc(func() {
		ts.mu.Lock()
		defer ts.mu.Unlock()
		t.pending--
	})
	return &line{trunk: t, callerID: callerID, begun: begun, release: sync.OnceFunc(func() {
		begun()
		t.share.Release()
	})}
}

// rotate chooses like if it is one of the caller IDs, else the one that has rested
// longest. ts.mu is held.
func (ts *trunks) rotate(shown []string, like string, now time.Time) string {
	id := shown[0]
	for _, k := range shown {
		if k == like {
			id = k
			break
		}
		if ts.used[k].Before(ts.used[id]) {
			id = k
		}
	}
	ts.used[id] = now
	return id
}

// hear takes what came of a call over a trunk: a carrier that asks for fewer calls
// gets fewer.
func (ts *trunks) hear(t *trunk, f sip.Failure) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	t.brake.hear(f, t.cfg.CallsPerSecond, time.Now())
}

// unserved says why no trunk of the campaign could ever take a call to the number,
// "" if one could.
func (ts *trunks) unserved(c *config.Campaign, number string) string {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if len(ts.ways(c, number)) > 0 {
		return ""
	}
	var why []string
	for _, o := range ts.against(c, number) {
		why = append(why, "trunk "+o.trunk.Name()+" "+o.why)
	}
	return "no trunk takes calls to " + number + ": " + strings.Join(why, "; ")
}

// only reports whether some trunks of the campaign do not come into question for a
// number, so that others may have room where its own have not.
func (ts *trunks) only(c *config.Campaign, number string) bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return len(ts.ways(c, number)) < len(ts.named(c.Trunks))
}

// objection is why a trunk would not get a call now.
type objection struct {
	trunk *trunk
	why   string
	next  time.Time // when that may change; zero: not known
}

// against says of each trunk of the campaign why it would not get a call to a number
// now, with "" for those that would. Number "" stands for any. ts.mu is held.
func (ts *trunks) against(c *config.Campaign, number string) []objection {
	now := time.Now()
	var list []objection
	for _, t := range ts.named(c.Trunks) {
		o := objection{trunk: t}
		shown := c.AllShown()
		_, serves := t.cfg.Serves(number)
		if number == "" {
			serves = true
		} else {
			shown = c.Shown(number)
		}
		var wait turn
		n := t.startable(now, &wait, way{trunk: t})
		until, slow := t.brake.slowed(now)
		s := t.state()
		switch {
		case !serves:
			o.why = "serves only numbers that begin with " + strings.Join(t.cfg.Prefixes, ", ")
		case len(t.own(shown)) == 0:
			o.why = "does not own " + strings.Join(shown, " nor ")
		case !s.Usable:
			o.why, o.next = fmt.Sprintf("is %s: %s", s.State, s.Reason), nextTry(s)
		case t.share.Used() >= t.cfg.Channels && t.cfg.Channels > 0:
			o.why = fmt.Sprintf("has all its %d channels in use", t.cfg.Channels)
		case t.share.Free() == 0:
			o.why = fmt.Sprintf("has no channel for this node now: its share of the %d is in use, or not given yet", t.cfg.Channels)
		case s.Room <= t.pending:
			o.why = "comes back after it was down, and gets more calls when those that it has go well"
		case n == 0 && slow != "":
			o.why, o.next = "is slowed down, since its carrier said: "+slow, until
		case n == 0:
			o.why, o.next = fmt.Sprintf("has had its %g calls of this second", t.cfg.CallsPerSecond), now.Add(wait.soon)
		}
		list = append(list, o)
	}
	return list
}
