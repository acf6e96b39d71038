package wire

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"ringpace/sip/header"
)

// TLS is how a trunk's server proves who it is, and we prove who we are.
type TLS struct {
	CAFile     string // PEM certificates of the authorities to believe; default: the system's
	CertFile   string // PEM client certificate, if the server wants one
	KeyFile    string // its key
	ServerName string // name in the server's certificate; default: the host of OutboundProxy or Server
}

// Profile is a TLS ready for use.
type Profile struct {
	name string // that the certificate must hold (RFC 5922 section 7.1)
	ca   string
	own  *certificate // nil: none
}

func NewProfile(cfg TLS, host string, log *slog.Logger) (*Profile, error) {
	p := &Profile{name: cfg.ServerName, ca: cfg.CAFile}
	if p.name == "" {
		p.name = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	}
	if !header.IsHost(p.name) {
		return nil, fmt.Errorf("TLS server name %q is no host name or address", p.name)
	}
	if _, err := p.roots(); err != nil {
		return nil, err
	}
	if (cfg.CertFile == "") != (cfg.KeyFile == "") {
		return nil, errors.New("a client certificate needs its key, and a key its certificate")
	}
	if cfg.CertFile != "" {
		var err error
		if p.own, err = newCertificate(cfg.CertFile, cfg.KeyFile, log); err != nil {
			return nil, fmt.Errorf("client %w", err)
		}
	}
	return p, nil
}

// roots reads the authorities: at each connection, so that a new file serves the
// next one. nil are the system's.
func (p *Profile) roots() (*x509.CertPool, error) {
	if p.ca == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(p.ca)
	if err != nil {
		return nil, fmt.Errorf("CA file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("CA file %s holds no certificate", p.ca)
	}
	return pool, nil
}

// client is the configuration of one connection.
func (p *Profile) client() (*tls.Config, error) {
	roots, err := p.roots()
	if err != nil {
		return nil, err
	}
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS12,
		// The standard library knows no SIP URIs in certificates: verify does it all.
		InsecureSkipVerify: true,
		VerifyConnection:   func(state tls.ConnectionState) error { return p.verify(state, roots) },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if p.own == nil {
				return &tls.Certificate{}, nil
			}
			return p.own.get(), nil
		},
	}
	if _, err := netip.ParseAddr(p.name); err != nil {
		cfg.ServerName = p.name // SNI is for names only (RFC 6066 section 3)
	}
	return cfg, nil
}

// verify checks the server's certificate: its chain, its dates, and that it is for
// the name (RFC 5922 section 7.2). Wildcards are believed, against that section:
// the carriers use them.
func (p *Profile) verify(state tls.ConnectionState, roots *x509.CertPool) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the server shows no certificate")
	}
	leaf := state.PeerCertificates[0]
	intermediates := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		intermediates.AddCert(c)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates}); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
	}
	isName := func(u *url.URL) bool {
		return strings.EqualFold(u.Scheme, "sip") && strings.EqualFold(u.Opaque, p.name)
	}
	for _, u := range leaf.URIs {
		if isName(u) {
			return nil
		}
	}
	if err := leaf.VerifyHostname(p.name); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
	}
	return nil
}

// serverTLS is the configuration of our listeners.
func (l *Layer) serverTLS() (*tls.Config, error) {
	if l.certificate == nil {
		return nil, errors.New("there is no certificate")
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return l.certificate.get(), nil },
	}, nil
}

// noTLS is what sipgo gets for connections of its own: it would verify the server's
// address instead of its name, with nobody's certificate. All of them are dialed by
// flows.
func noTLS() *tls.Config {
	return &tls.Config{VerifyConnection: func(tls.ConnectionState) error { return net.ErrClosed }}
}
