package config

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"
)

// reaches checks that a listener can send to a server: same transport, and same
// address family where the server is an address.
func (v *validator) reaches(key, transport, server string) {
	v.hostPort(key+".server", server, false)
	to, err := netip.ParseAddr(strings.Trim(hostOf(server), "[]"))
	literal := err == nil
	var same, family bool
	for _, l := range v.config.SIP.Listen {
		if l.Transport == transport {
			same = true
			family = family || !literal || l.Addr.Addr().Is4() == to.Is4()
		}
	}
	switch {
	case len(v.config.SIP.Listen) == 0 || (transport != UDP && transport != TCP):
	case !same:
		v.bad(key+".transport", "%s, and no sip.listen is %s://; add one, or change the transport", transport, transport)
	case !family:
		v.bad(key+".server", "%s cannot be reached from the %s addresses of sip.listen; listen on an address of the "+
			"same family (IPv4 or IPv6)", server, transport)
	}
}

func (v *validator) credentials(key string, register bool, username, auth string, password Secret) {
	if register && username == "" {
		v.bad(key+".username", "is missing; register: true needs the account's user name")
	}
	if register && !password.Set() {
		v.bad(key+".password", "is missing; register: true needs the account's password")
	}
	if password.Set() && username == "" && !register {
		v.bad(key+".username", "is missing; a password needs the user name that it belongs to")
	}
	if username != "" && !userForm.MatchString(username) {
		v.bad(key+".username", "%q cannot stand in a SIP address (RFC 3261, section 25.1)", username)
	}
	v.clean(key+".auth_username", auth)
	v.clean(key+".password", password.Reveal())
	if password.Reveal() == placeholder {
		v.warn(key+".password", "is still the example's; write the account's own")
	}
}

// placeholder is the password in the example files.
const placeholder = "change-me"

func (v *validator) trunk(key string, t *Trunk, names map[string]string) {
	v.unique(key+".name", "trunk", t.Name, names)
	if t.Server == "" {
		v.bad(key+".server", "is missing; write the carrier's host, such as sip.example.com or 192.0.2.20:5060")
	} else {
		v.reaches(key, t.Transport, t.Server)
	}
	v.clean(key+".domain", t.Domain)
	v.clean(key+".display_name", t.DisplayName)
	v.credentials(key, t.Register, t.Username, t.AuthUsername, t.Password)
	v.atLeast(key+".expires", t.Expires, time.Minute, "a registrar would be flooded; write for example 10m")
	v.atLeastOrZero(key+".health_interval", t.HealthInterval, time.Second, "write 0 to switch it off, or for example 30s")
	if len(t.CallerIDs) == 0 {
		v.bad(key+".caller_ids", "there is none; write the numbers that the carrier gave you, such as [\"+12025550100\"]")
	}
	seen := make(map[string]int)
	for i, n := range t.CallerIDs {
		k := fmt.Sprintf("%s.caller_ids[%d]", key, i)
		v.e164(k, n)
		if first, ok := seen[n]; ok {
			v.bad(k, "%s is caller_ids[%d] already; remove one", n, first)
		}
		seen[n] = i
	}
	v.identity(key+".identity", &t.Identity)
	if t.Channels < 1 || t.Channels > 10000 {
		v.bad(key+".channels", "%d; write how many calls at once the carrier sold you (1 to 10000)", t.Channels)
	}
	if !(t.CallsPerSecond > 0) || t.CallsPerSecond > 1000 {
		v.bad(key+".calls_per_second", "%v; write how many new calls a second the carrier accepts (above 0, up to 1000)", t.CallsPerSecond)
	}
}

func (v *validator) identity(key string, id *Identity) {
	if id.Privacy != "" && id.Privacy != "none" && id.Privacy != "id" {
		v.bad(key+".privacy", "%q is not known; write none or id (RFC 3323, RFC 3325), or leave it out", id.Privacy)
	}
	if id.Privacy == "id" {
		v.warn(key+".privacy", "hides the official number from the people who are called; write none to show it")
	}
	if id.Format == "national" && id.CountryCode == "" {
		v.bad(key+".country_code", "is missing; format national needs the digits to cut off, such as 49")
	}
	for k, s := range map[string]string{".country_code": id.CountryCode, ".national_prefix": id.NationalPrefix} {
		if s != "" && !digits.MatchString(s) {
			v.bad(key+k, "%q; write digits only, such as 49 or 0", s)
		}
	}
}

func (v *validator) e164(key, n string) {
	if !e164Form.MatchString(n) {
		v.bad(key, "%q is not a number in E.164; write + and the country code, such as +12025550100", n)
	}
}

func (v *validator) peer(key string, p *Peer, names map[string]string) {
	v.unique(key+".name", "peer", p.Name, names)
	if p.Server == "" {
		v.bad(key+".server", "is missing; write the PBX's host, such as pbx.example.com or 192.0.2.30:5060")
	} else {
		v.reaches(key, p.Transport, p.Server)
	}
	v.clean(key+".domain", p.Domain)
	v.clean(key+".display_name", p.DisplayName)
	v.credentials(key, p.Register, p.Username, p.AuthUsername, p.Password)
	v.atLeast(key+".expires", p.Expires, time.Minute, "a registrar would be flooded; write for example 10m")
	v.atLeastOrZero(key+".health_interval", p.HealthInterval, time.Second, "write 0 to switch it off, or for example 30s")
	if p.FromUser != "" && !userForm.MatchString(p.FromUser) {
		v.bad(key+".from_user", "%q cannot stand in a SIP address (RFC 3261, section 25.1)", p.FromUser)
	}
}

func (v *validator) atLeast(key string, d, least time.Duration, hint string) {
	if d < least {
		v.bad(key, "%s is less than %s; %s", formatDuration(d), formatDuration(least), hint)
	}
}

func (v *validator) atLeastOrZero(key string, d, least time.Duration, hint string) {
	if d != 0 {
		v.atLeast(key, d, least, hint)
	}
}

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
	if len(m.Codecs) == 0 {
		v.bad("media.codecs", "there is none; write [PCMA, PCMU]")
	}
	if len(m.Codecs) > 1 && m.Codecs[0] == m.Codecs[1] || len(m.Codecs) > 2 {
		v.bad("media.codecs", "names a codec twice; write each once")
	}
	if m.PTime < 10*time.Millisecond || m.PTime > 60*time.Millisecond || m.PTime%(10*time.Millisecond) != 0 {
		v.bad("media.ptime", "%s; write 10ms, 20ms, 30ms, 40ms, 50ms or 60ms", formatDuration(m.PTime))
	}
	if m.Cooldown > 10*time.Minute {
		v.bad("media.cooldown", "%s; ports would lie idle too long; write for example 10s", formatDuration(m.Cooldown))
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
		if l.Transport == UDP && l.Addr.Port() >= r.Min && l.Addr.Port() <= r.Max && l.Addr.Addr() == v.config.Media.Address {
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
	if r.Flush < 100*time.Millisecond || r.Flush > time.Minute {
		v.bad("recording.flush", "%s; a crash loses as much; write 100ms to 1m", formatDuration(r.Flush))
	}
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
