package dialer

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/config"
	"ringpace/dialer/store"
	"ringpace/sip"
)

// trunks are the ways out to the telephone network. Their order and registration
// never change; mu protects the limits, which a reload may, and the meter.
type trunks struct {
	store *store.Store
	all   []*trunk

	mu sync.Mutex
}

// trunk is one way out: its signalling, and this node's share of its channels and
// calls per second.
type trunk struct {
	*sip.Trunk
	server    string
	callerIDs []string
	share     *store.TrunkShare
	limits    store.TrunkLimits
	started   []time.Time // calls of the last ten seconds
}

// line is one channel of a trunk, held for one call.
type line struct {
	trunk    *trunk
	callerID string
	release  func() // once
}

func newTrunks(s *store.Store, ep *sip.Endpoint, cfgs []config.Trunk) (*trunks, error) {
	ts := &trunks{store: s}
	for _, c := range cfgs {
		t, err := sip.NewTrunk(ep, trunkConfig(c))
		if err != nil {
			return nil, fmt.Errorf("trunk %s: %w", c.Name, err)
		}
		ts.all = append(ts.all, &trunk{Trunk: t, server: c.Server, callerIDs: c.CallerIDs, share: s.Trunk(c.Name)})
	}
	ts.limit(cfgs)
	return ts, nil
}

func trunkConfig(c config.Trunk) sip.TrunkConfig {
	return sip.TrunkConfig{
		Name: c.Name, Server: c.Server, Transport: c.Transport, Domain: c.Domain,
		Username: c.Username, AuthUsername: c.AuthUsername, Password: c.Password.Reveal(),
		Register: c.Register, Expires: c.Expires, HealthInterval: c.HealthInterval,
		Identity: sip.Identity{
			CallerIDs: c.CallerIDs, DisplayName: c.DisplayName,
			Assert: c.Identity.Assert, Prefer: c.Identity.Prefer, Privacy: c.Identity.Privacy,
			Format: sip.NumberFormat(c.Identity.Format), CountryCode: c.Identity.CountryCode,
			NationalPrefix: c.Identity.NationalPrefix, UserPhone: c.Identity.UserPhone,
		},
	}
}

// peer is a PBX at which agents' extensions are reached.
type peer struct {
	*sip.Trunk
	fromUser string // who calls, as the extension sees it
}

func newPeer(ep *sip.Endpoint, c config.Peer) (*peer, error) {
	t, err := sip.NewTrunk(ep, peerConfig(c))
	if err != nil {
		return nil, fmt.Errorf("peer %s: %w", c.Name, err)
	}
	return &peer{Trunk: t, fromUser: c.FromUser}, nil
}

func peerConfig(c config.Peer) sip.TrunkConfig {
	return sip.TrunkConfig{
		Name: c.Name, Server: c.Server, Transport: c.Transport, Domain: c.Domain,
		Username: c.Username, AuthUsername: c.AuthUsername, Password: c.Password.Reveal(),
		Register: c.Register, Expires: c.Expires, HealthInterval: c.HealthInterval,
		Identity: sip.Identity{DisplayName: c.DisplayName},
	}
}

// limit takes the limits of a configuration.
func (ts *trunks) limit(cfgs []config.Trunk) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for _, c := range cfgs {
		for _, t := range ts.all {
			if t.Name() == c.Name {
				t.limits = store.TrunkLimits{Channels: c.Channels, CPS: c.CallsPerSecond}
			}
		}
	}
}

// allot renews this node's share of each trunk that wanted names: all that there
// is, which the store divides fairly among the nodes that want it. Of the others it
// keeps what its calls are using.
func (ts *trunks) allot(ctx context.Context, wanted map[string]bool) error {
	const plenty = 100_000
	var wants []store.TrunkWant
	ts.mu.Lock()
	for _, t := range ts.all {
		w := store.TrunkWant{Trunk: t.Name(), Channels: t.share.Used(), Limits: t.limits}
		if wanted[t.Name()] {
			w.Channels, w.Dials = plenty, plenty
			if t.limits.Channels > 0 {
				w.Channels = t.limits.Channels
			}
			if t.limits.CPS > 0 {
				w.Dials = int(math.Ceil(2 * t.limits.CPS))
			}
		}
		wants = append(wants, w)
	}
	ts.mu.Unlock()
	_, err := ts.store.Allot(ctx, wants...)
	return err
}

// room is what the named trunks that may present the caller ID have for new calls
// now: free channels, and calls that may start at this instant, which are never more.
// Where one may start only later, soon says when. Where none of the trunks can be
// used, why says so, in words.
func (ts *trunks) room(names []string, callerID string) (channels, rate int, soon time.Duration, why string) {
	var down []string
	able := 0
	for _, t := range ts.named(names) {
		if _, ok := t.presents(callerID); !ok {
			continue
		}
		able++
		if s := t.Status(); !s.Usable {
			down = append(down, fmt.Sprintf("trunk %s is %s (%s)", t.Name(), s.State, s.Reason))
			continue
		}
		free := t.share.Free()
		channels += free
		n, wait := t.share.Startable()
		rate += min(free, n)
		if wait > 0 && (soon == 0 || wait < soon) {
			soon = wait
		}
	}
	switch {
	case able == 0:
		why = "no trunk of the campaign may present the caller ID " + callerID
	case len(down) == able:
		why = strings.Join(down, "; ")
	}
	return channels, rate, soon, why
}

// presents gives the caller ID to present when asked for one, "" being any that the
// trunk has, and whether the trunk may.
func (t *trunk) presents(callerID string) (string, bool) {
	if callerID == "" && len(t.callerIDs) > 0 {
		return t.callerIDs[0], true
	}
	return callerID, slices.Contains(t.callerIDs, callerID)
}

// take holds a channel of the first of the named trunks that has room for a call
// now and may present the caller ID, "" being any that it has. It returns nil where
// none has.
func (ts *trunks) take(names []string, callerID string) *line {
	for _, t := range ts.named(names) {
		id, ok := t.presents(callerID)
		if !ok || !t.Status().Usable {
			continue
		}
		if ok, _ := t.share.TryTake(); ok {
			ts.meter(t)
			return &line{trunk: t, callerID: id, release: sync.OnceFunc(t.share.Release)}
		}
	}
	return nil
}

// named yields trunks in the order of their names in the campaign.
func (ts *trunks) named(names []string) []*trunk {
	list := make([]*trunk, 0, len(names))
	for _, name := range names {
		for _, t := range ts.all {
			if t.Name() == name {
				list = append(list, t)
			}
		}
	}
	return list
}

const meterSpan = 10 * time.Second

// meter notes that a call starts.
func (ts *trunks) meter(t *trunk) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	now := time.Now()
	t.started = append(t.recent(now), now)
}

func (t *trunk) recent(now time.Time) []time.Time {
	i := 0
	for i < len(t.started) && now.Sub(t.started[i]) > meterSpan {
		i++
	}
	return t.started[i:]
}

// status is what the API shows of the trunks.
func (ts *trunks) status() []api.TrunkStatus {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	list := make([]api.TrunkStatus, 0, len(ts.all))
	for _, t := range ts.all {
		s := t.Status()
		list = append(list, api.TrunkStatus{
			Name: s.Name, Server: t.server, State: api.TrunkState(s.State), Usable: s.Usable, Reason: s.Reason,
			Since: s.Since, RegisteredUntil: s.Expires, NextTry: s.NextTry, CallerIDs: t.callerIDs,
			ChannelsUsed: t.share.Used(), ChannelsLimit: t.limits.Channels,
			CPS: float64(len(t.recent(time.Now()))) / meterSpan.Seconds(), CPSLimit: t.limits.CPS,
		})
	}
	return list
}
