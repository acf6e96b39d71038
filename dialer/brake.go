package dialer

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"ringpace/sip"
)

const (
	// A carrier that names an hour in Retry-After means one destination or is
	// wrong: after that long one call asks it again.
	longestPause = time.Minute
	// So long after a refusal the pace is let out by half again.
	easeAfter = 10 * time.Second
	// The slowest that a rate text makes a trunk: a call in so much time.
	slowestGap = 10 * time.Second
)

// brake holds calls back from a trunk whose carrier has said that it gets too many.
// Such a trunk is not dead: its other calls go on, and after a while it gets new ones
// again. It is this node's opinion; other nodes hear the same from the carrier.
//
// A brake is a plain value; trunks.mu protects it.
type brake struct {
	until time.Time     // no call before (RFC 3261, section 21.5.4: Retry-After)
	gap   time.Duration // at least between two calls; 0: what the limits say
	eased time.Time     // when gap was last changed
	last  time.Time     // start of the last call
	why   string        // what the carrier said
}

// rateText is how carriers say in a reason phrase or warning that calls come too
// fast.
var rateText = regexp.MustCompile(`(?i)\b(cps|rate|too many|calls per second|throttl\w*|overload\w*|slow down|flood\w*)\b`)

// hear takes the failure of a call over the trunk. cps is what the trunk is
// configured for, in calls per second; 0 is no limit.
func (b *brake) hear(f sip.Failure, cps float64, now time.Time) {
	switch {
	case f.Status == 503 && f.RetryAfter > 0:
		b.until = now.Add(min(f.RetryAfter, longestPause))
		b.why = fmt.Sprintf("%s, Retry-After %s", describe(f), f.RetryAfter)
	case f.Status >= 400 && rateText.MatchString(f.Phrase+" "+f.Warning):
		least := 200 * time.Millisecond
		if cps > 0 {
			least = time.Duration(2 / cps * float64(time.Second))
		}
		if b.gap == 0 || now.Sub(b.eased) > time.Second { // what was on its way already says nothing new
			b.gap, b.eased = min(max(2*b.gap, least), slowestGap), now
		}
		b.why = strings.TrimSpace(describe(f) + " " + f.Warning)
	}
}

// ease lets the pace out with time. cps is as for hear.
func (b *brake) ease(cps float64, now time.Time) {
	for b.gap > 0 && now.Sub(b.eased) >= easeAfter {
		b.gap, b.eased = b.gap/2, b.eased.Add(easeAfter)
		if b.gap < 100*time.Millisecond || cps > 0 && b.gap <= time.Duration(float64(time.Second)/cps) {
			b.gap = 0
		}
	}
}

// wait is how long until a call may start, as far as the brake goes.
func (b *brake) wait(now time.Time) time.Duration {
	from := b.until
	if next := b.last.Add(b.gap); b.gap > 0 && next.After(from) {
		from = next
	}
	return max(0, from.Sub(now))
}

// slowed tells until when and why the trunk gets fewer calls than its limits allow;
// zero if it does not.
func (b *brake) slowed(now time.Time) (until time.Time, why string) {
	until = b.until
	if next := b.eased.Add(easeAfter); b.gap > 0 && next.After(until) {
		until = next
	}
	if !until.After(now) {
		return time.Time{}, ""
	}
	return until, b.why
}
