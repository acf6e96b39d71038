package sip

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/icholy/digest"

	sipgo "github.com/emiago/sipgo/sip"
)

// errWrongCredentials: a nonce of ours, and a wrong password or an unknown user.
var errWrongCredentials = errors.New("wrong credentials")

// nonceLife is how long a nonce of ours is accepted.
const nonceLife = 30 * time.Second

// authority checks digest credentials as a server (RFC 3261 section 22, RFC 7616,
// RFC 8760). Its nonces carry the time and a signature, so that it keeps no state.
type authority struct {
	realm string
	key   [32]byte
}

func newAuthority(realm string) *authority {
	a := &authority{realm: realm}
	_, _ = rand.Read(a.key[:]) // never fails
	return a
}

// nonce returns a nonce for use from that source address.
func (a *authority) nonce(now time.Time, source string) string {
	stamp := binary.BigEndian.AppendUint64(nil, uint64(now.UnixMilli()))
	return base64.RawURLEncoding.EncodeToString(append(stamp, a.sign(stamp, source)...))
}

func (a *authority) sign(stamp []byte, source string) []byte {
	h := hmac.New(sha256.New, a.key[:])
	h.Write(stamp)
	h.Write([]byte(a.realm))
	h.Write([]byte{0})
	h.Write([]byte(source))
	return h.Sum(nil)[:16]
}

// checkNonce reports whether a nonce is ours, and whether it is still fresh.
func (a *authority) checkNonce(nonce, source string, now time.Time) (ours, fresh bool) {
	b, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(b) != 24 || !hmac.Equal(b[8:], a.sign(b[:8], source)) {
		return false, false
	}
	age := now.Sub(time.UnixMilli(int64(binary.BigEndian.Uint64(b[:8]))))
	return true, age >= 0 && age <= nonceLife
}

// challenges returns the WWW-Authenticate headers of a 401, the stronger
// algorithm first (RFC 8760 section 2.4).
func (a *authority) challenges(source string, stale bool) []sipgo.Header {
	nonce := a.nonce(time.Now(), source)
	var out []sipgo.Header
	for _, algorithm := range []string{"SHA-256", "MD5"} {
		c := digest.Challenge{Realm: a.realm, Nonce: nonce, Algorithm: algorithm, QOP: []string{"auth"}, Stale: stale}
		out = append(out, sipgo.NewHeader("WWW-Authenticate", c.String()))
	}
	return out
}

// check verifies the credentials of a request and returns who it is from. stale:
// they were right, only the nonce was too old.
func (a *authority) check(req *sipgo.Request, password func(user string) (string, bool)) (user string, stale bool, err error) {
	source := sourceHost(req)
	err = fmt.Errorf("%w: no credentials for realm %q", ErrUnauthorized, a.realm)
	for _, v := range values(req, "Authorization", "") {
		cred, parseErr := digest.ParseCredentials(strings.TrimSpace(v))
		if parseErr != nil || cred.Realm != a.realm {
			continue
		}
		ours, fresh := a.checkNonce(cred.Nonce, source, time.Now())
		if !ours {
			// Of another process, or from another address: right or wrong, ask anew.
			stale, err = true, fmt.Errorf("%w: nonce is not ours", ErrUnauthorized)
			continue
		}
		if !a.matches(req, cred, password) {
			return "", false, fmt.Errorf("%w: %w of %q", ErrUnauthorized, errWrongCredentials, clip(cred.Username, maxUser))
		}
		if !fresh {
			stale, err = true, fmt.Errorf("%w: nonce expired", ErrUnauthorized)
			continue
		}
		return cred.Username, false, nil
	}
	return "", stale, err
}

// matches computes the response anew and compares. An unknown user takes as long
// as a wrong password.
func (a *authority) matches(req *sipgo.Request, cred *digest.Credentials, password func(user string) (string, bool)) bool {
	switch strings.ToUpper(cred.Algorithm) {
	case "", "MD5", "SHA-256":
	default:
		return false
	}
	secret, known := password(cred.Username)
	want, err := digest.Digest(
		&digest.Challenge{Realm: a.realm, Nonce: cred.Nonce, Algorithm: cred.Algorithm, QOP: []string{"auth"}},
		digest.Options{
			Method: string(req.Method), URI: cred.URI, Count: cred.Nc,
			Username: cred.Username, Password: secret, Cnonce: cred.Cnonce,
		})
	if err != nil || cred.QOP != "auth" || cred.Cnonce == "" || cred.Nc < 1 {
		return false
	}
	same := hmac.Equal([]byte(want.Response), []byte(strings.ToLower(cred.Response)))
	return same && known && strings.EqualFold(cred.URI, req.Recipient.String())
}

func sourceHost(req *sipgo.Request) string {
	if a, err := parseSource(req.Source()); err == nil {
		return a.Addr().String()
	}
	return ""
}

// Authorize checks the caller's digest credentials for the endpoint's realm.
// Without right ones it has sent the 401 itself and returns ErrUnauthorized: the
// INVITE is over, the caller will send another.
func (in *Incoming) Authorize(credentials func(user string) (password string, ok bool)) error {
	a := in.e.authority
	_, stale, err := a.check(in.req, credentials)
	in.e.judged(in.req, err)
	if err == nil {
		return nil
	}
	res := in.e.response(in.req, 401, "Unauthorized", nil)
	for _, h := range a.challenges(sourceHost(in.req), stale) {
		res.AppendHeader(h)
	}
	in.e.count.challenged.Add(1)
	if sendErr := in.respond(res, true); sendErr != nil {
		return sendErr
	}
	return err
}
