package dialer

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/config"
	"ringpace/dialer/store"
	"ringpace/sip"
	"ringpace/sip/identity"
)

// trunks are the ways out to the telephone network. Which there are, and what they
// are to their carriers, never changes; mu protects the rest.
type trunks struct {
	store *store.Store
	all   []*trunk

	mu   sync.Mutex
	used map[string]time.Time // when each caller ID was presented last
}

// trunk is one way out: its signalling, and this node's share of its channels and
// calls per second. The fields below the line are protected by the trunks' mu.
type trunk struct {
	*sip.Trunk
	state     func() sip.TrunkStatus // Trunk.Status
	server    string
	callerIDs []string
	audio     audioTerms
	share     *store.TrunkShare

	// ---
	cfg     config.Trunk // what a reload changes counts: limits, prefixes, priority, weight
	started []time.Time  // calls of the last ten seconds
	brake   brake
	pending int // lines taken whose INVITE is not on its way yet
}

// line is one channel of a trunk, held for one call.
type line struct {
	trunk    *trunk
	callerID string
	begun    func() // the INVITE is on its way; once
	release  func() // the call is over; once
}

func newTrunks(s *store.Store, ep *sip.Endpoint, m *config.Media, cfgs []config.Trunk) (*trunks, error) {
	ts := &trunks{store: s, used: map[string]time.Time{}}
	for _, c := range cfgs {
		t, err := sip.NewTrunk(ep, trunkConfig(c))
		if err != nil {
			return nil, fmt.Errorf("trunk %s: %w", c.Name, err)
		}
		audio, err := sessionConfig(m, m.Codecs, c.SRTP, c.DTMF)
		if err != nil {
			return nil, fmt.Errorf("trunk %s: %w", c.Name, err)
		}
		way := &trunk{
			Trunk: t, state: t.Status, server: c.Server, callerIDs: c.CallerIDs, share: s.Trunk(c.Name), cfg: c,
		}
		way.audio.terms.Store(audio)
		ts.all = append(ts.all, way)
	}
	return ts, nil
}

func trunkConfig(c config.Trunk) sip.TrunkConfig {
	t := linkConfig(c.Link)
	t.BulkContact, t.RejectAnonymous = c.BulkContact, c.RejectAnonymous
	t.Identity = sip.Identity{
		CallerIDs: c.CallerIDs, DisplayName: c.DisplayName,
		From: identity.From(c.Identity.From), Assert: c.Identity.Assert, Prefer: c.Identity.Prefer,
		Privacy: c.Identity.Privacy, Diversion: c.Identity.Diversion, TelURI: c.Identity.TelURI,
		Format: identity.NumberFormat(c.Identity.Format), CountryCode: c.Identity.CountryCode,
		NationalPrefix: c.Identity.NationalPrefix, UserPhone: c.Identity.UserPhone,
	}
	return t
}

// linkConfig is what is the same for trunks and peers.
func linkConfig(c config.Link) sip.TrunkConfig {
	return sip.TrunkConfig{
		Name: c.Name, Server: c.Server, Transport: c.Transport, TLS: sip.TrunkTLS(c.TLS), OutboundProxy: c.OutboundProxy,
		Domain: c.Domain, Sources: c.Sources,
		Username: c.Username, AuthUsername: c.AuthUsername, Password: c.Password.Reveal(),
		Register: c.Register, Expires: c.Expires, HealthInterval: c.HealthInterval, KeepAlive: c.KeepAlive, NAT: sip.NAT(c.NAT),
		Policy:   policyOf(c.Calls),
		Identity: sip.Identity{DisplayName: c.DisplayName},
	}
}

func policyOf(c config.Calls) sip.Policy {
	p := sip.Policy{
		AnswerTimeout: c.AnswerTimeout, Reliable: sip.Reliability(c.Reliable),
		SessionExpires: c.SessionExpires, SessionMin: c.SessionMin,
		Redirect: c.Redirect, RedirectHosts: c.RedirectHosts, LateOffer: c.LateOffer,
	}
	if c.Refresher != "any" {
		p.Refresher = c.Refresher
	}
	return p
}

// peer is where agents' extensions are reached: a PBX, or our own registrar.
type peer struct {
	*sip.Trunk            // nil: our own registrar
	local      *sip.Local // nil: a PBX
	fromUser   string     // who calls, as the extension sees it
	audio      audioTerms
}

// Name is what the configuration calls it.
func (p *peer) Name() string {
	if p.local != nil {
		return config.OwnRegistrar
	}
	return p.Trunk.Name()
}

// Invite calls an extension.
func (p *peer) Invite(ctx context.Context, inv sip.Invite) (*sip.Call, error) {
	if p.local != nil {
		return p.local.Invite(ctx, inv)
	}
	return p.Trunk.Invite(ctx, inv)
}

func newPeer(ep *sip.Endpoint, m *config.Media, c config.Peer) (*peer, error) {
	t, err := sip.NewTrunk(ep, linkConfig(c.Link))
	if err != nil {
		return nil, fmt.Errorf("peer %s: %w", c.Name, err)
	}
	audio, err := sessionConfig(m, agentCodecs(m), c.SRTP, c.DTMF)
	if err != nil {
		return nil, fmt.Errorf("peer %s: %w", c.Name, err)
	}
	p := &peer{Trunk: t, fromUser: c.FromUser}
	p.audio.terms.Store(audio)
	return p, nil
}

// configure takes what may change while running of a configuration.
func (ts *trunks) configure(cfgs []config.Trunk) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for _, c := range cfgs {
		for _, t := range ts.all {
			if t.Name() == c.Name {
				t.cfg.Prefixes, t.cfg.Priority, t.cfg.Weight = c.Prefixes, c.Priority, c.Weight
				t.cfg.Channels, t.cfg.CallsPerSecond = c.Channels, c.CallsPerSecond
			}
		}
	}
}

// weight is the trunk's share of the calls of its priority. The trunks' mu is held.
// One that comes back after it was down has less until it has shown what it can.
func (t *trunk) weight() float64 { return float64(t.cfg.Weight) * max(t.state().Share, 0.01) }

// allot renews this node's share of each trunk that wanted names: all that there
// is, which the store divides fairly among the nodes that want it. Of the others it
// keeps what its calls are using.
func (ts *trunks) allot(ctx context.Context, wanted map[string]bool) error {
	const plenty = 100_000
	var wants []store.TrunkWant
	ts.mu.Lock()
	for _, t := range ts.all {
		w := store.TrunkWant{Trunk: t.Name(), Channels: t.share.Used(), Limits: store.TrunkLimits{Channels: t.cfg.Channels, CPS: t.cfg.CallsPerSecond}}
		if wanted[t.Name()] {
			w.Channels, w.Dials = plenty, plenty
			if t.cfg.Channels > 0 {
				w.Channels = t.cfg.Channels
			}
			if t.cfg.CallsPerSecond > 0 {
				w.Dials = int(math.Ceil(2 * t.cfg.CallsPerSecond))
			}
		}
		wants = append(wants, w)
	}
	ts.mu.Unlock()
	_, err := ts.store.Allot(ctx, wants...)
	return err
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

// recent are the starts of the calls of the last ten seconds.
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
	now := time.Now()
	list := make([]api.TrunkStatus, 0, len(ts.all))
	for _, t := range ts.all {
		s := t.state()
		t.brake.ease(t.cfg.CallsPerSecond, now)
		until, why := t.brake.slowed(now)
		list = append(list, api.TrunkStatus{
			Name: s.Name, Server: t.server, State: api.TrunkState(s.State), Usable: s.Usable, Reason: s.Reason,
			Since: s.Since, RegisteredUntil: s.Expires, NextTry: nextTry(s), Share: s.Share, SlowedUntil: until, SlowedBy: why,
			CallerIDs: t.callerIDs, Prefixes: t.cfg.Prefixes, Priority: t.cfg.Priority, Weight: t.cfg.Weight,
			ChannelsUsed: t.share.Used(), ChannelsShare: t.share.Channels(), ChannelsLimit: t.cfg.Channels,
			CPS: float64(len(t.recent(now))) / meterSpan.Seconds(), CPSLimit: t.cfg.CallsPerSecond,
		})
	}
	return list
}

// nextTry is when a trunk that is down is tried again, as far as that is known.
func nextTry(s sip.TrunkStatus) time.Time {
	if s.Until.After(s.NextTry) {
		return s.Until
	}
	return s.NextTry
}
