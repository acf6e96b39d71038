package peers

import (
	"os"
	"testing"
	"time"

	"ringpace/sip/wire/wiretest"
)

// CA is a certification authority of one test, which nobody else trusts.
type CA struct {
	File      string // its certificate, PEM
	dir       string
	authority *wiretest.Authority
}

// Certificate is a certificate and its key, PEM.
type Certificate struct {
	CertFile, KeyFile string
}

// NewCA makes an authority.
func NewCA(t testing.TB) *CA {
	t.Helper()
	dir := directory(t, "ca")
	authority := wiretest.NewAuthority(t, dir)
	return &CA{File: authority.File, dir: dir, authority: authority}
}

// Certify issues a certificate for a server or client of these names, host names
// or addresses, valid for so long from now on. A negative time: it has expired.
func (ca *CA) Certify(t testing.TB, valid time.Duration, names ...string) Certificate {
	t.Helper()
	dir, err := os.MkdirTemp(ca.dir, names[0]+"-")
	if err != nil {
		t.Fatal(err)
	}
	var c Certificate
	c.CertFile, c.KeyFile = ca.authority.Certify(dir, valid, names...)
	return c
}
