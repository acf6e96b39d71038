package sip

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/icholy/digest"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
)

// maxChallenges bounds how often one request is tried again with credentials:
// a proxy's challenge, the server's own, and one stale nonce for each.
const maxChallenges = 4

// authenticator answers the digest challenges to the requests of one call or
// registration (RFC 3261 section 22, RFC 7616, RFC 8760). Not for concurrent use.
type authenticator struct {
	username, password string
	protections        []protection
	challenges         int
}

// protection is one realm that has challenged us.
type protection struct {
	header    string // "Authorization" or "Proxy-Authorization"
	challenge *digest.Challenge
	count     int // nonce count: uses of this nonce
}

// algorithms, strongest first.
var algorithms = [...]string{"SHA-512-256", "SHA-256", "MD5"}

// strength ranks a challenge; lower is stronger. -1: not usable.
func strength(c *digest.Challenge) int {
	if len(c.QOP) > 0 && !c.SupportsQOP("auth") && !c.SupportsQOP("auth-int") {
		return -1
	}
	algorithm := strings.ToUpper(c.Algorithm)
	if algorithm == "" {
		algorithm = "MD5" // RFC 7616 section 3.3
	}
	return slices.Index(algorithms[:], algorithm)
}

// parseChallenge reads the value of a WWW-Authenticate or Proxy-Authenticate header.
func parseChallenge(value string) (*digest.Challenge, error) {
	c, err := digest.ParseChallenge(strings.TrimSpace(value))
	if err != nil {
		return nil, err
	}
	for i := range c.QOP {
		c.QOP[i] = strings.ToLower(strings.TrimSpace(c.QOP[i]))
	}
	c.QOP = slices.DeleteFunc(c.QOP, func(q string) bool { return q == "" })
	if c.Nonce == "" {
		return nil, fmt.Errorf("sip: challenge without nonce")
	}
	return c, nil
}

// challenged takes in a 401 or 407. It fails with ErrCredentials when the same
// realm refuses the credentials it was given, and with ErrNoChallenge when it
// asks for nothing we can give.
func (a *authenticator) challenged(res *sipgo.Response) error {
	ask, answer := "WWW-Authenticate", "Authorization"
	if res.StatusCode == 407 {
		ask, answer = "Proxy-Authenticate", "Proxy-Authorization"
	}
	if a.username == "" {
		return fmt.Errorf("%w: %d asks for credentials, and the trunk has no username", ErrCredentials, res.StatusCode)
	}
	a.challenges++
	if a.challenges > maxChallenges {
		return fmt.Errorf("%w: challenged %d times", ErrCredentials, maxChallenges)
	}
	// One realm may offer several algorithms: take the strongest of each.
	best := map[string]*digest.Challenge{}
	var realms []string
	for _, v := range values(res, ask, "") {
		c, err := parseChallenge(v)
		if err != nil || strength(c) < 0 {
			continue
		}
		known, ok := best[c.Realm]
		if !ok {
			realms = append(realms, c.Realm)
		}
		if !ok || strength(c) < strength(known) {
			best[c.Realm] = c
		}
	}
	if len(best) == 0 {
		return fmt.Errorf("%w: %s: %q", ErrNoChallenge, ask, header.Clip(value(res, ask), 200))
	}
	for _, realm := range realms {
		c := best[realm]
		i := slices.IndexFunc(a.protections, func(p protection) bool {
			return p.header == answer && p.challenge.Realm == realm
		})
		if i < 0 {
			a.protections = append(a.protections, protection{header: answer, challenge: c})
			continue
		}
		if !c.Stale && a.protections[i].count > 0 {
			return fmt.Errorf("%w: user %q at realm %q", ErrCredentials, a.username, realm)
		}
		a.protections[i] = protection{header: answer, challenge: c}
	}
	return nil
}

// authorize adds credentials for every realm that has challenged so far.
func (a *authenticator) authorize(req *sipgo.Request) error {
	for i := range a.protections {
		p := &a.protections[i]
		p.count++
		cred, err := digest.Digest(p.challenge, digest.Options{
			Method:   string(req.Method),
			URI:      req.Recipient.String(), // all of it: the far side digests what it receives
			GetBody:  func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(req.Body())), nil },
			Count:    p.count,
			Username: a.username,
			Password: a.password,
		})
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNoChallenge, err)
		}
		req.AppendHeader(sipgo.NewHeader(p.header, cred.String()))
	}
	return nil
}

// fresh returns an authenticator with the same credentials that has not been
// challenged: many servers accept a nonce only once.
func (a *authenticator) fresh() *authenticator {
	return &authenticator{username: a.username, password: a.password}
}
