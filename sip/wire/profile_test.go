package wire

import (
	"crypto/tls"
	"crypto/x509"
	"testing"
	"time"

	"ringpace/sip/wire/wiretest"
)

// tlsState is what a client sees of a server with that certificate.
func tlsState(t *testing.T, certFile, keyFile string) tls.ConnectionState {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	return tls.ConnectionState{PeerCertificates: []*x509.Certificate{pair.Leaf}}
}

// RFC 5922 section 7.2: the name may be a DNS name or a SIP URI of the domain.
func TestServerName(t *testing.T) {
	t.Parallel()
	ca := wiretest.NewAuthority(t, t.TempDir())
	for _, c := range []struct {
		host  string
		names []string
		good  bool
	}{
		{"sip.carrier.test", []string{"sip.carrier.test"}, true},
		{"SIP.carrier.test.", []string{"sip.carrier.test"}, true},
		{"sip.carrier.test", []string{"*.carrier.test"}, true},
		{"carrier.test", []string{"node7.carrier.test", "sip:carrier.test"}, true},
		{"carrier.test", []string{"node7.carrier.test", "sip:user@carrier.test"}, false},
		{"carrier.test", []string{"evil.test"}, false},
		{"127.0.0.1", []string{"127.0.0.1"}, true},
		{"[::1]", []string{"::1"}, true},
		{"127.0.0.1", []string{"127.0.0.2"}, false},
	} {
		p, err := NewProfile(TLS{CAFile: ca.File}, c.host, testLog(t))
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := p.client()
		if err != nil {
			t.Fatal(err)
		}
		certFile, keyFile := ca.Certify(t.TempDir(), time.Hour, c.names...)
		if err := cfg.VerifyConnection(tlsState(t, certFile, keyFile)); (err == nil) != c.good {
			t.Errorf("%s with %v: %v", c.host, c.names, err)
		}
	}
}
