package config

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringpace/configs/document"
	"ringpace/configs/duration"
)

// validator holds the values against one another and against the world, after
// all were decoded. It names what is wrong by key; the decoder knows the place.
type validator struct {
	*decoder
	unread   document.Problems // what the decoder could not read
	warnings document.Problems
}

// bad reports a value, unless it, or something in it, could not be read: one
// mistake is one fault.
func (v *validator) bad(key, format string, args ...any) {
	if !v.unreadable(key) {
		v.Fault(v.Nearest(key), key, format, args...)
	}
}

func (v *validator) unreadable(key string) bool {
	return slices.ContainsFunc(v.unread, func(p document.Problem) bool {
		rest, ok := strings.CutPrefix(p.Key, key)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

func (v *validator) warn(key, format string, args ...any) {
	v.warnings = append(v.warnings, v.Problem(v.Nearest(key), key, format, args...))
}

func (v *validator) all() {
	v.node()
	v.redis()
	v.http()
	v.sip()
	v.defence()
	v.trace()
	v.media()
	v.storage()
	names := make(map[string]string)
	for i := range v.config.Trunks {
		v.trunk(fmt.Sprintf("trunks[%d]", i), &v.config.Trunks[i], names)
	}
	for i := range v.config.Peers {
		v.peer(fmt.Sprintf("peers[%d]", i), &v.config.Peers[i], names)
	}
	if len(v.config.Trunks) == 0 {
		v.bad("trunks", "there is none; calls need at least one trunk: name, server, caller_ids")
	}
	v.agents()
	v.phones()
	v.campaigns()
}

// Names go into Redis keys, file paths and URLs.
var (
	nameForm   = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$`)
	e164Form   = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	prefixForm = regexp.MustCompile(`^\+[1-9][0-9]{0,14}$`)
	hostForm   = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$`)
	userForm   = regexp.MustCompile(`^[A-Za-z0-9_.!~*'()&=+$,;?/-]{1,128}$`) // RFC 3261, section 25.1: user, without escapes
	digits     = regexp.MustCompile(`^[0-9]{1,4}$`)
)

// unique checks a name's form and that no other of its kind has it.
func (v *validator) unique(key, kind, name string, taken map[string]string) {
	switch {
	case name == "":
		v.bad(key, "is missing; give the %s a name of its own", kind)
	case !nameForm.MatchString(name):
		v.bad(key, "%q is no name: letters, digits, dot, dash and underscore, at most 64, the first a letter or digit", name)
	default:
		if other, ok := taken[name]; ok {
			v.bad(key, "%q is the name of %s already; every one needs its own", name, other)
			return
		}
		taken[name] = strings.TrimSuffix(strings.TrimSuffix(key, ".name"), ".id")
	}
}

// clean refuses what could break out of a SIP header.
func (v *validator) clean(key, s string) {
	if i := strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 {
		v.bad(key, "holds a control character; write it without")
	}
}

func (v *validator) node() {
	v.unique("node.id", "node", v.config.Node.ID, make(map[string]string))
	if v.config.Node.DataDir == "" {
		v.bad("node.data_dir", "is empty; write a directory that survives a restart")
	}
	if d := v.config.Node.Drain; d > 24*time.Hour {
		v.bad("node.drain", "%s; write how long calls may go on after the daemon was told to stop, up to 1d, such as 5m", duration.Format(d))
	}
}

func (v *validator) redis() {
	r := &v.config.Redis
	ways := 0
	for _, on := range []bool{r.URL != "", len(r.Sentinel.Addrs) > 0, len(r.Cluster) > 0} {
		if on {
			ways++
		}
	}
	if ways != 1 {
		v.bad("redis", "give exactly one of url, sentinel and cluster")
	}
	if r.URL != "" {
		u, err := url.Parse(r.URL)
		if err != nil || (u.Scheme != "redis" && u.Scheme != "rediss" && u.Scheme != "unix") {
			v.bad("redis.url", "is no address of a Redis; write redis://127.0.0.1:6379/0 (rediss:// with TLS, unix:///path)")
		} else if _, set := u.User.Password(); set {
			v.warn("redis.url", "holds a password, which logs may show; write it under redis.password")
		}
	}
	for i, a := range r.Sentinel.Addrs {
		v.hostPort(fmt.Sprintf("redis.sentinel.addrs[%d]", i), a, true)
	}
	for i, a := range r.Cluster {
		v.hostPort(fmt.Sprintf("redis.cluster[%d]", i), a, true)
	}
	if len(r.Sentinel.Addrs) > 0 && r.Sentinel.Master == "" {
		v.bad("redis.sentinel.master", "is missing; write the name that the sentinels know the master by, often mymaster")
	}
}

func (v *validator) http() {
	h := &v.config.HTTP
	host, port, err := net.SplitHostPort(h.Listen)
	n, errPort := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil || errPort != nil || n > math.MaxUint16:
		v.bad("http.listen", "%q is not host:port; write for example 127.0.0.1:8080", h.Listen)
	case !loopback(host) && len(h.Tokens) == 0:
		v.bad("http.listen", "%s can be reached from other machines, and there are no http.tokens, so anyone could "+
			"dial; add tokens, or listen on 127.0.0.1:%s", h.Listen, port)
	case len(h.Tokens) == 0:
		v.warn("http.tokens", "there are none: every user of this machine may do everything; add a token with role admin")
	}
	names, values := make(map[string]string), make(map[string]string)
	for i, t := range h.Tokens {
		key := fmt.Sprintf("http.tokens[%d]", i)
		v.unique(key+".name", "token", t.Name, names)
		if t.Role == "" {
			v.bad(key+".role", "is missing; write admin, supervisor or agent")
		}
		secret := t.Token.Reveal()
		switch {
		case secret == "":
			v.bad(key+".token", "is missing; make one with: openssl rand -hex 24")
		case values[secret] != "":
			v.bad(key+".token", "is the same as that of %s; every token needs its own", values[secret])
		case len(secret) < 16:
			v.warn(key+".token", "is short and can be guessed; make one with: openssl rand -hex 24")
		}
		values[secret] = key
		switch {
		case t.Role == RoleAgent && t.Agent == "":
			v.bad(key+".agent", "is missing; a token of role agent acts for one agent: write the agent's id")
		case t.Agent != "" && t.Role != RoleAgent:
			v.bad(key+".agent", "only a token of role agent acts for an agent; remove this key, or write role: agent")
		case t.Agent != "" && v.config.Agent(t.Agent) == nil:
			v.bad(key+".agent", "no agent %q%s", t.Agent, document.Suggest(t.Agent, v.config.agentIDs()))
		}
	}
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && a.IsLoopback())
}

func (v *validator) sip() {
	s := &v.config.SIP
	if len(s.Listen) == 0 {
		v.bad("sip.listen", "there is none; write this machine's address, such as [\"udp://192.0.2.10:5060\"]")
	}
	taken := make(map[Listen]int)
	for i, l := range s.Listen {
		if !l.Addr.IsValid() {
			continue // it could not be read, and was reported
		}
		key := fmt.Sprintf("sip.listen[%d]", i)
		if first, ok := taken[l]; ok && l.Addr.Port() != 0 {
			v.bad(key, "%s is sip.listen[%d] already; remove one", l, first)
		}
		taken[l] = i
		if (l.Transport == TLS || l.Transport == WSS) && s.TLS == (ListenTLS{}) {
			v.bad(key, "%s needs a certificate; write sip.tls.cert_file and sip.tls.key_file", l)
		}
		if l.Transport != UDP && l.Addr.Port() != 0 && l.Addr.String() == v.config.HTTP.Listen {
			v.bad(key, "%s is http.listen already; give one another port", l.Addr)
		}
	}
	v.pair("sip.tls", s.TLS.CertFile, s.TLS.KeyFile)
	v.clean("sip.user_agent", s.UserAgent)
	v.registrar()
}

// hostPort checks "host" or "host:port", IPv6 in brackets.
func (v *validator) hostPort(key, s string, portRequired bool) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = strings.Trim(s, "[]"), ""
	}
	if n, err := strconv.ParseUint(port, 10, 16); (port != "" || portRequired) && (err != nil || n == 0) {
		v.bad(key, "%q has no valid port; write host:port", s)
		return
	}
	if _, err := netip.ParseAddr(host); err != nil && !hostForm.MatchString(host) {
		v.bad(key, "%q is no host; write a name or an address, such as sip.example.com or 192.0.2.20:5060", s)
	}
}

// hostOf returns the host of "host" or "host:port".
func hostOf(s string) string {
	if host, _, err := net.SplitHostPort(s); err == nil {
		return host
	}
	return s
}
