package fault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestPlain(t *testing.T) {
	t.Parallel()
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5060}, Err: err}
	}
	now := time.Now()
	cert := &x509.Certificate{
		NotBefore: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC),
		DNSNames: []string{"a.test"}, IPAddresses: []net.IP{net.IPv4(192, 0, 2, 9)}, URIs: []*url.URL{{Scheme: "sip", Opaque: "b.test"}},
		Issuer: pkix.Name{CommonName: "Evil\r\nCA"},
	}
	early := &x509.Certificate{NotBefore: now.Add(time.Hour), NotAfter: now.Add(2 * time.Hour)}
	verified := func(err error) error { return &tls.CertificateVerificationError{Err: err} }
	for _, c := range []struct {
		err  error
		want string
	}{
		{dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), "connection refused"},
		{dial(os.NewSyscallError("read", syscall.ECONNRESET)), "the connection was closed"},
		{io.EOF, "the connection was closed"},
		{dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH)), "the host cannot be reached"},
		{dial(os.NewSyscallError("connect", syscall.ENETUNREACH)), "there is no way to that network"},
		{dial(os.NewSyscallError("connect", syscall.EACCES)), "permission denied"},
		{dial(os.ErrDeadlineExceeded), "no answer in time"},
		{context.DeadlineExceeded, "no answer in time"},
		{context.Canceled, "given up"},
		{dial(errors.New("mismatched address")), "mismatched address"},
		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, "what answers there is not TLS"},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")}, "the server breaks the TLS handshake off (certificate required)"},
		{errors.New("tls: no cipher suite"), "no cipher suite"},
		{verified(x509.UnknownAuthorityError{Cert: cert}), "the server's certificate is signed by an authority (CN=Evil  CA) that is not trusted here"},
		{verified(x509.UnknownAuthorityError{}), "the server's certificate is signed by an authority that is not trusted here"},
		{
			verified(x509.CertificateInvalidError{Cert: cert, Reason: x509.Expired}),
			"the server's certificate has expired: it held from 2025-01-01 00:00 UTC to 2025-02-01 00:00 UTC",
		},
		{
			verified(x509.CertificateInvalidError{Cert: early, Reason: x509.Expired}),
			"the server's certificate does not hold yet: it begins on " + early.NotBefore.UTC().Format(day),
		},
		{verified(x509.CertificateInvalidError{Reason: x509.Expired}), "the server's certificate has expired, or does not hold yet"},
		{verified(x509.HostnameError{Certificate: cert, Host: "c.test"}), "the server's certificate is for a.test, 192.0.2.9, sip:b.test, not for c.test"},
		{verified(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "c.test"}), "the server's certificate is for no name at all, not for c.test"},
		{verified(errors.New("x509: too many\nintermediates")), "the server's certificate is not in order: too many intermediates"},
		{errors.New(strings.Repeat("x", 400)), strings.Repeat("x", maxWords) + "…"},
	} {
		if got := Plain(c.err); got.Error() != c.want || !errors.Is(got, c.err) {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
	if err := Plain(nil); err != nil {
		t.Error(err)
	}
}
