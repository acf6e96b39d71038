package sip

import (
	"bytes"
	"context"
	"strconv"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
)

// refreshRetry is how long a refresh that met a busy far side waits, in units of the
// session timer.
const refreshRetry = 2

// sessionTimer is the session timer of a confirmed call (RFC 4028). Its channels are
// those of a nil receiver when there is none.
type sessionTimer struct {
	seconds uint32
	ours    bool        // we refresh
	refresh *time.Timer // at half the interval; stopped when the far side refreshes
	expiry  *time.Timer // when the call is ended for want of a refresh
}

func (t *sessionTimer) due() <-chan time.Time {
	if t == nil {
		return nil
	}
	return t.refresh.C
}

func (t *sessionTimer) expired() <-chan time.Time {
	if t == nil {
		return nil
	}
	return t.expiry.C
}

func (c *Call) stopTimer() {
	if c.timer != nil {
		c.timer.refresh.Stop()
		c.timer.expiry.Stop()
		c.timer = nil
	}
}

// endsAfter is when a call ends that nobody has refreshed: a third of the interval
// before it runs out, at most 32 s (RFC 4028 section 10). In seconds.
func endsAfter(interval uint32) uint32 { return interval - min(32, interval/3) }

// startTimer begins the interval anew.
func (c *Call) startTimer(seconds uint32, ours bool) {
	c.stopTimer()
	if c.ended {
		return
	}
	interval := time.Duration(seconds) * c.e.second
	c.timer = &sessionTimer{
		seconds: seconds, ours: ours, refresh: time.NewTimer(interval / 2),
		expiry: time.NewTimer(time.Duration(endsAfter(seconds)) * c.e.second),
	}
	if !ours {
		c.timer.refresh.Stop()
	}
}

// wholeSeconds is a duration of the configuration as the header has it.
func wholeSeconds(d time.Duration) uint32 { return uint32(d / time.Second) }

// askInterval adds to an INVITE or UPDATE of ours what we want of the session timer
// (RFC 4028 section 7.1): the interval that is agreed, else the policy's.
func (c *Call) askInterval(req *sipgo.Request) {
	p := &c.policy
	req.AppendHeader(sipgo.NewHeader("Supported", p.supported()))
	if p.SessionExpires == 0 {
		return
	}
	se := header.SessionExpires{Seconds: wholeSeconds(p.SessionExpires), Refresher: p.Refresher}
	if c.timer != nil {
		se.Seconds, se.Refresher = c.timer.seconds, "uas"
		if c.timer.ours {
			se.Refresher = "uac"
		}
	}
	least := max(c.leastInterval, wholeSeconds(p.SessionMin))
	se.Seconds = max(se.Seconds, least)
	req.AppendHeader(sipgo.NewHeader("Session-Expires", se.String()))
	if c.leastInterval > 0 || p.SessionMin > leastSession {
		req.AppendHeader(sipgo.NewHeader("Min-SE", strconv.FormatUint(uint64(least), 10)))
	}
}

// raiseInterval takes a 422 in: the request is to be sent again with a longer interval
// (RFC 4028 section 7.3). It reports false when that would be without end.
func (c *Call) raiseInterval(res *sipgo.Response) bool {
	least, ok := header.ParseMinSE(value(res, "Min-SE"))
	if !ok || least <= c.leastInterval || least > wholeSeconds(mostSession) || c.policy.SessionExpires == 0 {
		return false
	}
	c.leastInterval = least
	return true
}

// takeInterval reads from a 2xx to an INVITE or UPDATE of ours what was agreed (RFC
// 4028 section 7.2). Without Session-Expires the session does not expire.
func (c *Call) takeInterval(res *sipgo.Response) {
	if c.policy.SessionExpires == 0 {
		return
	}
	se, ok := sessionExpires(res)
	if !ok {
		c.stopTimer()
		return
	}
	c.startTimer(max(se.Seconds, wholeSeconds(leastSession)), se.Refresher != "uas")
}

func sessionExpires(msg sipgo.Message) (header.SessionExpires, bool) {
	for _, v := range values(msg, "Session-Expires", "x") {
		return header.ParseSessionExpires(v)
	}
	return header.SessionExpires{}, false
}

// refuseInterval answers a request whose session interval is too short for us (RFC
// 4028 section 9). One whose sender knows no session timers got it from a proxy, and
// could do nothing about the refusal.
func (c *Call) refuseInterval(m incomingRequest) bool {
	least := wholeSeconds(c.policy.SessionMin)
	se, ok := sessionExpires(m.req)
	if c.policy.SessionExpires == 0 || !ok || se.Seconds >= least || !listed(m.req, "Supported", "k", "timer") {
		return false
	}
	res := c.e.response(m.req, 422, "Session Interval Too Small", nil)
	res.AppendHeader(sipgo.NewHeader("Min-SE", strconv.FormatUint(uint64(least), 10)))
	c.e.respond(m.tx, res)
	return true
}

// grantInterval adds to a 2xx what the session timer shall be, and starts it (RFC 4028
// section 9): never longer than asked for, by whom it was asked for.
func (c *Call) grantInterval(req *sipgo.Request, res *sipgo.Response) {
	p := &c.policy
	if p.SessionExpires == 0 {
		return
	}
	asked, was := sessionExpires(req)
	seconds := wholeSeconds(p.SessionExpires)
	if c.timer != nil {
		seconds = c.timer.seconds
	}
	if was {
		seconds = min(seconds, asked.Seconds)
	}
	least, _ := header.ParseMinSE(value(req, "Min-SE"))
	seconds = max(seconds, least, wholeSeconds(leastSession))
	refresher := "uas" // one that knows no session timers cannot refresh
	if listed(req, "Supported", "k", "timer") || listed(req, "Require", "", "timer") {
		switch {
		case was && asked.Refresher != "":
			refresher = asked.Refresher
		case c.timer != nil && !c.timer.ours:
			refresher = "uac"
		case c.timer == nil && p.Refresher != "uas":
			refresher = "uac"
		}
	}
	if refresher == "uac" {
		res.AppendHeader(sipgo.NewHeader("Require", "timer"))
	}
	res.AppendHeader(sipgo.NewHeader("Session-Expires", header.SessionExpires{Seconds: seconds, Refresher: refresher}.String()))
	c.startTimer(seconds, refresher == "uas")
}

// refreshSession refreshes the session: by UPDATE without a description where the far
// side knows it, else by re-INVITE with the very description that is agreed, which says
// that nothing changes (RFC 4028 section 7.4, RFC 3264 section 8).
func (c *Call) refreshSession() {
	if c.ended {
		return
	}
	if !c.d.updates {
		before := c.d.remoteSDP
		c.startChange(&change{ctx: context.Background(), offer: c.d.localSDP, result: func(answer []byte, err error) {
			if err != nil {
				c.retryRefresh() // silence: the expiry ends the call
			} else if !bytes.Equal(answer, before) {
				c.emit(SessionAnswer{At: time.Now(), Body: answer}) // they took the occasion to change something
			}
		}})
		return
	}
	c.send(c.d, inside{method: sipgo.UPDATE}, func(res *sipgo.Response, err error) {
		switch {
		case c.ended || c.timer == nil:
		case err != nil:
			c.retryRefresh()
		case res.IsSuccess():
			c.d.refresh(res)
			c.takeInterval(res)
		case res.StatusCode == 422 && c.raiseInterval(res):
			c.refreshSession()
		case res.StatusCode == 408 || res.StatusCode == 481:
			c.Hangup(CauseTimer) // RFC 3261 section 12.2.1.2: the dialog is gone
		case res.StatusCode == 405 || res.StatusCode == 501:
			c.d.updates = false
			c.refreshSession()
		default:
			c.retryRefresh()
		}
	})
}

// retryRefresh tries again in a moment; the expiry goes on.
func (c *Call) retryRefresh() {
	if c.timer != nil && !c.ended {
		c.timer.refresh.Reset(refreshRetry * c.e.second)
	}
}
