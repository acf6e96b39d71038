package sip

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ringpace/sip/header"
)

// Reliability is how provisional responses are made reliable (RFC 3262).
type Reliability string

// The reliabilities.
const (
	ReliableOff       Reliability = "off"       // not announced; a far side that insists gets its PRACK all the same
	ReliableSupported Reliability = "supported" // announced, and used where the far side asks for it
	ReliableRequired  Reliability = "required"  // a far side that cannot do it is not spoken with
)

// Whether redirections (3xx) are followed.
const (
	RedirectRefuse = "refuse"
	RedirectFollow = "follow"
)

// Bounds of the session timer (RFC 4028 section 5).
const (
	leastSession = 90 * time.Second
	mostSession  = 24 * time.Hour
)

// Policy is how calls of a trunk, or of an endpoint's strangers, are conducted.
// The zero value is a policy: 100rel supported, no session timer, no redirection.
type Policy struct {
	Reliable Reliability // default ReliableSupported

	// Session timer (RFC 4028). SessionExpires is the interval that we ask for, 0
	// for none; SessionMin the shortest that we take, default and least 90 s.
	// Refresher is who refreshes if we may choose: "uac" (the side that sent the
	// INVITE), "uas", or "" for whatever the far side likes.
	SessionExpires time.Duration
	SessionMin     time.Duration
	Refresher      string

	// Redirect says whether 3xx are followed: RedirectRefuse (default; a far side
	// that can redirect us can make us call premium numbers) or RedirectFollow, and
	// then only to the trunk's own hosts and RedirectHosts.
	Redirect      string
	RedirectHosts []string

	LateOffer     bool          // INVITE without SDP; the answer goes into ACK or PRACK. Needs Invite.OnLateOffer.
	AnswerTimeout time.Duration // to the first response of one server; default 64*T1 (RFC 3261, timer B)
}

// supported is the value of the Supported header (RFC 3261 section 20.37).
func (p *Policy) supported() string {
	s := "replaces, norefersub"
	if p.SessionExpires > 0 {
		s = "timer, " + s
	}
	if p.Reliable != ReliableOff {
		s = "100rel, " + s
	}
	return s
}

// knows reports whether an extension may be required of us.
func (p *Policy) knows(extension string) bool {
	return slices.ContainsFunc(strings.Split(p.supported(), ", "), func(s string) bool { return strings.EqualFold(s, extension) })
}

func (p *Policy) check() error {
	p.RedirectHosts = slices.Clone(p.RedirectHosts)
	switch p.Reliable {
	case "":
		p.Reliable = ReliableSupported
	case ReliableOff, ReliableSupported, ReliableRequired:
	default:
		return fmt.Errorf("reliable provisional responses %q: use off, supported or required", p.Reliable)
	}
	if p.SessionMin == 0 {
		p.SessionMin = leastSession
	}
	if p.SessionMin < leastSession || p.SessionMin > mostSession {
		return fmt.Errorf("shortest session interval %s: use %s to %s (RFC 4028)", p.SessionMin, leastSession, mostSession)
	}
	if p.SessionExpires != 0 && (p.SessionExpires < p.SessionMin || p.SessionExpires > mostSession) {
		return fmt.Errorf("session interval %s: use 0 or %s to %s", p.SessionExpires, p.SessionMin, mostSession)
	}
	switch p.Refresher {
	case "", "uac", "uas":
	default:
		return fmt.Errorf("session refresher %q: use uac, uas or nothing", p.Refresher)
	}
	switch p.Redirect {
	case "":
		p.Redirect = RedirectRefuse
	case RedirectRefuse, RedirectFollow:
	default:
		return fmt.Errorf("redirection %q: use refuse or follow", p.Redirect)
	}
	for _, h := range p.RedirectHosts {
		if !header.IsHost(h) {
			return fmt.Errorf("redirect host %q is no host name or address", h)
		}
	}
	if p.AnswerTimeout < 0 || p.AnswerTimeout > 0 && p.AnswerTimeout < 100*time.Millisecond {
		return fmt.Errorf("answer timeout %s: use 0 or at least 100ms", p.AnswerTimeout)
	}
	return nil
}
