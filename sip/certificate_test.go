package sip

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// testCA is an authority that certifies whatever a test wants.
type testCA struct {
	t    *testing.T
	file string // its certificate
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newCA(t *testing.T) *testCA {
	t.Helper()
	ca := &testCA{t: t, key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Authority " + random(4)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &ca.key.PublicKey, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	if ca.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	ca.file = writePEM(t, filepath.Join(t.TempDir(), "ca.pem"), "CERTIFICATE", der)
	return ca
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writePEM(t *testing.T, file, kind string, der []byte) string {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// certify writes a certificate for names (hosts, addresses, sip: URIs) that ends
// after left, and its key, into dir.
func (ca *testCA) certify(dir string, left time.Duration, names ...string) (certFile, keyFile string) {
	ca.t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: names[0]},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(left),
	}
	for _, name := range names {
		if a, err := netip.ParseAddr(name); err == nil {
			template.IPAddresses = append(template.IPAddresses, net.IP(a.AsSlice()))
		} else if u, err := url.Parse(name); err == nil && u.Scheme == "sip" {
			template.URIs = append(template.URIs, u)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	key := newKey(ca.t)
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, &key.PublicKey, ca.key)
	if err != nil {
		ca.t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		ca.t.Fatal(err)
	}
	return writePEM(ca.t, filepath.Join(dir, "cert.pem"), "CERTIFICATE", der), writePEM(ca.t, filepath.Join(dir, "key.pem"), "EC PRIVATE KEY", private)
}

// A renewed certificate serves the next connection; a broken one leaves the one
// before in use, and is told once.
func TestCertificateRenewal(t *testing.T) {
	t.Parallel()
	ca, dir, lines := newCA(t), t.TempDir(), make(chan string, 16)
	certFile, keyFile := ca.certify(dir, time.Hour, "old.test")
	c, err := newCertificate(certFile, keyFile, logTo(lines))
	if err != nil {
		t.Fatal(err)
	}
	name := func() string { return c.get().Leaf.DNSNames[0] }
	if name() != "old.test" {
		t.Error(name())
	}
	touch := func(later time.Duration) {
		for _, f := range []string{certFile, keyFile} {
			if err := os.Chtimes(f, time.Time{}, time.Now().Add(later)); err != nil {
				t.Fatal(err)
			}
		}
	}
	ca.certify(dir, time.Hour, "new.test")
	touch(time.Minute)
	if name() != "new.test" {
		t.Error(name())
	}
	receive(t, lines, "line")
	if err := os.WriteFile(certFile, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	touch(2 * time.Minute)
	for range 3 {
		if name() != "new.test" {
			t.Error(name())
		}
	}
	if line := receive(t, lines, "line"); !strings.Contains(line, "not renewed") || len(lines) != 0 {
		t.Errorf("%s and %d more", line, len(lines))
	}
}

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
	ca := newCA(t)
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
		p, err := newTLSProfile(TrunkTLS{CAFile: ca.file}, c.host, testLog(t))
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := p.client()
		if err != nil {
			t.Fatal(err)
		}
		certFile, keyFile := ca.certify(t.TempDir(), time.Hour, c.names...)
		if err := cfg.VerifyConnection(tlsState(t, certFile, keyFile)); (err == nil) != c.good {
			t.Errorf("%s with %v: %v", c.host, c.names, err)
		}
	}
}
