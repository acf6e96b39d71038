package config

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ringpace/configs/duration"
)

// reaches checks that we can send to a server: by UDP from a listener of the same
// address family where the server is an address. TCP and TLS connections need none.
func (v *validator) reaches(key string, l *Link) {
	v.hostPort(key+".server", l.Server, false)
	server := key + ".server"
	to, err := netip.ParseAddr(strings.Trim(hostOf(l.Server), "[]"))
	if l.OutboundProxy != "" {
		server = key + ".outbound_proxy"
		v.hostPort(server, l.OutboundProxy, false)
		to, err = netip.ParseAddr(strings.Trim(hostOf(l.OutboundProxy), "[]"))
	}
	literal := err == nil
	var udp, family bool
	for _, have := range v.config.SIP.Listen {
		if have.Transport == UDP || l.Transport != UDP {
			udp = udp || have.Transport == UDP
			family = family || !literal || have.Addr.Addr().Is4() == to.Is4()
		}
	}
	switch {
	case len(v.config.SIP.Listen) == 0 || v.unreadable("sip.listen"):
	case l.Transport == UDP && !udp:
		v.bad(key+".transport", "udp, and no sip.listen is udp://; add one, or change the transport")
	case !family:
		v.bad(server, "%s cannot be reached from the addresses of sip.listen; listen on an address of the same family "+
			"(IPv4 or IPv6)", cmp.Or(l.OutboundProxy, l.Server))
	}
}

// tls checks the files of a link. Our own certificate signalling reads at its start, and
// says what is wrong with it.
func (v *validator) tls(key string, l *Link) {
	t := &l.TLS
	if t.CAFile != "" {
		v.authorities(key+".ca_file", t.CAFile)
	}
	v.pair(key, t.CertFile, t.KeyFile)
	if t.ServerName != "" {
		v.host(key+".server_name", t.ServerName)
	}
	if *t != (LinkTLS{}) && l.Transport != TLS && l.Transport != Auto {
		v.warn(key, "has no effect with transport %s; write transport: tls", l.Transport)
	}
}

// srtp warns where the keys of encrypted audio go over the wire in the clear.
func (v *validator) srtp(key string, l *Link) {
	if l.SRTP != SRTPOff && l.Transport != TLS && l.Transport != Auto {
		v.warn(key, "the keys stand in the signalling, and transport %s shows them to whoever listens; write transport: tls", l.Transport)
	}
}

// pair checks a certificate and its key: both, or neither.
func (v *validator) pair(key, cert, private string) {
	for _, f := range []struct{ key, path string }{{".cert_file", cert}, {".key_file", private}} {
		if f.path != "" {
			v.readable(key+f.key, f.path)
		}
	}
	switch {
	case cert != "" && private == "":
		v.bad(key+".key_file", "is missing; cert_file needs the private key that belongs to it")
	case private != "" && cert == "":
		v.bad(key+".cert_file", "is missing; key_file needs the certificate that belongs to it")
	}
}

// authorities checks that a file holds certificates.
func (v *validator) authorities(key, path string) {
	data, err := readFile(path, maxFile)
	switch {
	case err != nil:
		v.bad(key, "cannot be read: %v", err)
	case !x509.NewCertPool().AppendCertsFromPEM(data):
		v.bad(key, "%s holds no certificate; write a PEM file, which has lines of -----BEGIN CERTIFICATE-----", path)
	}
}

// readable checks that a file is there and may be read.
func (v *validator) readable(key, path string) {
	if _, err := readFile(path, maxFile); err != nil {
		v.bad(key, "cannot be read: %v", err)
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

// link checks what trunks and peers have in common; example is of a server.
func (v *validator) link(key, kind, example string, l *Link, names map[string]string) {
	v.unique(key+".name", kind, l.Name, names)
	if l.Server == "" {
		v.bad(key+".server", "is missing; write %s", example)
	} else {
		v.reaches(key, l)
	}
	v.tls(key+".tls", l)
	v.srtp(key+".srtp", l)
	v.clean(key+".domain", l.Domain)
	v.clean(key+".display_name", l.DisplayName)
	v.credentials(key, l.Register, l.Username, l.AuthUsername, l.Password)
	v.expires(key+".expires", l.Expires)
	v.health(key+".health_interval", l.HealthInterval)
	if k := l.KeepAlive; k != 0 && (k < time.Second || k > 10*time.Minute) {
		v.bad(key+".keep_alive", "%s; write 1s to 10m, such as 25s, or 0 for none", duration.Format(k))
	}
	v.calls(key+".calls", &l.Calls)
}

func (v *validator) calls(key string, c *Calls) {
	if c.AnswerTimeout < 500*time.Millisecond || c.AnswerTimeout > 32*time.Second {
		v.bad(key+".answer_timeout", "%s; write how long a server may take to its first response, 500ms to 32s, such as 5s", duration.Format(c.AnswerTimeout))
	}
	if c.SessionMin < 90*time.Second || c.SessionMin > 24*time.Hour {
		v.bad(key+".session_min", "%s; write 90s to 1d (RFC 4028, section 5)", duration.Format(c.SessionMin))
	}
	if e := c.SessionExpires; e != 0 && (e < c.SessionMin || e > 24*time.Hour) {
		v.bad(key+".session_expires", "%s; write session_min (%s) to 1d, such as 30m, or 0 for no session timer", duration.Format(e), duration.Format(c.SessionMin))
	}
	for i, h := range c.RedirectHosts {
		v.host(fmt.Sprintf("%s.redirect_hosts[%d]", key, i), h)
	}
	switch {
	case len(c.RedirectHosts) > 0 && c.Redirect != "follow":
		v.warn(key+".redirect_hosts", "has no effect while redirect is %s", c.Redirect)
	case c.Redirect == "follow":
		v.warn(key+".redirect", "follow lets the far side name who is called, within its own hosts and redirect_hosts; make sure that it is trusted with the bill")
	}
}

// host checks a host without port.
func (v *validator) host(key, s string) {
	if _, err := netip.ParseAddr(s); err != nil && !hostForm.MatchString(s) {
		v.bad(key, "%q is no host; write a name or an address, such as sip.example.com or 192.0.2.20", s)
	}
}

func (v *validator) trunk(key string, t *Trunk, names map[string]string) {
	v.link(key, "trunk", "the carrier's host, such as sip.example.com or 192.0.2.20:5060", &t.Link, names)
	if len(t.CallerIDs) == 0 {
		v.bad(key+".caller_ids", "there is none; write the numbers that the carrier gave you, such as [\"+12025550100\"]")
	}
	v.numbers(key+".caller_ids", t.CallerIDs)
	v.identity(key+".identity", t)
	if t.BulkContact && !t.Register {
		v.bad(key+".bulk_contact", "needs register: true; it is a way to register")
	}
	v.prefixes(key+".prefixes", t.Prefixes)
	if t.Priority < 1 || t.Priority > 100 {
		v.bad(key+".priority", "%d; write 1 to 100; trunks of the least priority go first", t.Priority)
	}
	if t.Weight < 1 || t.Weight > 1000 {
		v.bad(key+".weight", "%d; write 1 to 1000; of trunks of one priority a trunk of weight 2 gets twice the calls of one of weight 1", t.Weight)
	}
	if t.Channels < 1 || t.Channels > 10000 {
		v.bad(key+".channels", "%d; write how many calls at once the carrier sold you (1 to 10000)", t.Channels)
	}
	if !(t.CallsPerSecond > 0) || t.CallsPerSecond > 1000 {
		v.bad(key+".calls_per_second", "%v; write how many new calls a second the carrier accepts (above 0, up to 1000)", t.CallsPerSecond)
	}
}

// numbers checks a list of numbers in E.164.
func (v *validator) numbers(key string, list []string) {
	seen := make(map[string]int)
	for i, n := range list {
		at := fmt.Sprintf("%s[%d]", key, i)
		v.e164(at, n)
		if first, ok := seen[n]; ok {
			v.bad(at, "%s is caller_ids[%d] already; remove one", n, first)
		}
		seen[n] = i
	}
}

// prefixes checks a list of beginnings of numbers in E.164.
func (v *validator) prefixes(key string, list []string) {
	for i, p := range list {
		at := fmt.Sprintf("%s[%d]", key, i)
		switch {
		case !prefixForm.MatchString(p):
			v.bad(at, "%q is not the beginning of a number in E.164; write + and digits, such as +49 or +1202", p)
		case slices.Contains(list[:i], p):
			v.bad(at, "%q stands here twice; remove one", p)
		}
	}
}

func (v *validator) identity(key string, t *Trunk) {
	id := &t.Identity
	for word := range strings.SplitSeq(id.Privacy, ";") {
		switch word {
		case "id", "header", "session", "user", "critical":
		default:
			if id.Privacy != "" && id.Privacy != "none" {
				v.bad(key+".privacy", "%q is not known; write none, or some of id, header, session, user and critical joined by ; "+
					"(RFC 3323, RFC 3325), or leave it out", word)
			}
		}
	}
	if slices.Contains(strings.Split(id.Privacy, ";"), "id") {
		v.warn(key+".privacy", "hides the official number from the people who are called; write none to show it")
	}
	switch {
	case id.From == "account" && t.Username == "":
		v.bad(key+".from", "account, and the trunk has no username; write the account, or from: number")
	case id.From == "anonymous":
		v.warn(key+".from", "anonymous hides the official number from the people who are called; make sure that the law allows it")
	case id.From == "account" && !id.Assert && !id.Prefer:
		v.warn(key+".from", "account, and neither assert nor prefer: the number stands nowhere, and the carrier shows what it likes")
	}
	if id.Diversion != "" && !slices.Contains(t.CallerIDs, id.Diversion) {
		v.bad(key+".diversion", "%s is not one of the trunk's caller_ids; write one of them", id.Diversion)
	}
	if id.TelURI && id.Format == "plain" {
		v.bad(key+".tel_uri", "cannot go with format plain: a number without + means nothing in a tel: URI (RFC 3966); write e164 or national")
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
	v.link(key, "peer", "the PBX's host, such as pbx.example.com or 192.0.2.30:5060", &p.Link, names)
	if p.Name == OwnRegistrar {
		v.bad(key+".name", "%q is the word for Ringpace's own registrar; give the peer another name", p.Name)
	}
	if p.FromUser != "" && !userForm.MatchString(p.FromUser) {
		v.bad(key+".from_user", "%q cannot stand in a SIP address (RFC 3261, section 25.1)", p.FromUser)
	}
}

func (v *validator) expires(key string, d time.Duration) {
	if d < 10*time.Second || d > 24*time.Hour {
		v.bad(key, "%s; write 10s to 1d, such as 10m", duration.Format(d))
	}
}

func (v *validator) health(key string, d time.Duration) {
	if d != 0 && (d < time.Second || d > time.Hour) {
		v.bad(key, "%s; write 1s to 1h, such as 30s, or 0 for never", duration.Format(d))
	}
}
