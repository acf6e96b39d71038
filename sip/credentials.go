package sip

import (
	"fmt"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/digest"
)

// authenticator answers the digest challenges to the requests of one call or
// registration. Not for concurrent use.
type authenticator struct{ *digest.Client }

func newAuthenticator(username, password string) *authenticator {
	return &authenticator{digest.NewClient(username, password)}
}

// fresh returns one with the same credentials that has not been challenged.
func (a *authenticator) fresh() *authenticator { return &authenticator{a.Fresh()} }

// challenged takes in a 401 or 407.
func (a *authenticator) challenged(res *sipgo.Response) error {
	ask, proxy := "WWW-Authenticate", res.StatusCode == 407
	if proxy {
		ask = "Proxy-Authenticate"
	}
	if err := a.Challenged(proxy, values(res, ask, "")); err != nil {
		return fmt.Errorf("%w (%d)", err, res.StatusCode)
	}
	return nil
}

// authorize adds credentials for every realm that has challenged so far.
func (a *authenticator) authorize(req *sipgo.Request) error {
	credentials, err := a.Credentials(string(req.Method), req.Recipient.String(), req.Body())
	if err != nil {
		return err
	}
	for _, c := range credentials {
		name := "Authorization"
		if c.Proxy {
			name = "Proxy-Authorization"
		}
		req.AppendHeader(sipgo.NewHeader(name, c.Value))
	}
	return nil
}
