package digest

import (
	"errors"
	"strings"
	"testing"
)

// A client and an authority that know nothing of each other's insides agree.
func TestClientAgainstAuthority(t *testing.T) {
	for _, algorithms := range [][]string{nil, {MD5}, {SHA256}} {
		a, c := New("lab", algorithms...), NewAccount("u", "pw").Client()
		if err := c.Challenged(false, a.Challenges(here, false)); err != nil {
			t.Fatal(err)
		}
		for range 3 { // the count of the nonce rises
			got, err := c.Credentials("INVITE", "sip:x;user=phone", []byte("body"))
			if err != nil || len(got) != 1 || got[0].Proxy {
				t.Fatalf("%+v, %v", got, err)
			}
			r := Request{Method: "INVITE", URI: "sip:x;user=phone", Body: []byte("body"), Source: here, Authorization: []string{got[0].Value}}
			if user, err := a.Check(r, passwords); user != "u" || err != nil {
				t.Errorf("%v: %q, %v", algorithms, user, err)
			}
		}
		if err := c.Challenged(false, a.Challenges(here, true)); err != nil {
			t.Errorf("a stale nonce: %v", err)
		}
		if err := c.Fresh().Challenged(false, a.Challenges(here, false)); err != nil {
			t.Errorf("a fresh one: %v", err)
		}
		_, _ = c.Credentials("INVITE", "sip:x", nil)
		if err := c.Challenged(false, a.Challenges(here, false)); !errors.Is(err, ErrCredentials) {
			t.Errorf("refused: %v", err)
		}
	}
}

// The strongest algorithm of each realm is taken, and a proxy's realm is not the server's.
func TestChallenged(t *testing.T) {
	c := NewAccount("u", "pw").Client()
	for _, proxy := range []bool{false, true} {
		if err := c.Challenged(proxy, []string{
			`Basic realm="r"`, `Digest realm="r", nonce="1", algorithm=MD5`, `Digest realm="r", nonce="2", algorithm=SHA-256`,
			`Digest realm="r", nonce="3", algorithm=ROT13`, `Digest realm="other", nonce="4"`,
		}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.Credentials("REGISTER", "sip:x", nil)
	if err != nil || len(got) != 4 {
		t.Fatalf("%+v, %v", got, err)
	}
	for i, want := range []struct {
		proxy bool
		nonce string
	}{{false, "2"}, {false, "4"}, {true, "2"}, {true, "4"}} {
		if got[i].Proxy != want.proxy || !strings.Contains(got[i].Value, `nonce="`+want.nonce+`"`) {
			t.Errorf("%d: %+v, want %+v", i, got[i], want)
		}
	}
	for _, refused := range []struct {
		client *Client
		value  string
		want   error
	}{
		{NewAccount("", "").Client(), `Digest realm="r", nonce="n"`, ErrCredentials},
		{NewAccount("u", "").Client(), `Negotiate x`, ErrNoChallenge},
		{NewAccount("u", "").Client(), `Digest realm="r"`, ErrNoChallenge},
		{NewAccount("u", "").Client(), `Digest realm="r", nonce="n", qop="other"`, ErrNoChallenge},
	} {
		if err := refused.client.Challenged(false, []string{refused.value}); !errors.Is(err, refused.want) {
			t.Errorf("%s: %v, want %v", refused.value, err, refused.want)
		}
	}
}

func FuzzParseChallenge(f *testing.F) {
	f.Add(`Digest realm="r", nonce="n", qop="auth, auth-int", algorithm=SHA-256, stale=true`)
	f.Add(`Digest realm=`)
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseChallenge(s)
		if err == nil && c.Nonce == "" {
			t.Error("challenge without nonce")
		}
	})
}
