package digest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/icholy/digest"

	"ringpace/sip/header"
)

// Of what Challenged and Credentials return.
var (
	// ErrCredentials: the other side refuses what it was given, or there is nothing to
	// be given.
	ErrCredentials = errors.New("sip: credentials refused")

	// ErrNoChallenge: it asks for nothing that we can give.
	ErrNoChallenge = errors.New("sip: challenge without a digest algorithm we know")
)

// maxChallenges bounds how often one request is tried again with credentials:
// a proxy's challenge, the server's own, and one stale nonce for each.
const maxChallenges = 4

// Client answers the challenges to the requests of one call or registration (RFC
// 3261 section 22, RFC 7616, RFC 8760). Not for concurrent use; those of one account
// know of each other's nonces. Account.Client makes them.
type Client struct {
	account     *Account
	protections []protection
	challenges  int
}

// Fresh returns a client of the same account that has not been challenged: many
// servers accept a nonce only once.
func (a *Client) Fresh() *Client { return a.account.Client() }

// protection is one realm that has challenged us.
type protection struct {
	proxy     bool // of a 407
	challenge *digest.Challenge
	used      bool // in a request of this client's
}

// algorithms that a Client knows, strongest first.
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

// Realm is what a challenge asks credentials for; "" where it cannot be read.
func Realm(challenge string) string {
	c, err := parseChallenge(challenge)
	if err != nil {
		return ""
	}
	return c.Realm
}

// Challenged takes in a 401 or 407, which is of a proxy: the values of its
// WWW-Authenticate or Proxy-Authenticate headers. It fails with ErrCredentials when the
// same realm refuses the credentials it was given, and with ErrNoChallenge when it
// asks for nothing we can give.
func (a *Client) Challenged(proxy bool, values []string) error {
	if a.account.username == "" {
		return fmt.Errorf("%w: asked for credentials, and the trunk has no username", ErrCredentials)
	}
	a.challenges++
	if a.challenges > maxChallenges {
		return fmt.Errorf("%w: challenged %d times", ErrCredentials, maxChallenges)
	}
	// One realm may offer several algorithms: take the strongest of each.
	best := map[string]*digest.Challenge{}
	var realms []string
	for _, v := range values {
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
		return fmt.Errorf("%w: %q", ErrNoChallenge, header.Clip(strings.Join(values, ", "), 200))
	}
	for _, realm := range realms {
		c := best[realm]
		i := slices.IndexFunc(a.protections, func(p protection) bool {
			return p.proxy == proxy && p.challenge.Realm == realm
		})
		if i < 0 {
			a.protections = append(a.protections, protection{proxy: proxy, challenge: c})
			continue
		}
		if !c.Stale && a.protections[i].used {
			return fmt.Errorf("%w: user %q at realm %q", ErrCredentials, a.account.username, realm)
		}
		a.protections[i] = protection{proxy: proxy, challenge: c}
	}
	return nil
}

// Credential is the value of one Authorization header, or of a Proxy-Authorization.
type Credential struct {
	Proxy bool
	Value string
}

// Credentials returns what goes into a request for every realm that has challenged so
// far. uri is all of the Request-URI: the far side digests what it receives.
func (a *Client) Credentials(method, uri string, body []byte) ([]Credential, error) {
	out := make([]Credential, 0, len(a.protections))
	for i := range a.protections {
		p := &a.protections[i]
		p.used = true
		cred, err := digest.Digest(p.challenge, digest.Options{
			Method:   method,
			URI:      uri,
			GetBody:  func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
			Count:    a.account.uses.next(p.challenge.Realm, p.challenge.Nonce),
			Username: a.account.username,
			Password: a.account.password,
		})
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoChallenge, err)
		}
		out = append(out, Credential{p.proxy, cred.String()})
	}
	return out, nil
}
