package interop

import (
	"strings"
	"testing"

	"ringpace/dialer/lab/peers"
	"ringpace/sip"
	"ringpace/sip/registrar"
)

// house is an endpoint with a registrar, where the phones 1001 and 1002 may register.
// baresip 1.0 and SIPp 3.6 give up on SHA-256, also when MD5 is offered beside it.
func house(t *testing.T, algorithms ...string) (*sip.Endpoint, *registrar.Registrar, *sip.Local) {
	t.Helper()
	users, err := registrar.New(registrar.Config{Algorithms: algorithms, Credentials: func(user string) (string, bool) {
		return peers.Password(user), user == "1001" || user == "1002" || user == "phone"
	}})
	if err != nil {
		t.Fatal(err)
	}
	e := newEndpoint(t, sip.Config{Registrar: users})
	local, err := sip.NewLocal(e, sip.LocalConfig{Name: "phones", Registrar: users, Domain: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	return e, users, local
}

func account(t *testing.T, e *sip.Endpoint, user, transport string) peers.Account {
	t.Helper()
	addr, ok := e.Addr(transport)
	if !ok {
		t.Fatalf("no %s", transport)
	}
	return peers.Account{User: user, Password: peers.Password(user), Server: addr, Transport: transport}
}

// ring calls a registered phone.
func ring(t *testing.T, local *sip.Local, user string) *call {
	t.Helper()
	session := newSession(t)
	c, err := local.Invite(t.Context(), sip.Invite{
		To: user, CallerID: "1000", Offer: session.Offer(), RingTimeout: patience, OnOffer: answerWith(session),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &call{c, t, session}
}

// phone is what the tests want of a softphone, whoever made it.
type phone struct {
	hold, resume, end func()
	transfer          func(to string)
}

// Two softphones of different make at our registrar: each is called, holds, resumes,
// wants to be transferred, and hangs up.
func TestPhonesAtOurRegistrar(t *testing.T) {
	for name, start := range map[string]func(*testing.T, peers.Account) phone{
		"baresip": func(t *testing.T, account peers.Account) phone {
			b := peers.BaresipAt(t, account, peers.Softphone{})
			return phone{
				hold:     func() { b.Command(t, "hold", "") },
				resume:   func() { b.Command(t, "resume", "") },
				end:      func() { b.Command(t, "hangup", "") },
				transfer: func(to string) { b.Command(t, "transfer", to) },
			}
		},
		"linphone": func(t *testing.T, account peers.Account) phone {
			l := peers.Linphone(t, account)
			return phone{
				hold:     func() { l.Command(t, "call-pause 1"); l.Await(t, "call-status 1", "LinphoneCallPaused") },
				resume:   func() { l.Command(t, "call-resume 1"); l.Await(t, "call-status 1", "LinphoneCallStreamsRunning") },
				end:      func() { l.Command(t, "terminate 1") },
				transfer: func(to string) { l.Command(t, "call-transfer 1 "+to) },
			}
		},
	} {
		for _, transport := range []string{"udp", "tcp"} {
			t.Run(name+" over "+transport, func(t *testing.T) {
				algorithms := []string{"SHA-256", "MD5"}
				if name == "baresip" {
					algorithms = algorithms[1:]
				}
				e, users, local := house(t, algorithms...)
				p := start(t, account(t, e, "1001", transport))
				if contacts := users.Contacts("1001"); len(contacts) != 1 {
					t.Fatalf("registered at %+v", contacts)
				}
				c := ring(t, local, "1001")
				if err := c.session.Accept(next[sip.Answered](c).Body); err != nil {
					t.Fatal(err)
				}
				p.hold()
				eventually(t, "held", c.session.Held)
				p.resume()
				eventually(t, "resumed", func() bool { return !c.session.Held() })
				p.transfer("sip:1002@127.0.0.1")
				referral := next[sip.Referred](c).Referral
				if referral.Target() != "1002" {
					t.Errorf("transfer to %q", referral.URI())
				}
				if err := referral.Accept(); err != nil {
					t.Fatal(err)
				}
				referral.Progress(486, "Busy Here") // so the phone keeps the call
				p.end()
				if ended := next[sip.Ended](c); ended.ByUs {
					t.Errorf("ended: %+v", ended)
				}
				closeEndpoint(t, e)
			})
		}
	}
}

// RFC 3665 section 2: registration, its update, its query, its end, and a wrong
// password, with a phone's part played by SIPp. The sessions of section 3, and section 2
// with us as the phone, are in package sip: TestFlow….
func TestRegistrationFlows(t *testing.T) {
	const (
		uri     = "sip:[remote_ip]:[remote_port]"
		contact = "Contact: <sip:phone@[local_ip]:[local_port]>"
		auth    = "[authentication username=phone password=phone-secret]"
		wrong   = "[authentication username=phone password=guess]"
		none    = "Contact: *"
	)
	register := func(seq int, fields ...string) peers.Step { return peers.Send("REGISTER", uri, seq, "", fields...) }
	withoutContact := func(step peers.Step) peers.Step {
		return peers.Step(strings.Replace(string(step), peers.Contact+"\n", "", 1))
	}
	challenge := peers.AwaitStatus(401, "WWW-Authenticate: Digest .*nonce=")
	cases := map[string][]peers.Step{
		"2.1 new registration": {
			register(1, contact), challenge, register(2, contact, "Expires: 600", auth),
			peers.AwaitStatus(200, "Contact: <sip:phone@.*expires=600"),
		},
		"2.2 update of the list": {
			register(1, contact), challenge, register(2, contact, auth), peers.AwaitStatus(200),
			register(3, contact, "Contact: <mailto:phone@example.com>"), challenge,
			register(4, "Contact: <sip:phone@198.51.100.7:5070>", auth), peers.AwaitStatus(200, "198.51.100.7:5070", "Contact: <sip:phone@127"),
		},
		"2.3 request for the list": {
			register(1, contact), challenge, register(2, contact, auth), peers.AwaitStatus(200),
			withoutContact(register(3)), challenge, withoutContact(register(4, auth)), peers.AwaitStatus(200, "Contact: <sip:phone@"),
		},
		"2.4 cancellation": {
			register(1, contact), challenge, register(2, contact, auth), peers.AwaitStatus(200),
			register(3, none, "Expires: 0"), challenge, register(4, none, "Expires: 0", auth), peers.AwaitStatus(200, "!Contact:"),
		},
		"2.5 unsuccessful": {
			register(1, contact), challenge, register(2, contact, wrong), peers.AwaitStatus(401),
		},
		"too brief": { // RFC 3261 section 10.3
			register(1, contact), challenge, register(2, contact, "Expires: 5", auth), peers.AwaitStatus(423, "Min-Expires: 60"),
		},
	}
	for name, script := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, _, _ := house(t, "MD5")
			addr, _ := e.Addr("udp")
			peers.Play(t, peers.Script{To: addr, Steps: script, Password: peers.Password("phone")}).Finish(t)
		})
	}
}
