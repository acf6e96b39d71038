package digest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icholy/digest"
)

const here, there = "192.0.2.1", "192.0.2.2"

// client answers challenges with another implementation of digest than ours.
type client struct {
	t         *testing.T
	challenge *digest.Challenge
	count     int
}

func newClient(t *testing.T, a *Authority, algorithm string) *client {
	t.Helper()
	for _, v := range a.Challenges(here, false) {
		c, err := digest.ParseChallenge(v)
		if err != nil {
			t.Fatalf("%s: %v", v, err)
		}
		if c.Algorithm == algorithm {
			c.QOP = []string{"auth"}
			return &client{t: t, challenge: c}
		}
	}
	t.Fatalf("no challenge for %s", algorithm)
	return nil
}

func newClientOf(t *testing.T, nonce, algorithm string) *client {
	return &client{t: t, challenge: &digest.Challenge{Realm: "lab", Nonce: nonce, Algorithm: algorithm, QOP: []string{"auth"}}}
}

// request is a REGISTER with the next nonce count.
func (c *client) request(password, body string) Request {
	c.count++
	return c.counted(c.count, password, body)
}

func (c *client) counted(count int, password, body string) Request {
	c.t.Helper()
	cred, err := digest.Digest(c.challenge, digest.Options{
		Method: "REGISTER", URI: "sip:x", Username: "u", Password: password, Count: count,
		GetBody: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil },
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return Request{Method: "REGISTER", URI: "sip:x", Body: []byte(body), Source: here, Authorization: []string{cred.String()}}
}

// edited is a request with other words in its credentials.
func edited(r Request, words, others string) Request {
	r.Authorization = []string{strings.Replace(r.Authorization[0], words, others, 1)}
	return r
}

func passwords(user string) (string, bool) { return "pw", user == "u" }

func TestCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New("lab")
		check := func(what string, r Request, want error) {
			t.Helper()
			user, err := a.Check(r, passwords)
			if !errors.Is(err, want) || want == nil && user != "u" {
				t.Errorf("%s: %q, %v, want %v", what, user, err, want)
			}
		}
		for _, algorithm := range []string{"SHA-256", "MD5"} {
			c := newClient(t, a, algorithm)
			check("right", c.request("pw", ""), nil)
			check("wrong", c.request("no", ""), ErrWrong)
			c.challenge.QOP = []string{"auth-int"}
			check("auth-int", c.request("pw", "body"), nil)
			tampered := c.request("pw", "body")
			tampered.Body = []byte("other")
			check("another body", tampered, ErrWrong)
			c.challenge.QOP = nil
			check("without qop", c.request("pw", ""), ErrUnfit) // RFC 2069: it has no nonce count
			check("wrong without qop", c.request("no", ""), ErrWrong)
			c.challenge.QOP = []string{"auth"}
			other := c.request("pw", "")
			other.Method = "INVITE"
			check("another method", other, ErrWrong)
			other = c.request("pw", "")
			other.URI = "sip:y"
			check("another target", other, ErrUnfit) // a proxy's doing
			other = c.request("no", "")
			other.URI = "sip:y"
			check("wrong, for another target", other, ErrWrong)
			check("another qop", edited(c.request("pw", ""), "qop=auth,", "qop=other,"), ErrUnfit)
			check("no cnonce", edited(c.request("pw", ""), `cnonce="`, `cnonce="", x="`), ErrWrong)
			other = c.request("pw", "")
			other.URI = "SIP:X;transport=tcp"
			check("the same target with parameters", other, nil)
			other = c.request("pw", "")
			other.Source = there
			check("from another address", other, ErrStale)
			check("several, one of ours", Request{
				Method: "REGISTER", URI: "sip:x", Source: here,
				Authorization: []string{`Digest realm="elsewhere", nonce="n"`, c.request("pw", "").Authorization[0]},
			}, nil)
			c.challenge.Opaque = "not ours"
			check("another opaque", c.request("pw", ""), ErrStale)
		}
		a.algorithms = []string{MD5}
		check("another algorithm than is offered", newClientOf(t, a.nonces.make(time.Now(), here), SHA256).request("pw", ""), ErrUnfit)
		a.algorithms = []string{SHA256, MD5}
		check("nothing", Request{}, ErrNoCredentials)
		check("rubbish", Request{Authorization: []string{"Digest x", "Basic eA==", ""}}, ErrNoCredentials)
		check("another's nonce", newClient(t, New("lab"), "MD5").request("pw", ""), ErrStale)

		c := newClient(t, a, "SHA-256")
		time.Sleep(nonceLife + time.Millisecond)
		check("right, too late", c.request("pw", ""), ErrStale)
		check("wrong, too late", c.request("no", ""), ErrWrong) // stale would tell that it is right
	})
}

// A request that was heard on the wire is of no use again, in whatever order
// the real ones came.
func TestReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New("lab")
		c := newClient(t, a, "SHA-256")
		first := c.counted(1, "pw", "")
		for _, step := range []struct {
			count int
			ok    bool
		}{{1, true}, {1, false}, {5, true}, {4, true}, {4, false}, {5, false}, {2, true}, {300, true}, {237, true}, {236, false}, {6, false}} {
			_, err := a.Check(c.counted(step.count, "pw", ""), passwords)
			if step.ok != (err == nil) || err != nil && !errors.Is(err, ErrStale) {
				t.Errorf("count %d: %v", step.count, err)
			}
		}
		// For as long as the nonce lives, whatever comes in between.
		for range 10 {
			time.Sleep(nonceLife / 8)
			if _, err := a.Check(newClient(t, a, "MD5").request("pw", ""), passwords); err != nil {
				t.Fatal(err)
			}
			if _, err := a.Check(first, passwords); !errors.Is(err, ErrStale) {
				t.Fatalf("replay: %v", err)
			}
		}
	})
}

// Whoever knows a password cannot fill the memory.
func TestNoncesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n nonces
		for i := range 2 * maxNonces {
			if taken := n.use(fmt.Sprint(i), 1, time.Now()); taken != (i < maxNonces) {
				t.Fatalf("nonce %d: %v", i, taken)
			}
		}
		time.Sleep(2*nonceLife + 2)
		n.use("x", 1, time.Now())
		time.Sleep(nonceLife + 1)
		n.use("y", 1, time.Now())
		if kept := len(n.now) + len(n.past); kept != 2 {
			t.Errorf("%d nonces are kept", kept)
		}
	})
}

func TestChallenges(t *testing.T) {
	a := New("lab")
	got := a.Challenges(here, true)
	if !strings.Contains(got[0], "SHA-256") || !strings.Contains(got[1], "MD5") || !strings.Contains(got[0], "stale=true") {
		t.Errorf("%q", got)
	}
	if got := New("lab", MD5).Challenges(here, false); len(got) != 1 || !strings.Contains(got[0], "MD5") {
		t.Errorf("%q", got)
	}
	if got := a.Challenges(here, false); !strings.Contains(got[0], "SHA-256") || strings.Contains(got[0], "stale") {
		t.Errorf("%q", got)
	}
}

func FuzzCheck(f *testing.F) {
	a := New("lab")
	f.Add(`Digest username="u", realm="lab", nonce="x", uri="sip:x", response="y", qop=auth, nc=00000001, cnonce="c"`, []byte("body"))
	f.Add(`Digest realm="lab", nc=-1`, []byte(nil))
	f.Fuzz(func(t *testing.T, s string, body []byte) {
		r := Request{Method: "REGISTER", URI: "sip:x", Body: bytes.Clone(body), Source: here, Authorization: []string{s}}
		if user, err := a.Check(r, func(string) (string, bool) { return "", true }); err == nil {
			t.Errorf("%q is %q", s, user)
		}
	})
}
