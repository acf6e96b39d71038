// Package digest is digest authentication from both sides (RFC 3261 section 22, RFC
// 7616, RFC 8760). An [Authority] asks for credentials as a server, verifies the answer,
// and refuses what is old or was seen before; it may be used from any goroutine. A
// [Client] answers the challenges of others. Neither knows anything of messages:
// requests come as their parts.
package digest

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"
	"time"

	"github.com/icholy/digest"
)

// Of what Check returns.
var (
	// ErrNoCredentials: there are none for our realm, or they cannot be read. The
	// first request of an honest client is like that.
	ErrNoCredentials = errors.New("no credentials")

	// ErrStale: the nonce is too old, of another process or address, or was used
	// before. The same client may know the password: it is asked again.
	ErrStale = errors.New("nonce is stale")

	// ErrUnfit: they are not of a kind that is accepted, whatever the password: without
	// qop, with another algorithm than was offered, or for another target than the
	// request's, which a proxy may have rewritten. That is no guess at the password.
	ErrUnfit = errors.New("credentials are not fit")

	// ErrWrong: the password is wrong, or there is no such user.
	ErrWrong = errors.New("wrong credentials")
)

// Authority checks credentials for one realm.
type Authority struct {
	realm      string
	algorithms []string
	opaque     string
	nonces     nonces
}

// The algorithms that an Authority knows.
const (
	SHA256 = "SHA-256"
	MD5    = "MD5"
)

// New returns an authority that offers these algorithms, in that order; with none
// both, the stronger first (RFC 8760 section 2.4). Telephones are not all up to
// that: baresip 1.0 fails at once where SHA-256 is offered at all, and the SIP stacks
// of browsers (JsSIP, SIP.js) read the first challenge only and know MD5. The realm
// must be fit for a quoted string.
func New(realm string, algorithms ...string) *Authority {
	if len(algorithms) == 0 {
		algorithms = []string{SHA256, MD5}
	}
	a := &Authority{realm: realm, algorithms: algorithms}
	_, _ = rand.Read(a.nonces.key[:]) // never fails
	a.opaque = hex.EncodeToString(a.nonces.sign(nil, "opaque")[:8])
	return a
}

// Realm is what the credentials are for.
func (a *Authority) Realm() string { return a.realm }

// Challenges returns the values of the WWW-Authenticate headers of a 401 to that
// source address. stale says that a new nonce is all that was missing.
func (a *Authority) Challenges(source string, stale bool) []string {
	nonce := a.nonces.make(time.Now(), source)
	out := make([]string, 0, len(a.algorithms))
	for _, algorithm := range a.algorithms {
		s := `Digest realm="` + a.realm + `", nonce="` + nonce + `", opaque="` + a.opaque + `", algorithm=` + algorithm + `, qop="auth,auth-int"`
		if stale {
			s += ", stale=true"
		}
		out = append(out, s)
	}
	return out
}

// Request is what the credentials of a request are checked against.
type Request struct {
	Method        string
	URI           string // Request-URI, as received
	Body          []byte
	Source        string   // address that it came from, without port
	Authorization []string // values of the header fields
}

// Check verifies the credentials of a request and returns who it is from. The
// error wraps ErrNoCredentials, ErrStale, ErrUnfit or ErrWrong; with ErrWrong user is
// who was claimed, else "". An unknown user takes as long as a wrong password.
func (a *Authority) Check(r Request, password func(user string) (string, bool)) (user string, err error) {
	err = fmt.Errorf("%w for realm %q", ErrNoCredentials, a.realm)
	for _, v := range r.Authorization {
		cred, parseErr := digest.ParseCredentials(strings.TrimSpace(v))
		if parseErr != nil || cred.Realm != a.realm {
			continue
		}
		now := time.Now()
		ours, fresh := a.nonces.check(cred.Nonce, r.Source, now)
		if !ours {
			// Of another process, or from another address: right or wrong, ask anew.
			err = fmt.Errorf("%w: not ours", ErrStale)
			continue
		}
		switch wrong := a.match(r, cred, password); {
		case errors.Is(wrong, ErrWrong):
			return cred.Username, wrong
		case wrong != nil:
			err = wrong
			continue
		}
		if !fresh || cred.Opaque != "" && cred.Opaque != a.opaque {
			err = fmt.Errorf("%w: expired", ErrStale)
			continue
		}
		if !a.nonces.use(cred.Nonce, uint32(cred.Nc), now) {
			err = fmt.Errorf("%w: its count %d was used before", ErrStale, cred.Nc)
			continue
		}
		return cred.Username, nil
	}
	return "", err
}

// match computes the response anew and compares (RFC 7616 section 3.4). The error wraps
// ErrWrong or ErrUnfit; what is unfit would be right, or cannot be computed.
func (a *Authority) match(r Request, cred *digest.Credentials, password func(user string) (string, bool)) error {
	var h hash.Hash
	algorithm := strings.ToUpper(cred.Algorithm)
	if algorithm == "" {
		algorithm = MD5 // RFC 7616 section 3.4
	}
	switch {
	case !slices.Contains(a.algorithms, algorithm):
		return fmt.Errorf("%w: algorithm %q was not offered", ErrUnfit, cred.Algorithm)
	case algorithm == MD5:
		h = md5.New()
	default:
		h = sha256.New()
	}
	qop := strings.ToLower(cred.QOP)
	secret, known := password(cred.Username)
	a2 := []string{r.Method, cred.URI}
	count := []string{fmt.Sprintf("%08x", cred.Nc), cred.Cnonce, qop}
	switch qop {
	case "auth":
	case "auth-int":
		a2 = append(a2, sum(h, string(r.Body)))
	case "":
		count = nil // RFC 2069 section 2.1.2
	default:
		return fmt.Errorf("%w: qop %q was not offered", ErrUnfit, cred.QOP)
	}
	parts := append([]string{sum(h, cred.Username, a.realm, secret), cred.Nonce}, count...)
	want := sum(h, append(parts, sum(h, a2...))...)
	same := hmac.Equal([]byte(want), []byte(strings.ToLower(cred.Response)))
	switch {
	case !same || !known:
		return ErrWrong
	case qop == "" || cred.Cnonce == "" || cred.Nc < 1:
		return fmt.Errorf("%w: without nonce count they could be used again", ErrUnfit)
	case !samePlace(cred.URI, r.URI):
		return fmt.Errorf("%w: they are for %q", ErrUnfit, cred.URI)
	}
	return nil
}

// samePlace reports whether two URIs name the same user and host. Phones write
// parameters into the one and not the other, or twice.
func samePlace(a, b string) bool {
	a, _, _ = strings.Cut(a, ";")
	b, _, _ = strings.Cut(b, ";")
	return strings.EqualFold(a, b)
}

// sum is the hash over the parts with colons between them, in hexadecimal.
func sum(h hash.Hash, parts ...string) string {
	h.Reset()
	for i, p := range parts {
		if i > 0 {
			h.Write([]byte{':'})
		}
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil))
}
