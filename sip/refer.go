package sip

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
)

// How long a Referral waits for its owner, and how long the far side may expect news of
// it (RFC 3515 section 2.4.4), in seconds.
const (
	referralWait    = 10
	referralExpires = 180
)

// maxReferrals bounds the transfers of one call that are going on.
const maxReferrals = 8

// Referral is a wish of the far side to be transferred: REFER (RFC 3515), blind or, with
// Replaces, attended. Its owner accepts or rejects it within 10 s, else it is declined;
// an accepted one is reported on with Progress. The methods may be called from any
// goroutine, also when the call is over, but not from functions that the call calls.
type Referral struct {
	c     *Call
	to    header.ReferTo
	by    string
	event string // value of the Event header of our NOTIFYs
	quiet bool   // the far side wants no NOTIFY (RFC 4488)

	// Everything below belongs to the call's goroutine, then to the call's afterlife.

	m        *incomingRequest // waits for its response
	wait     *time.Timer
	accepted bool
	over     bool  // rejected, or nothing more is to be sent
	busy     bool  // a NOTIFY has no response yet: the next would overtake it
	queued   *frag // the latest news that wait for that
}

// frag is news of a transfer: the status line that a NOTIFY carries (RFC 3420).
type frag struct {
	status int
	phrase string
}

func (f frag) final() bool { return f.status >= 200 }

// afterlife is the dialog of a call whose goroutine has ended, for what is still said of
// transfers: a subscription outlives the session (RFC 5057 section 4.1).
type afterlife struct {
	mu sync.Mutex // protects d and the referrals' state
	d  *dialog
}

// URI is where the far side wants to be transferred, without headers.
func (r *Referral) URI() string { return r.to.URI }

// Target is the user part of URI: a number or extension, nothing that was checked.
func (r *Referral) Target() string { return r.to.User() }

// Replaces is the dialog at the target that the transferred call is to take the place
// of: an attended transfer.
func (r *Referral) Replaces() (ReplacesID, bool) {
	if r.to.Replaces == nil {
		return ReplacesID{}, false
	}
	return *r.to.Replaces, true
}

// By is the value of Referred-By (RFC 3892), "" if there is none. Nothing proves it.
func (r *Referral) By() string { return r.by }

// Accept takes the transfer on: 202, and NOTIFY that it is being tried. ErrEnded: it is
// decided already, or the call is over.
func (r *Referral) Accept() error {
	result := make(chan error, 1)
	if !r.c.ask(func() { result <- r.accept() }) {
		return ErrEnded
	}
	return <-result
}

// Reject declines the transfer with a status of 400 or more; others mean 603.
func (r *Referral) Reject(status int) {
	if status < 400 || status > 699 {
		status = 603
	}
	r.c.ask(func() { r.refuse(status) })
}

// Progress tells the far side how its transfer goes, by the status of the new call. A
// status of 200 or more is the end of it.
func (r *Referral) Progress(status int, phrase string) {
	if text, ok := header.QuoteDisplay(phrase); !ok || text == "" {
		phrase = phraseOf(status)
	}
	f := frag{min(max(status, 100), 699), phrase}
	if r.c.ask(func() { r.tell(f) }) {
		return
	}
	after := r.c.after // the call's goroutine has ended
	if after == nil {
		return
	}
	after.mu.Lock()
	defer after.mu.Unlock()
	r.tellAfter(after, f)
}

// takeRefer takes a REFER inside the confirmed dialog.
func (c *Call) takeRefer(m incomingRequest) {
	all := values(m.req, "Refer-To", "r")
	if len(all) != 1 { // RFC 3515 section 2.4.2
		c.e.refuse(m.tx, m.req, 400, "Bad Refer-To")
		return
	}
	// A leg may be up for a shift, and be transferred from all day.
	c.referrals = slices.DeleteFunc(c.referrals, func(r *Referral) bool { return r.over })
	to, ok := header.ParseReferTo(all[0])
	switch {
	case !ok:
		c.e.refuse(m.tx, m.req, 400, "Bad Refer-To")
		return
	case to.Method != string(sipgo.INVITE):
		c.e.refuse(m.tx, m.req, 603, "Decline")
		return
	case len(c.events) >= eventBuffer-finalEvents || len(c.referrals) >= maxReferrals:
		c.e.refuse(m.tx, m.req, 480, "Temporarily Unavailable") // nobody would read of it
		return
	}
	r := &Referral{c: c, to: to, m: &m, event: "refer", quiet: refersQuietly(m.req)}
	if c.referred {
		r.event += ";id=" + strconv.FormatUint(uint64(m.req.CSeq().SeqNo), 10) // RFC 3515 section 2.4.6
	}
	for _, v := range values(m.req, "Referred-By", "b") {
		if header.Check([]Header{{Name: "X-Referred-By", Value: v}}) == nil {
			r.by = v
		}
	}
	c.referrals, c.referred = append(c.referrals, r), true
	r.wait = time.AfterFunc(referralWait*c.e.second, func() { c.ask(func() { r.refuse(603) }) })
	c.emit(Referred{At: time.Now(), Referral: r})
}

// refersQuietly reports whether a REFER asks for no subscription (RFC 4488).
func refersQuietly(req *sipgo.Request) bool {
	return listed(req, "Refer-Sub", "", "false")
}

func (r *Referral) refuse(status int) {
	if r.m == nil {
		return
	}
	r.wait.Stop()
	r.c.e.respond(r.m.tx, r.c.e.response(r.m.req, status, phraseOf(status), nil))
	r.m, r.over = nil, true
}

func (r *Referral) accept() error {
	if r.m == nil {
		return ErrEnded
	}
	r.wait.Stop()
	res := r.c.e.response(r.m.req, 202, "Accepted", nil)
	contact := r.c.d.contact
	res.AppendHeader(&sipgo.ContactHeader{Address: contact})
	if r.quiet {
		res.AppendHeader(sipgo.NewHeader("Refer-Sub", "false"))
	}
	r.c.e.respond(r.m.tx, res)
	r.m, r.accepted, r.over = nil, true, r.quiet
	r.tell(frag{100, "Trying"})
	return nil
}

// tell sends a NOTIFY, after the one before it is answered. News that wait are replaced
// by newer ones.
func (r *Referral) tell(f frag) {
	switch {
	case !r.accepted || r.quiet || r.over:
		return
	case r.busy:
		if r.queued == nil || !r.queued.final() {
			r.queued = &f
		}
		return
	}
	r.busy, r.over = true, f.final()
	r.c.send(r.c.d, r.notify(f), func(res *sipgo.Response, err error) {
		r.busy = false
		if err == nil && res.StatusCode == 481 {
			r.over = true // they have forgotten
		}
		if next := r.queued; next != nil {
			r.queued = nil
			r.tell(*next)
		}
	})
}

// notify is the NOTIFY with that news (RFC 3515 section 2.4.4).
func (r *Referral) notify(f frag) inside {
	state := "active;expires=" + strconv.Itoa(referralExpires)
	if f.final() {
		state = "terminated;reason=noresource"
	}
	return inside{
		method: sipgo.NOTIFY, contentType: "message/sipfrag;version=2.0",
		headers: []Header{{Name: "Event", Value: r.event}, {Name: "Subscription-State", Value: state}},
		body:    fmt.Appendf(nil, "SIP/2.0 %d %s\r\n", f.status, f.phrase),
	}
}

// tellAfter is tell when the call's goroutine has ended. Nobody waits for the response.
func (r *Referral) tellAfter(after *afterlife, f frag) {
	if !r.accepted || r.quiet || r.over {
		return
	}
	r.over = f.final()
	e, d := r.c.e, after.d.clone()
	req := after.d.build(e, r.notify(f))
	e.spawn(func() {
		if _, err := e.doInside(d, req); err != nil {
			e.log.Debug("sip: NOTIFY not answered", "call", r.c.id, "error", err)
		}
	})
}

// leaveReferrals is the end of the call's goroutine for its transfers.
func (c *Call) leaveReferrals() {
	if len(c.referrals) == 0 {
		return
	}
	c.after = &afterlife{d: c.d.clone()}
	for _, r := range c.referrals {
		r.refuse(481)
		if r.queued != nil {
			r.tellAfter(c.after, *r.queued)
		}
	}
}
