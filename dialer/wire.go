package dialer

import (
	"context"
	"net/netip"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/config"
	"ringpace/sip/defence"
	"ringpace/sip/trace"
)

var _ api.WireDesk = (*Daemon)(nil)

// openWire makes what watches over the sockets of SIP.
func (d *Daemon) openWire() error {
	var err error
	d.guard, err = defence.New(defenceOf(d.cfg), func(b defence.Ban) {
		d.log.Warn("a source of SIP messages is banned", "source", b.Source.String(), "reason", string(b.Reason),
			"until", b.Until, "times", b.Times)
	})
	if err != nil {
		return err
	}
	t := d.cfg.Trace
	if t.Bytes == 0 {
		return nil
	}
	d.wire = trace.New(trace.Config{Bytes: int(t.Bytes), Messages: t.Messages})
	if t.HEP.Address == "" {
		return nil
	}
	d.copies, err = trace.NewExporter(trace.HEPConfig{
		Address: t.HEP.Address, Transport: t.HEP.Transport, NodeID: uint32(t.HEP.NodeID), NodeName: d.node,
		Password: t.HEP.Password.Reveal(), Logger: d.log,
	})
	if err != nil {
		return err
	}
	d.wire.Export(d.copies)
	return nil
}

// defenceOf writes the configuration in the form that the guard takes.
func defenceOf(cfg *config.Config) defence.Config {
	c, limits := cfg.SIP.Defence, defence.Default()
	limits.Allow, limits.Deny = c.Allow, c.Deny
	limits.Rate, limits.Burst, limits.Total = c.Rate, c.Burst, c.Total
	limits.Scanners, limits.Failures = c.Scanners, c.Failures
	limits.Ban, limits.LongBan, limits.Connections = c.Ban, c.LongestBan, c.Connections
	limits.Silence, limits.Registers = cfg.SIP.Strangers == config.StrangersSilent, cfg.SIP.Registrar.Enabled
	return limits
}

// Trace implements api.WireDesk.
func (d *Daemon) Trace(_ context.Context, id string) (*api.Trace, error) {
	if d.wire == nil {
		return nil, api.Unavailable("no messages are kept: trace.bytes is 0")
	}
	l, ok := d.wire.Ladder(id, d.partyAt)
	if !ok {
		return nil, api.NotFound("no message of a call %q is kept; it may have been too long ago, or on another node", id)
	}
	return l, nil
}

// partyAt names who sends from an address.
func (d *Daemon) partyAt(at netip.AddrPort) string {
	for _, t := range d.endpoint.TrunksAt(at) {
		return t.Name()
	}
	return ""
}

// Bans implements api.WireDesk.
func (d *Daemon) Bans(context.Context) ([]api.Ban, error) {
	var list []api.Ban
	for _, b := range d.guard.Bans() {
		list = append(list, banOf(b))
	}
	return list, nil
}

func banOf(b defence.Ban) api.Ban {
	source := b.Source.String()
	if b.Source.IsSingleIP() {
		source = b.Source.Addr().String()
	}
	return api.Ban{Source: source, Reason: string(b.Reason), Since: b.Since, Until: b.Until, Times: b.Times, Drops: b.Drops}
}

// Ban implements api.WireDesk.
func (d *Daemon) Ban(_ context.Context, address string, length time.Duration) (api.Ban, error) {
	a, err := source(address)
	if err != nil {
		return api.Ban{}, err
	}
	b, ok := d.guard.Ban(a, length)
	if !ok {
		return api.Ban{}, api.Conflict("%s is a trunk's or peer's address, or on sip.defence.allow: it cannot be banned", address)
	}
	return banOf(b), nil
}

// LiftBan implements api.WireDesk.
func (d *Daemon) LiftBan(_ context.Context, address string) error {
	a, err := source(address)
	if err != nil {
		return err
	}
	if !d.guard.Lift(a) {
		return api.NotFound("%s is not banned", address)
	}
	return nil
}

// source reads the address of a source, or one as it is listed: an IPv6 network of 64
// bits is one source.
func source(s string) (netip.Addr, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		if !p.IsSingleIP() && (p.Addr().Is4() || p.Bits() != 64) {
			return netip.Addr{}, api.Invalid("%s is a network: bans are of single addresses; write networks into sip.defence.deny", s)
		}
		return p.Addr(), nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return a, api.Invalid("%q is no IP address", s)
	}
	return a, nil
}

// wireStatus tells of the guard and the trace.
func (d *Daemon) wireStatus() (api.DefenceStatus, api.TraceStatus) {
	g, t := d.guard.Stats(), d.wire.Stats()
	s := api.DefenceStatus{
		Passed: g.Passed, Dropped: map[string]uint64{}, Banned: map[string]uint64{},
		Bans: g.Bans, Sources: g.Sources, Connections: g.Connections, Lost: d.endpoint.Stats().Lost,
	}
	for r, n := range g.Dropped {
		s.Dropped[string(r)] = n
	}
	for r, n := range g.Banned {
		s.Banned[string(r)] = n
	}
	return s, api.TraceStatus{Recorded: t.Recorded, Kept: t.Kept, Exported: t.Exported, Dropped: t.Dropped}
}

// note remarks in the trace of a call what no message tells.
func (c *customer) note(state api.CallState) {
	switch state {
	case api.CallBridged:
		c.wire.Note(c.rec.ID, "customer and agent hear each other")
	case api.CallMessage:
		c.wire.Note(c.rec.ID, "no agent was free in time: the announcement plays")
	case api.CallGoodbye:
		c.wire.Note(c.rec.ID, "the agent is done: the line is held quiet")
	}
}

// joined lets the trace know that an agent's leg belongs to a call.
func (a *agent) joined(id string, l *leg) {
	a.wire.Link(id, l.call.ID(), "agent "+a.cfg.Name)
}

// left lets the trace know that the call that the agent's leg had is over.
func (a *agent) left(id string, l *leg) {
	a.wire.Unlink(id, l.call.ID())
}
