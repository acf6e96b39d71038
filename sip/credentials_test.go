package sip

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/icholy/digest"
)

// credentials parses and verifies the credentials in a header of a request.
func credentials(t *testing.T, m *message, header string, chal digest.Challenge, password string) *digest.Credentials {
	t.Helper()
	cred, err := digest.ParseCredentials(m.get(header))
	if err != nil {
		t.Fatalf("%s: %v", m, err)
	}
	want, err := digest.Digest(&chal, digest.Options{
		Method: m.kind(), URI: m.uri(), Username: cred.Username, Password: password, Cnonce: cred.Cnonce, Count: cred.Nc,
		GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader([]byte(m.body))), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if cred.URI != m.uri() || cred.Response != want.Response {
		t.Errorf("credentials %+v, want %+v", cred, want)
	}
	return cred
}

// sipgo reads only the first challenge and drops the URI's parameters.
func TestSeveralChallenges(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{
		Username: "user", AuthUsername: "auth@user", Password: "secret", Identity: Identity{UserPhone: true},
	})
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	p.respond(invite, "401 Unauthorized", "x", "",
		`WWW-Authenticate: Basic realm="r"`,
		`WWW-Authenticate: Digest realm="r", nonce="n-md5", algorithm=MD5, qop="auth"`,
		`WWW-Authenticate: Digest realm="r", nonce="n-new", algorithm=SHA3-999, qop="auth"`,
		`WWW-Authenticate: Digest realm="r", nonce="n-sha", algorithm=SHA-256, qop="auth-int, auth"`)
	if ack := p.expect("ACK"); ack.param("Via", "branch") != invite.param("Via", "branch") {
		t.Errorf("ACK %s", ack)
	}
	second := p.expect("INVITE")
	if second.seq() != invite.seq()+1 || second.get("Call-ID") != invite.get("Call-ID") ||
		second.param("From", "tag") != invite.param("From", "tag") || len(second.all("Authorization")) != 1 ||
		second.param("Via", "branch") == invite.param("Via", "branch") {
		t.Errorf("second INVITE %s", second)
	}
	if !strings.Contains(second.uri(), ";user=phone") {
		t.Errorf("uri %s", second.uri())
	}
	cred := credentials(t, second, "Authorization",
		digest.Challenge{Realm: "r", Nonce: "n-sha", Algorithm: "SHA-256", QOP: []string{"auth"}}, "secret")
	if cred.Algorithm != "SHA-256" || cred.QOP != "auth" || cred.Username != "auth@user" {
		t.Errorf("%+v", cred)
	}
	// Now the proxy behind it asks as well; both get theirs.
	p.respond(second, "407 Proxy Authentication Required", "x", "", `Proxy-Authenticate: Digest realm="p", nonce="n-p"`)
	third := p.expect2("ACK", "INVITE")
	credentials(t, third, "Proxy-Authorization", digest.Challenge{Realm: "p", Nonce: "n-p"}, "secret")
	if cred := credentials(t, third, "Authorization",
		digest.Challenge{Realm: "r", Nonce: "n-sha", Algorithm: "SHA-256", QOP: []string{"auth"}}, "secret"); cred.Nc != 2 {
		t.Errorf("nonce count %d", cred.Nc)
	}
	// A stale nonce is no refusal.
	p.respond(third, "401 Unauthorized", "x", "", `WWW-Authenticate: Digest realm="r", nonce="n-2", stale=TRUE, qop="auth"`)
	fourth := p.expect2("ACK", "INVITE")
	credentials(t, fourth, "Authorization", digest.Challenge{Realm: "r", Nonce: "n-2", QOP: []string{"auth"}}, "secret")
	p.respond(fourth, "200 OK", "a", testAnswer)
	ack := p.expect("ACK")
	if ack.get("Authorization") != fourth.get("Authorization") || ack.get("Proxy-Authorization") == "" {
		t.Error("ACK lacks the credentials of its INVITE (RFC 3261 section 22.1)")
	}
	next[Answered](t, call)
	p.respondAndEnd(call)
}

// A server may give one nonce to several calls. The count goes on, or it would take the
// second for a replay of the first (RFC 7616 section 3.4).
func TestNonceCountGoesOnInTheNextCall(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{Username: "user", Password: "secret"})
	const nonce = `WWW-Authenticate: Digest realm="r", nonce="the same", qop="auth"`
	chal := digest.Challenge{Realm: "r", Nonce: "the same", QOP: []string{"auth"}}
	count := 0
	counted := func(m *message) {
		t.Helper()
		if count++; credentials(t, m, "Authorization", chal, "secret").Nc != count {
			t.Errorf("want count %d in %s", count, m)
		}
	}
	for range 2 {
		call := place(t, trunk, Invite{})
		p.respond(p.expect("INVITE"), "401 Unauthorized", "x", "", nonce)
		invite := p.expect2("ACK", "INVITE")
		counted(invite)
		p.respond(invite, "200 OK", "a", testAnswer)
		p.expect("ACK")
		next[Answered](t, call)
		call.Hangup(CauseNormal)
		p.respond(p.expect("BYE"), "401 Unauthorized", "", "", nonce)
		bye := p.expect("BYE")
		counted(bye)
		p.respond(bye, "200 OK", "", "")
		next[Ended](t, call)
		over(t, call)
	}
}

// expect2 returns the second of two messages that follow each other.
func (p *peer) expect2(first, second string) *message {
	p.t.Helper()
	p.expect(first)
	return p.expect(second)
}

func TestRefusedCredentials(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		cfg    TrunkConfig
		header string
		tries  int
		want   error
	}{
		{"wrong password", TrunkConfig{Username: "u", Password: "p"}, `Digest realm="r", nonce="n", qop="auth"`, 2, ErrCredentials},
		{"no credentials", TrunkConfig{}, `Digest realm="r", nonce="n"`, 1, ErrCredentials},
		{"unknown algorithm", TrunkConfig{Username: "u"}, `Digest realm="r", nonce="n", algorithm=ROT13`, 1, ErrNoChallenge},
		{"not digest", TrunkConfig{Username: "u"}, `Negotiate xyz`, 1, ErrNoChallenge},
		{"always stale", TrunkConfig{Username: "u"}, `Digest realm="r", nonce="n", stale=true`, 5, ErrCredentials},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			trunk, p := script(t, c.cfg)
			call := place(t, trunk, Invite{})
			for range c.tries {
				p.respond(p.expect("INVITE"), "401 Unauthorized", "x", "", "WWW-Authenticate: "+c.header)
				p.expect("ACK")
			}
			if f := next[Failed](t, call); f.Class != TrunkFailure || f.Status != 401 || !errors.Is(f.Err, c.want) {
				t.Errorf("%v", f)
			}
			p.nothing()
		})
	}
}

func TestAuthorizeIncoming(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		password string
		ok       bool
	}{{"secret", true}, {"wrong", false}} {
		asked := make(chan error, 8)
		carrier := newEndpoint(t, Config{Realm: "lab", Invite: func(in *Incoming) {
			err := in.Authorize(func(user string) (string, bool) { return "secret", user == "u" })
			asked <- err
			if err == nil {
				in.Reject(486, "")
			}
		}})
		trunk := newTrunk(t, newEndpoint(t, Config{}), TrunkConfig{
			Server: addrOf(t, carrier, "udp"), Username: "u", Password: c.password,
		})
		call := place(t, trunk, Invite{})
		if err := receive(t, asked, "first"); !errors.Is(err, ErrUnauthorized) {
			t.Error(err)
		}
		if err := receive(t, asked, "second"); (err == nil) != c.ok {
			t.Error(err)
		}
		if f := next[Failed](t, call); c.ok && f.Class != Busy || !c.ok && !errors.Is(f.Err, ErrCredentials) {
			t.Errorf("%v", f)
		}
	}
}
