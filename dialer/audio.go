package dialer

import (
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"

	"ringpace/dialer/config"
	"ringpace/media"
	"ringpace/sip"
)

// audioTerms are how audio is offered and answered over a link: of a trunk, a peer or our
// own registrar. A reload replaces them; sessions that are open keep theirs.
type audioTerms struct {
	terms atomic.Pointer[media.SessionConfig]
}

// toward are the terms for a session that is opened now, with a far side there.
func (a *audioTerms) toward(far netip.Addr) media.SessionConfig {
	c := *a.terms.Load()
	c.Toward = far
	return c
}

// offered are the terms for a session that answers a call.
func (a *audioTerms) offered(in *sip.Incoming) media.SessionConfig {
	far := media.AddressOf(in.Offer())
	if !far.IsValid() {
		far = in.Source().Addr()
	}
	return a.toward(far)
}

// outgoing are the terms for a call over the trunk.
func (t *trunk) outgoing() media.SessionConfig { return t.audio.toward(t.Remote()) }

// outgoing are the terms for a call to an extension.
func (p *peer) outgoing(extension string) media.SessionConfig {
	if p.local != nil {
		return p.audio.toward(p.local.Remote(extension))
	}
	return p.audio.toward(p.Remote())
}

// sessionConfig is how the configuration wants audio to be on a link.
func sessionConfig(m *config.Media, codecs []string, srtp, dtmf string) (*media.SessionConfig, error) {
	c := &media.SessionConfig{PTime: m.PTime, ComfortNoise: m.ComfortNoise, NoEvents: dtmf == config.DTMFInfo}
	for _, name := range codecs {
		codec, err := media.ParseCodec(name)
		if err != nil {
			return nil, err
		}
		c.Codecs = append(c.Codecs, codec)
	}
	var err error
	c.Security, err = media.ParseSecurity(srtp)
	return c, err
}

// agentCodecs are those of agents' legs.
func agentCodecs(m *config.Media) []string {
	if len(m.AgentCodecs) > 0 {
		return m.AgentCodecs
	}
	return m.Codecs
}

// prepareAudio reads how a configuration wants audio to be. The function that it returns
// brings that into force on all links that there are, for sessions opened from then on.
func (d *Daemon) prepareAudio(cfg *config.Config) (apply func(), err error) {
	m, wanted := &cfg.Media, map[*audioTerms]*media.SessionConfig{}
	want := func(a *audioTerms, codecs []string, srtp, dtmf string) {
		c, failed := sessionConfig(m, codecs, srtp, dtmf)
		if failed != nil && err == nil {
			err = fmt.Errorf("media: %w", failed)
		}
		wanted[a] = c
	}
	for _, c := range cfg.Trunks {
		if i := slices.IndexFunc(d.trunks.all, func(t *trunk) bool { return t.Name() == c.Name }); i >= 0 {
			want(&d.trunks.all[i].audio, m.Codecs, c.SRTP, c.DTMF)
		}
	}
	for _, c := range cfg.Peers {
		if p := d.peer(c.Name); p != nil {
			want(&p.audio, agentCodecs(m), c.SRTP, c.DTMF)
		}
	}
	if p := d.peer(config.OwnRegistrar); p != nil && p.local != nil {
		want(&p.audio, agentCodecs(m), cfg.SIP.Registrar.SRTP, config.DTMFAuto)
	}
	return func() {
		for a, c := range wanted {
			a.terms.Store(c)
		}
	}, err
}
