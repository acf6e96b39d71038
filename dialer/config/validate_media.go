package config

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"ringpace/configs/duration"
	"ringpace/media/record"
	"ringpace/media/record/vault"
)

// media checks that the ports suffice for all that may be up at once.
func (v *validator) media() {
	m := &v.config.Media
	switch a := m.Address; {
	case !a.IsValid():
		if len(v.config.SIP.Listen) > 0 {
			return // the listener it comes from was reported
		}
	case wildcard(a):
		v.bad("media.address", "%s is a wildcard, and the address stands in SDP, where the far side sends to it; write the machine's own", a)
	case a.IsMulticast():
		v.bad("media.address", "%s is a multicast address; write the machine's own", a)
	}
	if a := m.OtherAddress; a.IsValid() && (wildcard(a) || a.IsMulticast() || a.Is4() == m.Address.Is4()) {
		v.bad("media.other_address", "%s; write an address of the machine's own that is of the other family than media.address (%s), IPv4 or IPv6", a, m.Address)
	}
	if len(m.Codecs) == 0 {
		v.bad("media.codecs", "there is none; write [PCMA, PCMU]")
	}
	if len(m.Codecs) > 1 && m.Codecs[0] == m.Codecs[1] || len(m.Codecs) > 2 {
		v.bad("media.codecs", "names a codec twice; write each once")
	}
	for i, c := range m.AgentCodecs {
		if slices.Contains(m.AgentCodecs[:i], c) {
			v.bad("media.agent_codecs", "names %s twice; write each once", c)
		}
	}
	if m.PTime < 10*time.Millisecond || m.PTime > 60*time.Millisecond || m.PTime%(10*time.Millisecond) != 0 {
		v.bad("media.ptime", "%s; write 10ms, 20ms, 30ms, 40ms, 50ms or 60ms", duration.Format(m.PTime))
	}
	if m.Timeout < 0 || m.Timeout > 0 && m.Timeout < 2*time.Second {
		v.bad("media.timeout", "%s; a short pause would end a call; write 2s or more, or 0 for never", duration.Format(m.Timeout))
	}
	v.tones()
	if m.Cooldown > 10*time.Minute {
		v.bad("media.cooldown", "%s; ports would lie idle too long; write for example 10s", duration.Format(m.Cooldown))
		return
	}
	v.ports()
}

func (v *validator) ports() {
	r := v.config.Media.Ports
	channels, resting := 0, 0.0
	for _, t := range v.config.Trunks {
		channels += max(t.Channels, 0)
		// A call that ends is replaced at the trunk's rate, while its ports rest.
		if t.CallsPerSecond > 0 {
			resting += t.CallsPerSecond * v.config.Media.Cooldown.Seconds()
		}
	}
	agents := len(v.config.Agents)
	need := channels + agents + int(math.Ceil(min(resting, 1e6)))
	if have := r.Pairs(); have < need {
		v.bad("media.ports", "%s holds %d pairs of ports (RTP and RTCP), and %d may be needed: %d channels of the trunks, "+
			"%d agents and %.0f that rest for media.cooldown after a call; write a range of at least %d ports, or lower channels",
			r, have, need, channels, agents, math.Ceil(resting), 2*need)
	}
	for i, l := range v.config.SIP.Listen {
		if l.Transport == UDP && l.Addr.Port() >= r.Min && l.Addr.Port() <= r.Max && (l.Addr.Addr() == v.config.Media.Address || l.Addr.Addr() == v.config.Media.OtherAddress) {
			v.bad("media.ports", "%s holds the port of sip.listen[%d] (%s); move one", r, i, l.Addr)
		}
	}
}

// storage is recordings and call detail records.
func (v *validator) storage() {
	r := &v.config.Recording
	if !r.Enabled {
		v.warn("recording.enabled", "calls are not recorded")
	}
	v.pattern(r.Pattern)
	v.disclosure()
	if r.Flush < 100*time.Millisecond || r.Flush > record.MaxFlush {
		v.bad("recording.flush", "%s; a crash may cost as much; write 100ms to %s", duration.Format(r.Flush), duration.Format(record.MaxFlush))
	}
	if r.MaxPause != 0 && (r.MaxPause < time.Second || r.MaxPause > time.Hour) {
		v.bad("recording.max_pause", "%s; write how long an agent may pause the recording, 1s to 1h, such as 3m, or 0 for as long as they talk", duration.Format(r.MaxPause))
	}
	if r.Retention != 0 && r.Retention < time.Hour {
		v.bad("recording.retention", "%s; write 1h or more, such as 90d, or 0 to keep recordings for ever", duration.Format(r.Retention))
	}
	v.recipients(r.EncryptTo)
	v.upload()
	if r.Enabled && r.MinFree < 64<<20 {
		v.warn("recording.min_free", "%s: a full disk is noticed late; write 1GiB or more", r.MinFree)
	}
	if v.config.CDR.RotateSize < 64<<10 {
		v.bad("cdr.rotate_size", "%s; write at least 64KiB, such as 100MiB", v.config.CDR.RotateSize)
	}
	if v.config.CDR.KeepFiles < 0 {
		v.bad("cdr.keep_files", "%d; write how many files to keep, or 0 for all", v.config.CDR.KeepFiles)
	}
}

// recipients are whom recordings are encrypted to.
func (v *validator) recipients(list []string) {
	const key = "recording.encrypt_to"
	plain := func(err error) string { return strings.TrimPrefix(err.Error(), "vault: ") }
	wrong := false
	for i, entry := range list {
		if _, err := vault.ParseRecipients([]string{entry}); err != nil {
			v.bad(fmt.Sprintf("%s[%d]", key, i), "%s", plain(err))
			wrong = true
		}
	}
	if _, err := vault.ParseRecipients(list); err != nil && !wrong {
		v.bad(key, "%s", plain(err)) // each is right, but not beside the others
	}
}

func (v *validator) pattern(p string) {
	const key = "recording.pattern"
	if err := record.CheckPattern(p); err != nil {
		v.bad(key, "%s", strings.ReplaceAll(strings.ReplaceAll(err.Error(), "record: ", ""), "\n", "; "))
	}
	if strings.Contains(p, "{agent}") {
		v.bad(key, "{agent} is not known yet when a recording begins; the call detail record names the agent")
	}
	v.clean(key, p)
}
