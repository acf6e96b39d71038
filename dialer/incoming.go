package dialer

import (
	"slices"

	"ringpace/dialer/config"
	"ringpace/sip"
)

// incoming is called for every INVITE that opens a dialog, on a goroutine of its own.
func (d *Daemon) incoming(in *sip.Incoming) {
	desk := d.reception.Load()
	if desk == nil {
		in.Reject(503, "Service Unavailable") // carriers go on to another node
		return
	}
	if call, replaces := in.Replaces(); replaces {
		d.replaceLeg(in, call)
		return
	}
	if who := d.agentCalling(in); who != nil {
		d.agentDialed(in, who)
		return
	}
	if d.fromTelephone(in) {
		d.telephoneCalls(in)
		return
	}
	if over := d.trunksOf(in); len(over) > 0 {
		d.customerCalled(in, desk, over)
		return
	}
	in.Reject(403, "Forbidden")
}

// trunksOf are the trunks that a call may have come over.
func (d *Daemon) trunksOf(in *sip.Incoming) []*trunk {
	var over []*trunk
	for _, at := range in.Trunks() {
		for _, t := range d.trunks.all {
			if t.Trunk == at {
				over = append(over, t)
			}
		}
	}
	return over
}

// admit reports whether an INVITE gets an answer: it comes from somewhere that the
// configuration names, or strangers are told that they are refused. It looks at no
// more than the source, for a flood must cost nothing.
func (d *Daemon) admit(in *sip.Incoming) bool {
	desk := d.reception.Load()
	if desk == nil || len(in.Trunks()) > 0 || d.fromTelephone(in) {
		return true
	}
	desk.strangers.Add(1)
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cfg.SIP.Strangers != config.StrangersSilent
}

// agentCalling is the agent from whose telephone an INVITE comes: the PBX is known by
// its address, and vouches for the extension in From. It is nil for all others.
func (d *Daemon) agentCalling(in *sip.Incoming) *config.Agent {
	at := in.Trunks()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range d.cfg.Agents {
		fromPeer := slices.ContainsFunc(at, func(t *sip.Trunk) bool { p := d.peer(a.Peer); return p != nil && p.Trunk == t })
		if fromPeer && a.Extension == in.From() {
			return &a
		}
	}
	return nil
}
