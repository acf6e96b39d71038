package config

import (
	"fmt"
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
	case len(v.config.SIP.Listen) == 0 || v.unreadable("sip.listen"):
	case transport != UDP && transport != TCP:
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
	v.expires(key+".expires", t.Expires)
	v.health(key+".health_interval", t.HealthInterval)
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
	v.identity(key+".identity", t)
	if t.Channels < 1 || t.Channels > 10000 {
		v.bad(key+".channels", "%d; write how many calls at once the carrier sold you (1 to 10000)", t.Channels)
	}
	if !(t.CallsPerSecond > 0) || t.CallsPerSecond > 1000 {
		v.bad(key+".calls_per_second", "%v; write how many new calls a second the carrier accepts (above 0, up to 1000)", t.CallsPerSecond)
	}
}

func (v *validator) identity(key string, t *Trunk) {
	id := &t.Identity
	if id.Privacy != "" && id.Privacy != "none" && id.Privacy != "id" {
		v.bad(key+".privacy", "%q is not known; write none or id (RFC 3323, RFC 3325), or leave it out", id.Privacy)
	}
	if id.Privacy == "id" {
		v.warn(key+".privacy", "hides the official number from the people who are called; write none to show it")
	}
	if id.Format == "national" && id.CountryCode == "" {
		v.bad(key+".country_code", "is missing; format national needs the digits to cut off, such as 49")
	}
	v.digits(key+".country_code", id.CountryCode)
	v.digits(key+".national_prefix", id.NationalPrefix)
	for _, n := range t.CallerIDs {
		if id.Format == "national" && !strings.HasPrefix(n, "+"+id.CountryCode) {
			v.bad(key+".country_code", "the caller ID %s does not begin with +%s, so that it has no national form", n, id.CountryCode)
		}
	}
}

func (v *validator) digits(key, s string) {
	if s != "" && !digits.MatchString(s) {
		v.bad(key, "%q; write digits only, such as 49 or 0", s)
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
	v.expires(key+".expires", p.Expires)
	v.health(key+".health_interval", p.HealthInterval)
	if p.FromUser != "" && !userForm.MatchString(p.FromUser) {
		v.bad(key+".from_user", "%q cannot stand in a SIP address (RFC 3261, section 25.1)", p.FromUser)
	}
}

func (v *validator) expires(key string, d time.Duration) {
	if d < 10*time.Second || d > 24*time.Hour {
		v.bad(key, "%s; write 10s to 1d, such as 10m", formatDuration(d))
	}
}

func (v *validator) health(key string, d time.Duration) {
	if d != 0 && (d < time.Second || d > time.Hour) {
		v.bad(key, "%s; write 1s to 1h, such as 30s, or 0 for never", formatDuration(d))
	}
}
