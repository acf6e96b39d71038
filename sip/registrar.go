package sip

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// RegistrarConfig configures a registrar.
type RegistrarConfig struct {
	Realm       string // default "ringpace"
	Credentials func(user string) (password string, ok bool)
	MinExpires  time.Duration // shorter wishes get 423; default 60 s
	MaxExpires  time.Duration // longer wishes are cut; default 1 h
	MaxContacts int           // of one user; default 10

	// Changed, if set, is told after every change which user's contacts changed. It
	// must not block.
	Changed func(user string)
}

// Contact is where a user can be reached.
type Contact struct {
	URI       string         // as registered
	Source    netip.AddrPort // where the REGISTER came from: the way through a NAT
	Transport string         // "udp" or "tcp"
	UserAgent string
	Expires   time.Time
}

// Registrar keeps the contacts of users who register with digest credentials
// (RFC 3261 section 10.3). It may serve several endpoints.
type Registrar struct {
	cfg       RegistrarConfig
	authority *authority

	mu    sync.Mutex // protects users
	users map[string][]binding
}

type binding struct {
	Contact
	callID string
	seq    uint32
}

// NewRegistrar returns a registrar without contacts.
func NewRegistrar(cfg RegistrarConfig) (*Registrar, error) {
	if cfg.Credentials == nil {
		return nil, fmt.Errorf("%w: a registrar needs credentials to check", ErrConfig)
	}
	if cfg.Realm == "" {
		cfg.Realm = "ringpace"
	}
	if cfg.MinExpires == 0 {
		cfg.MinExpires = time.Minute
	}
	if cfg.MaxExpires == 0 {
		cfg.MaxExpires = time.Hour
	}
	if cfg.MinExpires < 0 || cfg.MaxExpires < cfg.MinExpires {
		return nil, fmt.Errorf("%w: registrar: expiry of %s to %s", ErrConfig, cfg.MinExpires, cfg.MaxExpires)
	}
	if cfg.MaxContacts <= 0 {
		cfg.MaxContacts = 10
	}
	return &Registrar{cfg: cfg, authority: newAuthority(cfg.Realm), users: map[string][]binding{}}, nil
}

// Contacts returns the contacts of a user that have not expired, the latest first.
func (r *Registrar) Contacts(user string) []Contact {
	r.mu.Lock()
	defer r.mu.Unlock()
	bindings := r.live(user, time.Now())
	out := make([]Contact, 0, len(bindings))
	for _, b := range slices.Backward(bindings) {
		out = append(out, b.Contact)
	}
	return out
}

// live drops what has expired. r.mu is held.
func (r *Registrar) live(user string, now time.Time) []binding {
	b := slices.DeleteFunc(r.users[user], func(b binding) bool { return !now.Before(b.Expires) })
	if len(b) == 0 {
		delete(r.users, user)
		return nil
	}
	r.users[user] = b
	return b
}

// handle answers a REGISTER.
func (r *Registrar) handle(e *Endpoint, req *sipgo.Request) *sipgo.Response {
	user, stale, err := r.authority.check(req, r.cfg.Credentials)
	e.judged(req, err)
	if err != nil {
		res := e.response(req, 401, "Unauthorized", nil)
		for _, h := range r.authority.challenges(sourceHost(req), stale) {
			res.AppendHeader(h)
		}
		e.count.challenged.Add(1)
		return res
	}
	if aor := req.To().Address.User; aor != user {
		e.log.Warn("sip: registration for somebody else refused", "user", user, "for", clip(aor, maxUser))
		return e.response(req, 403, "Forbidden", nil)
	}
	source, err := parseSource(req.Source())
	if err != nil {
		return e.response(req, 400, "Bad Request", nil)
	}
	return r.register(e, req, user, source)
}

// wish is one Contact of a REGISTER.
type wish struct {
	uri     string
	expires time.Duration
}

func (r *Registrar) register(e *Endpoint, req *sipgo.Request, user string, source netip.AddrPort) *sipgo.Response {
	standard := r.cfg.MaxExpires
	if d, ok := parseExpires(value(req, "Expires")); ok {
		standard = d
	}
	wishes, all, bad := r.wishes(req, standard)
	if bad != "" {
		return e.response(req, 400, bad, nil)
	}
	for _, w := range wishes {
		if w.expires > 0 && w.expires < r.cfg.MinExpires {
			res := e.response(req, 423, "Interval Too Brief", nil) // RFC 3261 section 10.3
			res.AppendHeader(sipgo.NewHeader("Min-Expires", seconds(r.cfg.MinExpires)))
			return res
		}
	}
	now := time.Now()
	r.mu.Lock()
	bindings := r.live(user, now)
	callID, seq := req.CallID().Value(), req.CSeq().SeqNo
	// RFC 3261 section 10.3: a REGISTER that arrives after a later one changes nothing.
	outdated := slices.ContainsFunc(bindings, func(b binding) bool { return b.callID == callID && b.seq >= seq })
	changed := false
	switch {
	case outdated:
	case all:
		delete(r.users, user)
		changed = len(bindings) > 0
	default:
		for _, w := range wishes {
			bindings = slices.DeleteFunc(bindings, func(b binding) bool { return b.URI == w.uri })
			changed = true
			if w.expires == 0 {
				continue
			}
			if len(bindings) >= r.cfg.MaxContacts {
				bindings = bindings[1:] // the oldest goes
			}
			bindings = append(bindings, binding{
				Contact: Contact{
					URI: w.uri, Source: source, Transport: sipgo.NetworkToLower(req.Transport()),
					UserAgent: clip(value(req, "User-Agent"), 128), Expires: now.Add(min(w.expires, r.cfg.MaxExpires)),
				},
				callID: callID, seq: seq,
			})
		}
		if len(bindings) > 0 {
			r.users[user] = bindings
		} else {
			delete(r.users, user)
		}
	}
	current := slices.Clone(r.users[user])
	r.mu.Unlock()

	if outdated {
		return e.response(req, 500, "Out of Order", nil)
	}
	res := e.response(req, 200, "OK", nil)
	for _, b := range current {
		left := max(time.Second, b.Expires.Sub(now).Round(time.Second))
		res.AppendHeader(sipgo.NewHeader("Contact", "<"+b.URI+">;expires="+seconds(left)))
	}
	if changed && r.cfg.Changed != nil {
		r.cfg.Changed(user)
	}
	return res
}

// wishes reads the Contacts of a REGISTER. all: "Contact: *", everything is to be
// removed. bad names what is wrong.
func (r *Registrar) wishes(req *sipgo.Request, standard time.Duration) (wishes []wish, all bool, bad string) {
	for _, h := range req.GetHeaders("Contact") {
		c, ok := h.(*sipgo.ContactHeader)
		if !ok {
			return nil, false, "Bad Contact"
		}
		if c.Address.Wildcard {
			all = true
			continue
		}
		uri := c.Address.String()
		if c.Address.Host == "" || len(uri) > 512 || strings.ContainsAny(uri, "<>\"\r\n ") {
			return nil, false, "Bad Contact"
		}
		w := wish{uri: uri, expires: standard}
		if v, ok := trimParams(c.Params).Get("expires"); ok {
			d, ok := parseExpires(v)
			if !ok {
				d = standard
			}
			w.expires = d
		}
		wishes = append(wishes, w)
	}
	if all && (len(wishes) > 0 || standard != 0) {
		return nil, false, "Bad Contact" // RFC 3261 section 10.2.2
	}
	return wishes, all, ""
}

// parseExpires reads delta-seconds. ok is false when there are none.
func parseExpires(s string) (time.Duration, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32)
	if err != nil {
		return 0, false
	}
	return time.Duration(n) * time.Second, true
}

// seconds writes a duration as delta-seconds, rounded up.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
