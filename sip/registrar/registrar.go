// Package registrar keeps where users can be reached (RFC 3261 section 10.3): it
// answers REGISTER of users who prove who they are, keeps their contacts until
// they expire, and over a restart with the help of a [Keeper].
//
// A call to a contact goes where its REGISTER came from, never to an address
// that only its text names: that is the way through a NAT, and nobody can
// register a victim's address.
//
// A [Registrar] may be used from any goroutine. Its table has one lock that is
// never held while anything waits; [Registrar.Run] is the one goroutine that
// speaks with the Keeper.
package registrar

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/digest"
	"ringpace/sip/header"
)

// ErrConfig is wrapped by errors about a configuration.
var ErrConfig = errors.New("registrar: bad configuration")

// Config configures a registrar.
type Config struct {
	Realm       string   // default "ringpace"
	Algorithms  []string // of digest.New; none: all
	Credentials func(user string) (password string, ok bool)
	MinExpires  time.Duration // shorter wishes get 423; default 60 s
	MaxExpires  time.Duration // longer wishes are cut; default 1 h
	MaxContacts int           // of one user; default 10. The one refreshed longest ago goes.
	Failures    Failures

	Keeper Keeper // keeps contacts over a restart; nil: nobody does
	Logger *slog.Logger

	// Changed, if set, is told after every change which user's contacts changed: a
	// new one, one removed, one expired; not a mere refresh. It must not block.
	Changed func(user string)
}

// Registrar keeps the contacts of users. It may serve several endpoints.
type Registrar struct {
	cfg       Config
	log       *slog.Logger
	authority *digest.Authority
	tries     tries
	wake      chan struct{} // of Run: dirty is not empty

	mu     sync.Mutex // protects the fields below
	users  map[string]*record
	flows  map[flow]map[string]struct{} // who registered from where
	due    expiries
	timer  *time.Timer // to the first of due
	dirty  map[string]struct{}
	closed bool
}

// record is what is known of one user.
type record struct {
	contacts []Contact // the one refreshed longest ago first
	due      time.Time // of its entry in Registrar.due; zero: it has none
}

// New returns a registrar without contacts.
func New(cfg Config) (*Registrar, error) {
	if cfg.Credentials == nil {
		return nil, fmt.Errorf("%w: no credentials to check", ErrConfig)
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
		return nil, fmt.Errorf("%w: expiry of %s to %s", ErrConfig, cfg.MinExpires, cfg.MaxExpires)
	}
	if cfg.MaxContacts <= 0 {
		cfg.MaxContacts = 10
	}
	r := &Registrar{
		cfg: cfg, log: cfg.Logger, authority: digest.New(cfg.Realm, cfg.Algorithms...), tries: tries{limits: cfg.Failures.orDefault()},
		wake: make(chan struct{}, 1), users: map[string]*record{}, flows: map[flow]map[string]struct{}{}, dirty: map[string]struct{}{},
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.timer = time.AfterFunc(time.Hour, r.expire)
	r.timer.Stop()
	return r, nil
}

// Authority is what checks the users' credentials.
func (r *Registrar) Authority() *digest.Authority { return r.authority }

// Close stops the clock of the registrations. Nothing changes them any more.
func (r *Registrar) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.timer.Stop()
}

// Contacts returns the contacts of a user that have not expired: the highest q
// first, of one q the latest.
func (r *Registrar) Contacts(user string) []Contact {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := r.users[user]
	if rec == nil {
		return nil
	}
	return ordered(rec.contacts, now)
}

// ordered returns the contacts that have not expired in the order of calling them.
func ordered(contacts []Contact, now time.Time) []Contact {
	out := make([]Contact, 0, len(contacts))
	for _, c := range slices.Backward(contacts) {
		if now.Before(c.Expires) {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b Contact) int { return b.Q - a.Q })
	return out
}

// Entries returns everybody who is registered, by name.
func (r *Registrar) Entries() []Entry {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Entry
	for _, user := range slices.Sorted(maps.Keys(r.users)) {
		if contacts := ordered(r.users[user].contacts, now); len(contacts) > 0 {
			out = append(out, Entry{user, contacts})
		}
	}
	return out
}

// Retain forgets the contacts of every user that keep says no to, as when a new
// configuration has no such user.
func (r *Registrar) Retain(keep func(user string) bool) {
	r.mu.Lock()
	var gone []string
	for user := range r.users {
		if !keep(user) {
			gone = append(gone, user)
		}
	}
	for _, user := range gone {
		r.set(user, nil)
	}
	r.mu.Unlock()
	r.tell(gone...)
}

func (r *Registrar) tell(users ...string) {
	if r.cfg.Changed == nil {
		return
	}
	for _, user := range users {
		r.cfg.Changed(user)
	}
}

// Answer is what a REGISTER is answered with.
type Answer struct {
	Status  int
	Phrase  string
	Headers []sipgo.Header

	User       string    // who proved to be who he is, or ""
	Until      time.Time // when the last of the contacts expires that the request has registered; zero: it has none
	Suspicious bool      // a wrong password, another's name, a contact that would loop
	Hunted     bool      // a wrong password for a user for whom too many came already, from wherever
}

func (a Answer) with(name, value string) Answer {
	a.Headers = append(a.Headers, sipgo.NewHeader(name, value))
	return a
}

// Handle answers a REGISTER. local is the listener that it came in at, and own
// tells our own addresses, which nobody may register.
func (r *Registrar) Handle(req *sipgo.Request, local netip.AddrPort, own func(netip.AddrPort) bool) Answer {
	source, err := netip.ParseAddrPort(req.Source())
	to := req.To()
	if err != nil || to == nil || req.CallID() == nil || req.CSeq() == nil {
		return Answer{Status: 400, Phrase: "Bad Request"}
	}
	source = netip.AddrPortFrom(source.Addr().Unmap(), source.Port())
	if unknown := unknownExtensions(req); unknown != "" {
		return Answer{Status: 420, Phrase: "Bad Extension"}.with("Unsupported", unknown)
	}
	aor, err := url.PathUnescape(to.Address.User)
	if err != nil || to.Address.Scheme != "sip" && to.Address.Scheme != "sips" {
		return Answer{Status: 400, Phrase: "Bad To"}
	}
	user, refusal := r.authenticate(req, source)
	if refusal != nil {
		return *refusal
	}
	if aor != user {
		return Answer{Status: 403, Phrase: "Forbidden", User: user, Suspicious: true}
	}
	path, err := parsePath(texts(req, "Path"))
	if err != nil {
		return Answer{Status: 400, Phrase: "Bad Path", User: user}
	}
	wishes, all, err := r.parseWishes(req)
	if err != nil {
		return Answer{Status: 400, Phrase: "Bad Contact", User: user}
	}
	now := time.Now()
	for i := range wishes {
		w := &wishes[i]
		if w.left > 0 && w.left < r.cfg.MinExpires {
			return Answer{Status: 423, Phrase: "Interval Too Brief", User: user}.with("Min-Expires", header.Seconds(r.cfg.MinExpires)) // RFC 3261 section 10.3
		}
		if w.left > 0 && own(w.hostPort) {
			return Answer{Status: 403, Phrase: "Contact Is This Server", User: user, Suspicious: true}
		}
		w.Source, w.Local, w.Path = source, local, path
		w.Transport = sipgo.NetworkToLower(req.Transport())
		w.UserAgent = clip(text(req, "User-Agent"), 128)
		w.CallID, w.Seq = req.CallID().Value(), req.CSeq().SeqNo
		w.Expires = now.Add(min(w.left, r.cfg.MaxExpires))
		w.Addr = w.reach(req.Via() != nil && req.Via().Params.Has("rport"))
	}
	return r.register(req, user, wishes, all, now)
}

// register changes the contacts of a user and lists them all.
func (r *Registrar) register(req *sipgo.Request, user string, wishes []wish, all bool, now time.Time) Answer {
	callID, seq := req.CallID().Value(), req.CSeq().SeqNo
	r.mu.Lock()
	var before []Contact
	if rec := r.users[user]; rec != nil {
		before = rec.contacts
	}
	contacts := slices.DeleteFunc(slices.Clone(before), func(c Contact) bool { return !now.Before(c.Expires) })
	// RFC 3261 section 10.3: a REGISTER that arrives after a later one changes nothing.
	if slices.ContainsFunc(contacts, func(c Contact) bool { return c.CallID == callID && c.Seq >= seq }) {
		r.mu.Unlock()
		return Answer{Status: 500, Phrase: "Out of Order", User: user}
	}
	if all {
		contacts = nil
	}
	for _, w := range wishes {
		contacts = slices.DeleteFunc(contacts, w.replaces)
		if w.left > 0 {
			contacts = append(contacts, w.Contact)
		}
	}
	contacts = contacts[max(0, len(contacts)-r.cfg.MaxContacts):]
	changed := len(before) != len(contacts)
	for _, c := range contacts {
		changed = changed || !slices.ContainsFunc(before, c.same)
	}
	if all || len(wishes) > 0 || changed {
		r.set(user, contacts)
	}
	current := ordered(contacts, now)
	r.mu.Unlock()

	if changed {
		r.tell(user)
	}
	a := Answer{Status: 200, Phrase: "OK", User: user}
	for _, w := range wishes {
		if w.left > 0 && w.Expires.After(a.Until) {
			a.Until = w.Expires
		}
	}
	for _, c := range current {
		a = a.with("Contact", c.field(now))
	}
	supported := extensions(req, "Supported", "k")
	if len(wishes) > 0 && slices.Contains(supported, "path") {
		for _, p := range wishes[0].Path {
			a = a.with("Path", "<"+p+">") // RFC 3327 section 5.3
		}
	}
	// RFC 5626 section 6: we are the first hop, and the connection itself is the flow.
	if len(wishes) == 1 && wishes[0].RegID > 0 && wishes[0].left > 0 && wishes[0].flow().keeps() && slices.Contains(supported, "outbound") {
		a = a.with("Require", "outbound")
	}
	return a
}

// set replaces the contacts of a user. r.mu is held.
func (r *Registrar) set(user string, contacts []Contact) {
	if r.closed {
		return
	}
	rec := r.users[user]
	if rec == nil {
		rec = &record{}
		r.users[user] = rec
	}
	r.unlink(user, rec.contacts)
	rec.contacts = contacts
	r.link(user, contacts)
	if len(contacts) == 0 {
		delete(r.users, user)
	} else {
		r.schedule(user, rec)
	}
	r.markDirty(user)
}

// authenticate returns who a REGISTER is from, or what it is answered with.
func (r *Registrar) authenticate(req *sipgo.Request, source netip.AddrPort) (user string, refusal *Answer) {
	host := source.Addr().String()
	user, err := r.authority.Check(digest.Request{
		Method: string(req.Method), URI: req.Recipient.String(), Body: req.Body(), Source: host, Authorization: texts(req, "Authorization"),
	}, r.cfg.Credentials)
	if err == nil {
		return user, nil
	}
	a := Answer{Status: 401, Phrase: "Unauthorized"}
	if errors.Is(err, digest.ErrWrong) {
		a.Suspicious, a.Hunted = true, r.Guessed(user)
	}
	for _, c := range r.authority.Challenges(host, errors.Is(err, digest.ErrStale)) {
		a = a.with("WWW-Authenticate", c)
	}
	return "", &a
}

// Guessed counts a wrong password for a user, as Handle does, and reports whether too
// many came already, from wherever.
func (r *Registrar) Guessed(user string) (hunted bool) {
	_, known := r.cfg.Credentials(user)
	hunted, first := r.tries.failed(user, known, time.Now())
	if first && known {
		r.log.Warn("sip: somebody guesses at a telephone's password", "user", user, "wrong", r.tries.limits.PerUser+1, "within", r.tries.limits.Window)
	}
	return hunted
}
