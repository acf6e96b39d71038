package peers

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// CA is a certification authority of one test, which nobody else trusts.
type CA struct {
	File        string // its certificate, PEM
	dir         string
	certificate *x509.Certificate
	key         crypto.Signer
}

// Certificate is a certificate and its key, PEM.
type Certificate struct {
	CertFile, KeyFile string
}

// NewCA makes an authority.
func NewCA(t testing.TB) *CA {
	t.Helper()
	ca := &CA{dir: directory(t, "ca")}
	ca.certificate = &x509.Certificate{
		Subject:               pkix.Name{CommonName: "Ringpace test authority"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	ca.File, _, ca.key = ca.issue(t, "authority", ca.certificate, time.Hour)
	return ca
}

// Certify issues a certificate for a server or client of these names, host names
// or addresses, valid for so long from now on. A negative time: it has expired.
func (ca *CA) Certify(t testing.TB, valid time.Duration, names ...string) Certificate {
	t.Helper()
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: names[0]},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	cert, key, _ := ca.issue(t, names[0], template, valid)
	return Certificate{CertFile: cert, KeyFile: key}
}

// issue signs a template, with its own key where there is no authority's yet.
func (ca *CA) issue(t testing.TB, name string, template *x509.Certificate, valid time.Duration) (certFile, keyFile string, key crypto.Signer) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		t.Fatal(err)
	}
	template.NotBefore = time.Now().Add(-24 * time.Hour)
	template.NotAfter = time.Now().Add(valid)
	signer := ca.key
	if signer == nil {
		signer = key
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, ca.certificate, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(ca.dir, name+"-"+template.SerialNumber.String())
	for file, block := range map[string]*pem.Block{
		base + ".crt": {Type: "CERTIFICATE", Bytes: certificate},
		base + ".key": {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return base + ".crt", base + ".key", key
}
