package sip

import (
	"errors"
	"fmt"
	"testing"
)

func TestRedirectIsFollowed(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{Policy: Policy{Redirect: RedirectFollow, RedirectHosts: []string{"192.0.2.9"}}})
	call := place(t, trunk, Invite{})
	first := p.expect("INVITE")
	p.respond(first, "302 Moved Temporarily", "a", "",
		"Contact: <sip:second@"+p.addr+">;q=0.3, <sip:evil@192.0.2.66>;q=1, <sip:premium@127.0.0.1;maddr=192.0.2.66>",
		"Contact: <sip:first@"+p.addr+"?Route=%3Csip:192.0.2.66%3E>;q=0.8")
	p.expect("ACK")
	second := p.expect("INVITE")
	if second.uri() != "sip:first@"+p.addr || second.get("Route") != "" || second.get("To") != first.get("To") ||
		second.get("Call-ID") != first.get("Call-ID") || second.seq() <= first.seq() {
		t.Errorf("%s", second)
	}
	p.respond(second, "503 Service Unavailable", "b", "")
	p.expect("ACK")
	third := p.expect("INVITE")
	if third.uri() != "sip:second@"+p.addr {
		t.Errorf("%s", third)
	}
	// In a circle: nothing new to call.
	p.respond(third, "302 Moved Temporarily", "c", "", "Contact: <sip:first@"+p.addr+">")
	p.expect("ACK")
	if f := next[Failed](t, call); !errors.Is(f.Err, ErrRedirect) || f.Status != 302 || f.Elsewhere {
		t.Errorf("%+v", f)
	}
	p.nothing()
}

func TestRedirectsAreBounded(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{Policy: Policy{Redirect: RedirectFollow}})
	call := place(t, trunk, Invite{})
	for i := range maxRedirects {
		p.respond(p.expect("INVITE"), "302 Moved Temporarily", "a", "", fmt.Sprintf("Contact: <sip:%d@%s>", i, p.addr))
		p.expect("ACK")
	}
	p.respond(p.expect("INVITE"), "302 Moved Temporarily", "a", "", "Contact: <sip:more@"+p.addr+">")
	p.expect("ACK")
	if f := next[Failed](t, call); !errors.Is(f.Err, ErrRedirect) {
		t.Errorf("%+v", f)
	}
	p.nothing()
}

// A redirected call that is answered, and one that is cancelled while it is looked where
// it leads.
func TestRedirectedCall(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{Policy: Policy{Redirect: RedirectFollow}})
	call := place(t, trunk, Invite{})
	p.respond(p.expect("INVITE"), "301 Moved Permanently", "a", "", "Contact: <sip:there@"+p.addr+">")
	p.expect("ACK")
	invite := p.expect("INVITE")
	p.respond(invite, "200 OK", "b", testAnswer)
	if ack := p.expect("ACK"); ack.seq() != invite.seq() || ack.param("To", "tag") != "b" {
		t.Errorf("%s", ack)
	}
	next[Answered](t, call)
	p.respondAndEnd(call)
}

func TestRedirectIsRefused(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	call := place(t, trunk, Invite{})
	p.respond(p.expect("INVITE"), "302 Moved Temporarily", "a", "", "Contact: <sip:+882999999@192.0.2.9>")
	p.expect("ACK")
	if f := next[Failed](t, call); !errors.Is(f.Err, ErrRedirect) || f.Status != 302 {
		t.Errorf("%v", f)
	}
	p.nothing()
}
