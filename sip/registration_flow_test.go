package sip

import (
	"testing"
	"time"

	"github.com/icholy/digest"
)

// The flows of RFC 3665 section 2 with us as Bob, a trunk that registers; the test is the
// registrar. A request for the list of contacts (2.3) we never send: every 200 has it. The
// same flows with our registrar are in dialer/lab/interop: TestRegistrationFlows.

// bobs is a trunk that has sent its first REGISTER and been challenged (F1 and F2), with
// the REGISTER that follows (F3).
func bobs(t *testing.T) (trunk *Trunk, p *peer, reg *message, stop func()) {
	t.Helper()
	trunk, p = script(t, TrunkConfig{Username: "bob", Password: "pw", Register: true, Expires: time.Minute})
	stop = run(t, trunk)
	first := p.expect("REGISTER")
	if first.uri() != "sip:"+p.addr || first.get("To") != "<sip:bob@127.0.0.1>" || first.param("From", "tag") == "" ||
		first.get("Max-Forwards") != "70" || first.get("Contact") == "" || first.get("Expires") != "60" ||
		first.get("Authorization") != "" || first.get("Content-Length") != "0" {
		t.Errorf("REGISTER %s", first)
	}
	return trunk, p, identify(t, p, first, "1"), stop
}

// identify refuses a REGISTER with 401, and returns the one that follows, with
// credentials.
func identify(t *testing.T, p *peer, first *message, nonce string) (reg *message) {
	t.Helper()
	p.respond(first, "401 Unauthorized", "r", "", challengeOfBiloxi(nonce))
	reg = p.expect("REGISTER")
	sameRegistration(t, reg, first)
	cred := credentials(t, reg, "Authorization", digest.Challenge{Realm: "biloxi", Nonce: nonce, Algorithm: "MD5", QOP: []string{"auth"}}, "pw")
	if cred.Username != "bob" || cred.Realm != "biloxi" || cred.Nonce != nonce {
		t.Errorf("credentials %+v", cred)
	}
	return reg
}

func challengeOfBiloxi(nonce string) string {
	return `WWW-Authenticate: Digest realm="biloxi", qop="auth", nonce="` + nonce + `", algorithm=MD5`
}

// sameRegistration checks that a REGISTER follows another one (RFC 3261 section 10.2).
func sameRegistration(t *testing.T, reg, before *message) {
	t.Helper()
	if reg.get("Call-ID") != before.get("Call-ID") || reg.seq() != before.seq()+1 || reg.get("Contact") != before.get("Contact") ||
		reg.get("To") != before.get("To") || reg.uri() != before.uri() || reg.param("Via", "branch") == before.param("Via", "branch") {
		t.Errorf("REGISTER %s after %s", reg, before)
	}
}

// Sections 2.1, 2.2 and 2.4: Bob registers, refreshes his contact while another device of
// his has registered too, and cancels what he has registered himself.
func TestFlowOfRegistration(t *testing.T) {
	t.Parallel()
	trunk, p, reg, stop := bobs(t)
	p.respond(reg, "200 OK", "r", "", "Contact: "+reg.get("Contact")+";expires=2")
	eventually(t, "registered", state(trunk, StateRegistered))

	again := p.expect("REGISTER")
	sameRegistration(t, again, reg)
	again = identify(t, p, again, "2")
	p.respond(again, "200 OK", "r", "", "Contact: <sip:bob@192.0.2.77>;expires=3600", "Contact: "+again.get("Contact")+";expires=60")
	eventually(t, "refreshed", func() bool {
		left := time.Until(trunk.Status().Expires)
		return left > 2*time.Second && left <= time.Minute // its own, not the other's
	})

	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	last := p.expect("REGISTER")
	sameRegistration(t, last, again) // its own contact, not "*"
	if last.get("Expires") != "0" {
		t.Errorf("REGISTER %s", last)
	}
	last = identify(t, p, last, "3")
	if last.get("Expires") != "0" {
		t.Errorf("REGISTER %s", last)
	}
	p.respond(last, "200 OK", "r", "", "Contact: <sip:bob@192.0.2.77>;expires=3500")
	receive(t, stopped, "end of Run")
	if s := trunk.Status(); s.State != StateStopped || s.Usable {
		t.Errorf("%+v", s)
	}
}

// Section 2.5: the registrar does not take Bob's password. He says so, and does not try
// the same again at once.
func TestFlowOfUnsuccessfulRegistration(t *testing.T) {
	t.Parallel()
	trunk, p, reg, _ := bobs(t)
	p.respond(reg, "401 Unauthorized", "r", "", challengeOfBiloxi("2"))
	eventually(t, "given up", func() bool { return trunk.Status().Reason != "" })
	if s := trunk.Status(); s.State == StateRegistered || s.Usable {
		t.Errorf("%+v", s)
	}
	p.nothing()
}
