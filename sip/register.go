package sip

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
)

// How long to wait before registering again after a failure: doubling, with
// jitter of a half, so that a thousand clients of a server that comes back do not
// return in the same second (RFC 5626 section 4.5). A server that refuses
// the credentials is asked rarely: many of them ban an address that guesses.
const (
	retryFirst   = 2 * time.Second
	retryMost    = 5 * time.Minute
	refusedFirst = time.Minute
	refusedMost  = 30 * time.Minute
)

// How long a registered trunk waits after its connection was lost: with jitter, for not
// all clients of a server that restarts come back in one instant, and longer each time
// that the connection did not last as long as reconnectMost.
const (
	reconnectFirst = time.Second
	reconnectMost  = time.Minute
)

// deregisterTimeout bounds the farewell at shutdown.
const deregisterTimeout = 3 * time.Second

// registration is the state of a trunk's registration. Trunk.mu protects it.
type registration struct {
	state   TrunkState // registering, registered, refused or unreachable
	reason  string
	expires time.Time // of the binding at the server
	nextTry time.Time
	path    []string // RFC 3327: the proxies between us and the registrar
}

// registrant keeps a trunk registered. It belongs to the goroutine of Run.
type registrant struct {
	t      *Trunk
	callID string // the same for all REGISTERs (RFC 3261 section 10.2)
	tag    string
	seq    uint32
	wish   time.Duration // what we ask for: configured, or raised by 423
	fails  int
	bound  time.Time // when we were registered last
	losses int       // connections lost in a row, each soon after that
	sent   sipgo.Uri // the Contact of the latest REGISTER
	moved  bool      // the server sees us elsewhere than that
	old    sipgo.Uri // one that the server may still have and that leads nowhere
}

// Run registers the trunk and keeps it registered, pings it and keeps the way to it
// open, until ctx is done; then it de-registers and returns nil. It may be
// called once.
func (t *Trunk) Run(ctx context.Context) error {
	t.mu.Lock()
	started := t.running || t.stopped
	t.running = true
	t.mu.Unlock()
	if started {
		return fmt.Errorf("%w: trunk %q runs already", ErrConfig, t.cfg.Name)
	}
	t.update(func() {
		if t.cfg.Register {
			t.reg.state, t.reg.reason = StateRegistering, "registering as "+t.cfg.Username+" at "+t.cfg.Server
		}
	})
	var beside sync.WaitGroup
	beside.Go(func() { t.watchServers(ctx) })
	if t.cfg.HealthInterval > 0 {
		beside.Go(func() { t.ping(ctx) })
	}
	if t.cfg.KeepAlive > 0 {
		beside.Go(func() { t.keepAlive(ctx) })
	}
	if t.cfg.Register {
		t.keepRegistered(ctx)
	} else {
		<-ctx.Done()
	}
	beside.Wait()
	t.update(func() { t.running, t.stopped = false, true })
	return nil
}

func (t *Trunk) keepRegistered(ctx context.Context) {
	r := &registrant{t: t, callID: random(16) + "@" + t.cfg.Domain, tag: random(8), seq: randomSeq(), wish: t.cfg.Expires}
	for {
		wait := r.attempt(ctx)
		if ctx.Err() != nil {
			break
		}
		t.update(func() { t.reg.nextTry = time.Now().Add(wait) })
		if !r.wait(ctx, wait) {
			break
		}
	}
	t.mu.Lock()
	bound := time.Now().Before(t.reg.expires)
	t.mu.Unlock()
	if bound {
		farewell, cancel := context.WithTimeout(context.WithoutCancel(ctx), deregisterTimeout)
		defer cancel()
		if _, err := r.register(farewell, 0); err != nil {
			t.e.log.Warn("sip: not de-registered", "trunk", t.cfg.Name, "error", err)
		}
	}
	t.update(func() { t.reg.expires, t.reg.nextTry = time.Time{}, time.Time{} })
}

// wait waits for the next try. It reports false when ctx is done. A registered
// trunk whose connection is lost tries at once: its calls in come over that one.
func (r *registrant) wait(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.connection():
		// A server that closes every connection is not asked again and again.
		if time.Since(r.bound) > reconnectMost {
			r.losses = 0
		}
		r.losses++
		timer.Reset(min(wait, backOff(reconnectFirst, reconnectMost, r.losses)))
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// attempt registers once and returns when to do so again.
func (r *registrant) attempt(ctx context.Context) time.Duration {
	t := r.t
	begun := time.Now()
	res, err := r.register(ctx, r.wish)
	if err == nil && res.StatusCode == 423 {
		// RFC 3261 section 10.2.8: ask for as long as the server wants, at once.
		least, ok := header.ParseSeconds(value(res, "Min-Expires"))
		if ok && least > r.wish && least <= maxExpires {
			r.wish = least
			res, err = r.register(ctx, r.wish)
		}
	}
	if ctx.Err() != nil {
		return 0
	}
	if err == nil && res.IsSuccess() && r.moved {
		// The server sees us elsewhere than our Contact says: tell it that, and to
		// forget the other one (RFC 3581; RFC 3261 section 10.3, step 7).
		if res, err = r.register(ctx, r.wish); ctx.Err() != nil {
			return 0
		}
	}
	if err == nil && res.IsSuccess() {
		granted, none := r.granted(res)
		if none != "" {
			r.fails++
			t.update(func() {
				t.reg.state, t.reg.expires, t.home = StateRefused, time.Time{}, hop{}
				t.reg.reason = fmt.Sprintf("%s answers REGISTER with %d but %s; check the account of %s, and whether anything on the way rewrites Contact",
					t.cfg.Server, res.StatusCode, none, t.cfg.Username)
			})
			return backOff(retryFirst, retryMost, r.fails)
		}
		r.fails, r.bound = 0, time.Now()
		t.update(func() {
			t.reg.state, t.reg.expires = StateRegistered, begun.Add(granted)
			t.reg.reason = fmt.Sprintf("registered as %s at %s for %s", t.cfg.Username, t.cfg.Server, granted)
			t.reg.path = values(res, "Path", "")
			t.routes = serviceRoutes(res)
		})
		return refreshAfter(granted)
	}
	r.fails++
	state, reason, wait := r.failure(res, err)
	t.update(func() { t.reg.state, t.reg.reason, t.home = state, reason, hop{} })
	return wait
}

// refreshAfter is when to refresh a registration: before it expires, with time
// for several tries.
func refreshAfter(granted time.Duration) time.Duration {
	if granted > 2*time.Minute {
		return granted - max(granted/10, 30*time.Second)
	}
	return granted / 2
}

// failure judges a failed attempt: state, words, and when to try again.
func (r *registrant) failure(res *sipgo.Response, err error) (TrunkState, string, time.Duration) {
	cfg := &r.t.cfg
	at := cfg.Server
	if cfg.OutboundProxy != "" {
		at += " through " + cfg.OutboundProxy
	}
	soon, rarely := backOff(retryFirst, retryMost, r.fails), backOff(refusedFirst, refusedMost, r.fails)
	switch {
	case errors.Is(err, ErrCredentials):
		return StateRefused, fmt.Sprintf("%s refuses the password of user %s, sent with REGISTER over %s; %s", cfg.Server, cfg.AuthUsername, cfg.Transport, advice(err)), rarely
	case errors.Is(err, ErrNoChallenge):
		return StateRefused, fmt.Sprintf("cannot register at %s over %s: %s", at, cfg.Transport, explain(err)), rarely
	case err != nil:
		return StateUnreachable, fmt.Sprintf("cannot register at %s over %s: %s", at, cfg.Transport, explain(err)), soon
	}
	said := fmt.Sprintf("%s answers REGISTER with %d %s", cfg.Server, res.StatusCode, header.Clip(res.Reason, 64))
	after := header.ParseRetryAfter(value(res, "Retry-After"))
	switch status := res.StatusCode; {
	case status == 403 || status == 404 || status == 402:
		return StateRefused, said + "; check the account of " + cfg.Username, max(rarely, after)
	case status == 423:
		return StateRefused, said + " and demands an expiry of " + value(res, "Min-Expires") + " s", rarely
	case status >= 500 || status == 408 || status == 480:
		return StateUnreachable, said, max(soon, after)
	}
	return StateRefused, said, max(rarely, after)
}

// backOff is the wait after the nth failure in a row: between half and all of
// first*2^(n-1), at most most.
func backOff(first, most time.Duration, n int) time.Duration {
	d := first << min(n-1, 20)
	if d <= 0 || d > most {
		d = most
	}
	return d/2 + rand.N(d/2+1)
}

// register sends REGISTER to the trunk's servers until one answers, with credentials
// when asked, and returns the final response.
func (r *registrant) register(ctx context.Context, expires time.Duration) (*sipgo.Response, error) {
	t := r.t
	var contact *sipgo.ContactHeader
	res, h, err := t.ask(ctx, func(h hop) *sipgo.Request {
		var req *sipgo.Request
		req, contact = r.newREGISTER(h, expires)
		return req
	})
	r.moved = false
	if contact == nil || res == nil {
		return res, err
	}
	r.sent = contact.Address // with the connection's port, where we do not listen
	if err == nil && res.IsSuccess() {
		r.old = sipgo.Uri{}
		t.mu.Lock()
		t.home = h
		t.mu.Unlock()
		if r.moved = t.learn(h.path, res) && expires > 0; r.moved {
			r.old = r.sent
		}
	}
	return res, err
}

// newREGISTER builds the REGISTER to one server, and returns our Contact in it.
func (r *registrant) newREGISTER(h hop, expires time.Duration) (*sipgo.Request, *sipgo.ContactHeader) {
	t := r.t
	aor := sipgo.Uri{Scheme: "sip", User: header.EscapeUser(t.cfg.Username), Host: t.cfg.Domain}
	req := t.e.newRequest(sipgo.REGISTER, t.uri(""), h.path, r.callID, r.tag)
	for _, route := range t.preloaded() {
		req.AppendHeader(&sipgo.RouteHeader{Address: route})
	}
	req.AppendHeader(&sipgo.FromHeader{Address: aor, Params: sipgo.HeaderParams{{K: "tag", V: r.tag}}})
	req.AppendHeader(&sipgo.ToHeader{Address: aor})
	callID := sipgo.CallIDHeader(r.callID)
	req.AppendHeader(&callID)
	r.seq++
	req.AppendHeader(&sipgo.CSeqHeader{SeqNo: r.seq, MethodName: sipgo.REGISTER})
	contact := &sipgo.ContactHeader{
		Address: t.contact(h.path),
		Params:  sipgo.HeaderParams{{K: "+sip.instance", V: `"<` + t.instance() + `>"`}}, // RFC 5626 section 4.1
	}
	supported := "path" // RFC 3327
	if t.cfg.BulkContact {
		// RFC 6140 section 5.2: no user, and the registrar must know what bnc means.
		contact.Address.User = ""
		contact.Address.UriParams = append(contact.Address.UriParams, sipgo.HeaderKV{K: "bnc"})
		req.AppendHeader(sipgo.NewHeader("Require", "gin"))
		req.AppendHeader(sipgo.NewHeader("Proxy-Require", "gin"))
		supported = "path, gin"
	}
	req.AppendHeader(contact)
	if r.old.Host != "" && r.old.String() != contact.Address.String() {
		req.AppendHeader(&sipgo.ContactHeader{Address: r.old, Params: sipgo.HeaderParams{{K: "expires", V: "0"}}})
	}
	req.AppendHeader(sipgo.NewHeader("Supported", supported))
	req.AppendHeader(sipgo.NewHeader("Expires", header.Seconds(expires)))
	setBody(req, nil)
	return req, contact
}

// connection is closed when the connection to the server where we are registered is;
// nil, and never, over UDP.
func (r *registrant) connection() <-chan struct{} {
	t := r.t
	t.mu.Lock()
	h := t.home
	t.mu.Unlock()
	if !h.addr.IsValid() || !t.e.wire.Dials(h.path.transport) {
		return nil
	}
	if gone := t.e.wire.Gone(h.path.transport, h.addr, t.profile); gone != nil {
		return gone
	}
	if t.e.wire.Connected(h.path.transport, h.addr) { // theirs: they keep it
		return nil
	}
	gone := make(chan struct{})
	close(gone)
	return gone
}

// granted is the expiry that the server gave our contact: its Contact parameter,
// else the Expires header, else what we asked for (RFC 3261 section 10.2.4). Where it
// is 0, or the contacts that the server lists are all of others, none says so: nobody
// could call us.
func (r *registrant) granted(res *sipgo.Response) (granted time.Duration, none string) {
	granted = r.wish
	if d, ok := header.ParseSeconds(value(res, "Expires")); ok {
		granted = d
	}
	contacts := res.GetHeaders("Contact")
	ours := len(contacts) == 0 // a server that is sparing of words
	for _, h := range contacts {
		c, ok := h.(*sipgo.ContactHeader)
		if !ok {
			continue
		}
		c.Params = trimParams(c.Params)
		if !r.isOurs(c, res.Via()) {
			continue // somebody else's binding of the same account, or ours before a restart
		}
		ours = true
		if d, ok := header.ParseSeconds(c.Params.GetOr("expires", "")); ok {
			granted = d
		}
		break
	}
	switch {
	case !ours:
		return 0, "lists only contacts of others: " + header.Clip(strings.Join(values(res, "Contact", "m"), ", "), 128)
	case granted <= 0:
		return 0, "grants no time (Expires 0)"
	}
	return min(granted, maxExpires), ""
}

// isOurs reports whether a contact that the server lists is the one that we sent: by
// its address (RFC 3261 section 10.2.4), by that which the server sees us at, which
// some put in its place, or by our instance (RFC 5626 section 6).
func (r *registrant) isOurs(c *sipgo.ContactHeader, via *sipgo.ViaHeader) bool {
	if strings.Contains(c.Params.GetOr("+sip.instance", ""), r.t.instance()) {
		return true
	}
	port := cmp.Or(c.Address.Port, 5060)
	if c.Address.Port == 0 && strings.EqualFold(c.Address.UriParams.GetOr("transport", ""), "tls") {
		port = 5061
	}
	at := func(host string, n int) bool {
		return strings.EqualFold(strings.Trim(c.Address.Host, "[]"), strings.Trim(host, "[]")) && port == n
	}
	user, err := url.PathUnescape(c.Address.User)
	sent, _ := url.PathUnescape(r.sent.User) // we have escaped it
	if err != nil || user != sent {
		return false
	}
	if at(r.sent.Host, r.sent.Port) {
		return true
	}
	if via == nil {
		return false
	}
	n, err := strconv.Atoi(via.Params.GetOr("rport", ""))
	return err == nil && at(via.Params.GetOr("received", via.Host), n)
}

// serviceRoutes returns the Service-Route of a 200 to REGISTER (RFC 3608): the
// way that calls have to take.
func serviceRoutes(res *sipgo.Response) []sipgo.Uri {
	var out []sipgo.Uri
	for _, v := range values(res, "Service-Route", "") {
		for _, part := range header.Split(v, ',') {
			var uri sipgo.Uri
			if _, err := sipgo.ParseAddressValue(strings.TrimSpace(part), &uri, nil); err == nil && uri.Host != "" {
				out = append(out, uri)
			}
		}
	}
	return slices.Clip(out)
}

// instance is the identity of this user agent at the trunk's registrar (RFC 5626
// section 4.1): a UUID that is the same after every restart, made of the node's name
// and the trunk's (RFC 9562 section 5.8).
func (t *Trunk) instance() string {
	sum := sha256.Sum256([]byte(t.e.node + "\x00" + t.cfg.Name))
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
