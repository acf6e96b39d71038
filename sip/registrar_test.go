package sip

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/icholy/digest"

	"ringpace/sip/defence"
	"ringpace/sip/registrar"
)

// client is a scripted user agent at a registrar.
type client struct {
	*peer
	seq    int
	callID string
}

// register sends REGISTER, answers the challenge of that algorithm, and returns
// the response.
func (c *client) register(user, password, algorithm string, extra ...string) *message {
	c.t.Helper()
	build := func(authorization string) string {
		c.seq++
		raw := c.newRequest("REGISTER", "sip:127.0.0.1", c.callID, "f", "", c.seq, append(extra, "Contact: x")...)
		raw = strings.Replace(raw, "Contact: x\r\n", authorization, 1)
		return strings.ReplaceAll(raw, "callee@", user+"@")
	}
	c.send(build(""))
	challenge := c.expect("401")
	for _, v := range challenge.all("WWW-Authenticate") {
		chal, err := digest.ParseChallenge(v)
		if err != nil || chal.Algorithm != algorithm {
			continue
		}
		cred, err := digest.Digest(chal, digest.Options{Method: "REGISTER", URI: "sip:127.0.0.1", Username: user, Password: password})
		if err != nil {
			c.t.Fatal(err)
		}
		c.send(build("Authorization: " + cred.String() + "\r\n"))
		return c.take()
	}
	c.t.Fatalf("no %s challenge in %s", algorithm, challenge)
	return nil
}

func TestRegistrar(t *testing.T) {
	t.Parallel()
	r, err := registrar.New(registrar.Config{
		Realm:       "lab",
		Credentials: func(user string) (string, bool) { return "pw-" + user, user == "100" || user == "200" },
		MaxContacts: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	e := newEndpoint(t, Config{Registrar: r})
	c := &client{peer: newPeer(t, addrOf(t, e, "udp")), callID: "c1"}
	contact := func(n int, rest string) string { return fmt.Sprintf("Contact: <sip:100@192.0.2.%d:5062>%s", n, rest) }
	check := func(m *message, kind string, uris ...string) {
		t.Helper()
		if m.kind() != kind {
			t.Fatalf("%s, want %s", m, kind)
		}
		got := r.Contacts("100")
		if len(got) != len(uris) {
			t.Fatalf("%+v, want %q", got, uris)
		}
		for i, u := range uris {
			if got[i].URI != "sip:100@192.0.2."+u+":5062" || got[i].Source.String() != c.addr {
				t.Fatalf("%+v, want %q", got, uris)
			}
		}
	}
	m := c.register("100", "pw-100", "SHA-256", contact(1, ""), "Expires: 120")
	check(m, "200", "1")
	if got := m.get("Contact"); got != "<sip:100@192.0.2.1:5062>;expires=120" {
		t.Errorf("contact %s", got)
	}
	check(c.register("100", "pw-100", "MD5", contact(2, ";expires=99999"), "Expires: 120"), "200", "2", "1")
	if left := time.Until(r.Contacts("100")[0].Expires); left > time.Hour {
		t.Errorf("expires in %s", left)
	}
	check(c.register("100", "pw-100", "SHA-256", contact(3, "")), "200", "3", "2") // the oldest goes
	check(c.register("100", "pw-100", "SHA-256", contact(4, ";expires=5")), "423", "3", "2")
	check(c.register("100", "wrong", "SHA-256", contact(4, "")), "401", "3", "2")
	check(c.register("300", "pw-300", "SHA-256", contact(4, "")), "401", "3", "2") // no such user
	check(c.register("100", "pw-100", "SHA-256"), "200", "3", "2")                 // a query
	check(c.register("100", "pw-100", "SHA-256", "Contact: *", "Expires: 60"), "400", "3", "2")
	check(c.register("100", "pw-100", "SHA-256", contact(3, ";expires=0")), "200", "2")
	old := &client{peer: c.peer, callID: "c1"} // CSeq from 1 again
	check(old.register("100", "pw-100", "SHA-256", contact(9, "")), "500", "2")
	check(c.register("100", "pw-100", "SHA-256", "Contact: *", "Expires: 0"), "200")

	// Somebody registers for another user: the credentials are right, the target is not.
	c.seq++
	raw := c.newRequest("REGISTER", "sip:127.0.0.1", "c2", "f", "", 1)
	c.send(raw)
	chal, err := digest.ParseChallenge(c.expect("401").get("WWW-Authenticate"))
	if err != nil {
		t.Fatal(err)
	}
	cred, err := digest.Digest(chal, digest.Options{Method: "REGISTER", URI: "sip:127.0.0.1", Username: "200", Password: "pw-200"})
	if err != nil {
		t.Fatal(err)
	}
	c.send(c.newRequest("REGISTER", "sip:127.0.0.1", "c2", "f", "", 2, "Authorization: "+cred.String()))
	c.expect("403")
}

// Whoever guesses passwords is banned: nothing of what he sends is answered then.
func TestGuessingIsBanned(t *testing.T) {
	t.Parallel()
	guard := newTestGuard(t, func(c *defence.Config) { c.Failures = 3 })
	_, e, _ := newDesk(t, Config{Defence: guard})
	c := &client{peer: newPeer(t, addrOf(t, e, "udp")), callID: "c1"}
	c.register("100", "pw-100", "SHA-256", "Contact: <sip:100@h>")
	for range 2 {
		if m := c.register("100", "wrong", "SHA-256", "Contact: <sip:100@h>"); m.kind() != "401" {
			t.Fatalf("%s", m)
		}
	}
	if bans := guard.Bans(); len(bans) != 0 {
		t.Fatalf("%+v", bans)
	}
	c.register("100", "wrong", "SHA-256", "Contact: <sip:100@h>")
	eventually(t, "a ban", func() bool { return len(guard.Bans()) == 1 })
}

// Who guesses at an agent's password from other addresses is banned there; the agent's
// own telephone, which was not registered before, gets in with the right password at
// any time, and is reproached with nothing.
func TestGuessingLocksNobodyOut(t *testing.T) {
	t.Parallel()
	guard := newTestGuard(t, func(c *defence.Config) { c.Failures = 5 })
	users, err := registrar.New(registrar.Config{
		Credentials: func(user string) (string, bool) { return "right", user == "1001" },
		Failures:    registrar.Failures{PerUser: 3},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(users.Close)
	e := newEndpoint(t, Config{Defence: guard, Registrar: users, Invite: func(in *Incoming) {
		_ = in.Authorize(func(user string) (string, bool) { return "right", user == "1001" })
	}})
	tries := 0
	honest := func() {
		t.Helper()
		tries++
		c := &client{peer: newPeer(t, addrOf(t, e, "udp")), callID: fmt.Sprint("honest", tries)}
		if m := c.register("1001", "right", "SHA-256", "Contact: <sip:1001@h>"); m.kind() != "200" {
			t.Fatalf("the honest telephone: %s", m)
		}
	}
	// Five make a ban: three of one each and one of three, then two of three each.
	for i, n := range []int{4, 2} {
		host := fmt.Sprintf("127.0.0.%d", 2+i)
		attacker := &client{peer: newPeerAt(t, host, addrOf(t, e, "udp")), callID: host}
		for range n - 1 {
			if m := attacker.register("1001", "wrong", "SHA-256", "Contact: <sip:1001@h>"); m.kind() != "401" {
				t.Fatalf("%s", m)
			}
			honest()
		}
		if b, banned := guard.Banned(netip.MustParseAddr(host)); banned {
			t.Errorf("%+v after %d", b, n-1)
		}
		attacker.register("1001", "wrong", "SHA-256", "Contact: <sip:1001@h>")
		eventually(t, "a ban of "+host, func() bool { _, banned := guard.Banned(netip.MustParseAddr(host)); return banned })
	}
	// By calling, too: a wrong password is one.
	host := "127.0.0.4"
	caller := newPeerAt(t, host, addrOf(t, e, "udp"))
	for try := range 2 {
		id := fmt.Sprint("call", try)
		caller.send(caller.newRequest("INVITE", "sip:1@lab", id, "f", "", 1, testOffer))
		refused := caller.takeKind("401")
		for refused.get("Call-ID") != id { // the 401 before it again
			refused = caller.takeKind("401")
		}
		chal, err := digest.ParseChallenge(refused.get("WWW-Authenticate"))
		if err != nil {
			t.Fatal(err)
		}
		cred, err := digest.Digest(chal, digest.Options{Method: "INVITE", URI: "sip:1@lab", Username: "1001", Password: "wrong"})
		if err != nil {
			t.Fatal(err)
		}
		caller.send(caller.newRequest("INVITE", "sip:1@lab", id, "f", "", 2, "Authorization: "+cred.String(), testOffer))
	}
	eventually(t, "a ban of "+host, func() bool { _, banned := guard.Banned(netip.MustParseAddr(host)); return banned })
	honest()
	if bans := guard.Bans(); len(bans) != 3 {
		t.Errorf("%+v", bans)
	}
}

// Credentials that we do not take are asked for again, and are no guess at a password:
// those of telephones that know no qop, and those for a target that a proxy in between
// has rewritten. A wrong password in them is one.
func TestUnfitCredentialsBanNobody(t *testing.T) {
	t.Parallel()
	guard := newTestGuard(t, func(c *defence.Config) { c.Failures = 2 })
	_, e, _ := newDesk(t, Config{Defence: guard})
	p := newPeer(t, addrOf(t, e, "udp"))
	seq := 0
	try := func(password, uri string, qop ...string) {
		t.Helper()
		seq += 2
		p.send(p.newRequest("REGISTER", "sip:127.0.0.1", "c1", "f", "", seq))
		chal, err := digest.ParseChallenge(p.expect("401").get("WWW-Authenticate"))
		if err != nil {
			t.Fatal(err)
		}
		chal.QOP = qop
		cred, err := digest.Digest(chal, digest.Options{Method: "REGISTER", URI: uri, Username: "100", Password: password})
		if err != nil {
			t.Fatal(err)
		}
		p.send(p.newRequest("REGISTER", "sip:127.0.0.1", "c1", "f", "", seq+1, "Authorization: "+cred.String()))
		if refused := p.expect("401"); strings.Contains(refused.get("WWW-Authenticate"), "stale") {
			t.Errorf("a new nonce would not help, and the telephone is told so: %s", refused)
		}
	}
	for range 3 {
		try("pw-100", "sip:127.0.0.1")
		try("pw-100", "sip:inside.example", "auth")
	}
	if bans := guard.Bans(); len(bans) != 0 {
		t.Fatalf("%+v", bans)
	}
	try("wrong", "sip:127.0.0.1")
	try("wrong", "sip:inside.example", "auth")
	eventually(t, "a ban", func() bool { return len(guard.Bans()) == 1 })
}
