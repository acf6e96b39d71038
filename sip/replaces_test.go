package sip

import (
	"errors"
	"testing"
)

func TestReplacesOut(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{})
	id := ReplacesID{CallID: "x@y", ToTag: "1", FromTag: "2", EarlyOnly: true}
	call := place(t, trunk, Invite{Replaces: &id, ReferredBy: "<sip:1001@pbx>"})
	invite := p.expect("INVITE")
	if invite.get("Replaces") != "x@y;to-tag=1;from-tag=2;early-only" || invite.get("Require") != "replaces" || invite.get("Referred-By") != "<sip:1001@pbx>" {
		t.Errorf("%s", invite)
	}
	p.respond(invite, "481 Call/Transaction Does Not Exist", "a", "")
	next[Failed](t, call)
	for _, inv := range []Invite{{Replaces: &ReplacesID{CallID: "a\r\nb", ToTag: "1", FromTag: "2"}}, {ReferredBy: "<sip:a>\r\nX: y"}} {
		inv.To, inv.CallerID, inv.RingTimeout = "1", "2", patience
		if _, err := trunk.Invite(t.Context(), inv); !errors.Is(err, ErrHeader) {
			t.Errorf("%+v: %v", inv, err)
		}
	}
}

// An INVITE that replaces a call of ours reaches its owner; one that names no call is
// refused before anybody is asked.
func TestReplacesIn(t *testing.T) {
	t.Parallel()
	e, p, incoming := callee(t)
	_, in := invited(t, p, incoming, testOffer)
	if _, ok := in.Replaces(); ok {
		t.Error("replaces something")
	}
	call := accept(t, in, testAnswer)
	ok := p.expect("200")
	p.send(p.ack(ok))
	id := ReplacesID{CallID: call.ID(), ToTag: ok.param("To", "tag"), FromTag: "f"}
	if own, valid := call.ReplacesID(); !valid || own != (ReplacesID{CallID: id.CallID, ToTag: id.FromTag, FromTag: id.ToTag}) {
		t.Errorf("its own name: %+v", own)
	}
	if found, ok := e.Find(id); !ok || found != call {
		t.Error("not found")
	}
	for _, c := range []struct{ replaces, want string }{
		{"Replaces: x;to-tag=1;from-tag=2", "481"},
		{"Replaces: " + ReplacesID{CallID: id.CallID, ToTag: id.ToTag, FromTag: "other"}.String(), "481"},
		{"Replaces: " + id.String() + ";early-only", "486"},
		{"Replaces: nonsense", "400"},
		{"Replaces: " + id.String() + "\r\nReplaces: " + id.String(), "400"},
	} {
		p.send(p.newRequest("INVITE", "sip:100@127.0.0.1", "bad-"+random(4), "g", "", 1, "Require: replaces", c.replaces, testOffer))
		p.expect(c.want)
	}
	_, in = invited(t, p, incoming, "Require: replaces", "Replaces: "+id.String(), testOffer)
	old, found := in.Replaces()
	if !found || old != call {
		t.Fatal("the call is not found")
	}
	second := accept(t, in, testAnswer)
	p.send(p.ack(p.expect("200")))
	old.Hangup(CauseNormal)
	bye := p.expect("BYE")
	p.send(p.newRequest("INVITE", "sip:100@127.0.0.1", "ending", "g", "", 1, "Replaces: "+id.String(), testOffer))
	p.expect("603") // it is ending
	p.respond(bye, "200 OK", "", "")
	next[Ended](t, old)
	over(t, old)
	p.send(p.newRequest("INVITE", "sip:100@127.0.0.1", "late", "g", "", 1, "Replaces: "+id.String(), testOffer))
	p.expect("481")
	second.Hangup(CauseNormal)
	p.respond(p.expect("BYE"), "200 OK", "", "")
	next[Ended](t, second)
}
