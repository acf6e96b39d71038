package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"ringpace/configs/duration"
)

// Registrar lets softphones register at this daemon.
type Registrar struct {
	Enabled       bool          `yaml:"enabled"`
	Realm         string        `yaml:"realm"`
	Algorithms    []string      `yaml:"algorithms" enum:"SHA-256,MD5"`
	MinExpires    time.Duration `yaml:"min_expires"`
	MaxExpires    time.Duration `yaml:"max_expires"`
	MaxContacts   int           `yaml:"max_contacts"`   // of one agent
	AgentFailures int           `yaml:"agent_failures"` // wrong passwords for one agent, from all addresses together
	FailureWindow time.Duration `yaml:"failure_window"`
	Qualify       time.Duration `yaml:"qualify"` // between OPTIONS to a contact; 0 is never
	SRTP          string        `yaml:"srtp" enum:"off,optional,required" reload:"live"`
	Origins       []string      `yaml:"origins"` // of the pages whose browsers may connect by WebSocket
}

// OwnRegistrar is the word for peer of agents whose telephones register here.
const OwnRegistrar = "registrar"

// DefaultRegistrar returns a registrar of which nothing is set.
func DefaultRegistrar() Registrar {
	return Registrar{
		Realm: "ringpace", Algorithms: []string{"MD5"}, MinExpires: time.Minute, MaxExpires: time.Hour, MaxContacts: 5,
		AgentFailures: 20, FailureWindow: 5 * time.Minute, Qualify: 30 * time.Second, SRTP: SRTPOff,
	}
}

// Registers reports whether an agent's telephone registers here.
func (a *Agent) Registers() bool { return a.Peer == OwnRegistrar }

func (v *validator) registrar() {
	r := &v.config.SIP.Registrar
	const key = "sip.registrar"
	if r.Realm == "" || strings.ContainsAny(r.Realm, `"\`) {
		v.bad(key+".realm", "%q; write a word without quotes and backslashes, such as ringpace", r.Realm)
	}
	v.clean(key+".realm", r.Realm)
	if len(r.Algorithms) == 0 || len(r.Algorithms) > 2 {
		v.bad(key+".algorithms", "write [MD5], or [SHA-256, MD5] where all telephones know both, or [SHA-256]")
	}
	if r.MinExpires < 10*time.Second || r.MinExpires > time.Hour {
		v.bad(key+".min_expires", "%s; write 10s to 1h, such as 1m", duration.Format(r.MinExpires))
	}
	if r.MaxExpires < r.MinExpires || r.MaxExpires > 24*time.Hour {
		v.bad(key+".max_expires", "%s; write min_expires to 1d, such as 1h", duration.Format(r.MaxExpires))
	}
	if r.MaxContacts < 1 || r.MaxContacts > 50 {
		v.bad(key+".max_contacts", "%d; write how many telephones one agent may have (1 to 50)", r.MaxContacts)
	}
	if r.AgentFailures < 3 || r.AgentFailures > 1000 {
		v.bad(key+".agent_failures", "%d; write how many wrong passwords for one agent are too many (3 to 1000)", r.AgentFailures)
	}
	if r.FailureWindow < time.Minute || r.FailureWindow > 24*time.Hour {
		v.bad(key+".failure_window", "%s; write 1m to 1d, such as 5m", duration.Format(r.FailureWindow))
	}
	if r.Qualify != 0 && (r.Qualify < 5*time.Second || r.Qualify > time.Hour) {
		v.bad(key+".qualify", "%s; write 5s to 1h, such as 30s, or 0 for never", duration.Format(r.Qualify))
	}
	for i, o := range r.Origins {
		u, err := url.Parse(o)
		if o != "*" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Path != "" || u.RawQuery != "") {
			v.bad(fmt.Sprintf("%s.origins[%d]", key, i), "%q is no origin of a web page; write for example https://desk.example.com, or * for any page", o)
		}
	}
}

// registers checks an agent whose telephone registers here.
func (v *validator) registers(key string, a *Agent) {
	switch {
	case !a.Registers():
		if a.Password.Set() {
			v.bad(key+".password", "is for agents of peer: registrar; the telephone of this one registers at peer %s, not here", a.Peer)
		}
		return
	case !v.config.SIP.Registrar.Enabled:
		v.bad(key+".peer", "registrar, and sip.registrar.enabled is not true; set it, or name the PBX")
	case !a.Password.Set():
		v.bad(key+".password", "is missing; the telephone registers with it")
	case len(a.Password.Reveal()) < 8:
		v.warn(key+".password", "is shorter than 8 characters: the Internet guesses such passwords")
	case a.Password.Reveal() == placeholder:
		v.warn(key+".password", "is still the example's; write one that nobody can guess")
	}
	v.clean(key+".password", a.Password.Reveal())
}
