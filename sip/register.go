package sip

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
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

// deregisterTimeout bounds the farewell at shutdown.
const deregisterTimeout = 3 * time.Second

// registration is the state of a trunk's registration. Trunk.mu protects it.
type registration struct {
	state   TrunkState // registering, registered, refused or unreachable
	reason  string
	expires time.Time // of the binding at the server
	nextTry time.Time
}

// registrant keeps a trunk registered. It belongs to the goroutine of Run.
type registrant struct {
	t      *Trunk
	callID string // the same for all REGISTERs (RFC 3261 section 10.2)
	tag    string
	seq    uint32
	wish   time.Duration // what we ask for: configured, or raised by 423
	fails  int
}

// Run registers the trunk and keeps it registered, and pings it, until ctx is
// done; then it de-registers and returns nil. Without registration and
// health check it only waits. It may be called once.
func (t *Trunk) Run(ctx context.Context) error {
	t.mu.Lock()
	started := t.running || t.status.State == StateStopped
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
	var pings sync.WaitGroup
	if t.cfg.HealthInterval > 0 {
		pings.Go(func() { t.ping(ctx) })
	}
	if t.cfg.Register {
		t.keepRegistered(ctx)
	} else {
		<-ctx.Done()
	}
	pings.Wait()
	t.update(func() { t.running = false })
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
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
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

// attempt registers once and returns when to do so again.
func (r *registrant) attempt(ctx context.Context) time.Duration {
	t := r.t
	begun := time.Now()
	res, err := r.register(ctx, r.wish)
	if err == nil && res.StatusCode == 423 {
		// RFC 3261 section 10.2.8: ask for as long as the server wants, at once.
		least, ok := parseExpires(value(res, "Min-Expires"))
		if ok && least > r.wish && least <= maxExpires {
			r.wish = least
			res, err = r.register(ctx, r.wish)
		}
	}
	if ctx.Err() != nil {
		return 0
	}
	if err == nil && res.IsSuccess() {
		granted := r.granted(res)
		r.fails = 0
		t.update(func() {
			t.reg.state, t.reg.expires = StateRegistered, begun.Add(granted)
			t.reg.reason = fmt.Sprintf("registered as %s at %s for %s", t.cfg.Username, t.cfg.Server, granted)
			t.routes = serviceRoutes(res)
		})
		return refreshAfter(granted)
	}
	r.fails++
	state, reason, wait := r.failure(res, err)
	t.update(func() { t.reg.state, t.reg.reason = state, reason })
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
	soon, rarely := backOff(retryFirst, retryMost, r.fails), backOff(refusedFirst, refusedMost, r.fails)
	switch {
	case errors.Is(err, ErrCredentials):
		return StateRefused, fmt.Sprintf("%s refuses the password of user %s; check username and password", cfg.Server, cfg.AuthUsername), rarely
	case errors.Is(err, ErrNoChallenge):
		return StateRefused, fmt.Sprintf("%s asks for an authentication that Ringpace does not know: %v", cfg.Server, err), rarely
	case errors.Is(err, ErrNoRoute):
		return StateUnreachable, fmt.Sprintf("%v; check the server's name and the listen addresses", err), soon
	case errors.Is(err, ErrTimeout):
		return StateUnreachable, fmt.Sprintf("%s does not answer REGISTER over %s; check address, transport and firewall", cfg.Server, cfg.Transport), soon
	case err != nil:
		return StateUnreachable, fmt.Sprintf("REGISTER to %s failed: %v", cfg.Server, err), soon
	}
	said := fmt.Sprintf("%s answers REGISTER with %d %s", cfg.Server, res.StatusCode, clip(res.Reason, 64))
	after := parseRetryAfter(value(res, "Retry-After"))
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

// register sends REGISTER, with credentials when asked, and returns the final
// response.
func (r *registrant) register(ctx context.Context, expires time.Duration) (*sipgo.Response, error) {
	t := r.t
	return t.e.doAuth(ctx, t.authenticator(), func() (*sipgo.Request, error) {
		found, err := t.hops(ctx)
		if err != nil {
			return nil, err
		}
		p, server := found[0].path, found[0].addr
		uri := t.uri("")
		aor := sipgo.Uri{Scheme: "sip", User: escapeUser(t.cfg.Username), Host: t.cfg.Domain}
		req := t.e.newRequest(sipgo.REGISTER, uri, p, r.callID, r.tag)
		req.AppendHeader(&sipgo.FromHeader{Address: aor, Params: sipgo.HeaderParams{{K: "tag", V: r.tag}}})
		req.AppendHeader(&sipgo.ToHeader{Address: aor})
		callID := sipgo.CallIDHeader(r.callID)
		req.AppendHeader(&callID)
		r.seq++
		req.AppendHeader(&sipgo.CSeqHeader{SeqNo: r.seq, MethodName: sipgo.REGISTER})
		req.AppendHeader(&sipgo.ContactHeader{Address: contactURI(t.contactUser(), p)})
		req.AppendHeader(sipgo.NewHeader("Expires", seconds(expires)))
		setBody(req, nil)
		address(req, p, server)
		return req, nil
	})
}

// granted is the expiry that the server gave our contact: its Contact parameter,
// else the Expires header, else what we asked for (RFC 3261 section 10.2.4).
func (r *registrant) granted(res *sipgo.Response) time.Duration {
	granted := r.wish
	if d, ok := parseExpires(value(res, "Expires")); ok {
		granted = d
	}
	local, _ := r.t.e.Addr(r.t.cfg.Transport)
	for _, h := range res.GetHeaders("Contact") {
		c, ok := h.(*sipgo.ContactHeader)
		if !ok || c.Address.User != escapeUser(r.t.contactUser()) {
			continue // somebody else's binding of the same account
		}
		d, ok := parseExpires(trimParams(c.Params).GetOr("expires", ""))
		if !ok {
			continue
		}
		granted = d
		if strings.Trim(c.Address.Host, "[]") == local.Addr().String() && c.Address.Port == int(local.Port()) {
			break // exactly ours; others may be ours before a restart, or behind a NAT
		}
	}
	return min(max(granted, time.Second), maxExpires)
}

// serviceRoutes returns the Service-Route of a 200 to REGISTER (RFC 3608): the
// way that calls have to take.
func serviceRoutes(res *sipgo.Response) []sipgo.Uri {
	var out []sipgo.Uri
	for _, v := range values(res, "Service-Route", "") {
		for _, part := range splitQuoted(v, ',') {
			var uri sipgo.Uri
			if _, err := sipgo.ParseAddressValue(strings.TrimSpace(part), &uri, nil); err == nil && uri.Host != "" {
				out = append(out, uri)
			}
		}
	}
	return slices.Clip(out)
}
