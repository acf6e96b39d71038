// Package fault says in plain words what the network, TLS and certificates report: for
// people who run a telephone system and do not read Go. What it returns is immutable.
package fault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// plain is an error in words of ours; the cause stays beneath.
type plain struct {
	words string
	cause error
}

func (p *plain) Error() string { return p.words }
func (p *plain) Unwrap() error { return p.cause }

// Plain returns the error in plain words, on one line. errors.Is and errors.As find what
// it was. nil stays nil.
func Plain(err error) error {
	if err == nil {
		return nil
	}
	return &plain{words(err), err}
}

// words is an error in plain words.
func words(err error) string {
	if text := certificate(err); text != "" {
		return text
	}
	var (
		timeout interface{ Timeout() bool }
		header  tls.RecordHeaderError
		op      *net.OpError
		errno   syscall.Errno
	)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return "the connection was closed"
	case errors.Is(err, syscall.EHOSTUNREACH):
		return "the host cannot be reached"
	case errors.Is(err, syscall.ENETUNREACH):
		return "there is no way to that network"
	case errors.Is(err, context.Canceled):
		return "given up"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.As(err, &header):
		return "what answers there is not TLS"
	case Alert(err) != "":
		return "the server breaks the TLS handshake off (" + Alert(err) + ")"
	case errors.As(err, &op) && !errors.As(err, &errno):
		return oneLine(strings.TrimPrefix(op.Err.Error(), "tls: "))
	case errors.As(err, &errno):
		return errno.Error()
	}
	return oneLine(strings.TrimPrefix(err.Error(), "tls: "))
}

// Alert is the TLS alert by which the far side ended a connection ("handshake failure";
// RFC 8446 section 6), "" where the error is none.
func Alert(err error) string {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" { // the alert's own type is not exported
		return ""
	}
	return strings.TrimPrefix(op.Err.Error(), "tls: ")
}

// certificate says what is wrong with a certificate; "" where the error is none of that.
func certificate(err error) string {
	var (
		unknown  x509.UnknownAuthorityError
		invalid  x509.CertificateInvalidError
		name     x509.HostnameError
		verified *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &unknown):
		by := ""
		if c := unknown.Cert; c != nil {
			by = " (" + oneLine(c.Issuer.String()) + ")"
		}
		return "the server's certificate is signed by an authority" + by + " that is not trusted here"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return validity(invalid.Cert)
	case errors.As(err, &name):
		return fmt.Sprintf("the server's certificate is for %s, not for %s", names(name.Certificate), name.Host)
	case errors.As(err, &verified):
		return "the server's certificate is not in order: " + oneLine(strings.TrimPrefix(verified.Err.Error(), "x509: "))
	}
	return ""
}

const day = "2006-01-02 15:04 MST"

// validity says when a certificate held, or will.
func validity(c *x509.Certificate) string {
	switch {
	case c == nil:
		return "the server's certificate has expired, or does not hold yet"
	case time.Now().Before(c.NotBefore):
		return fmt.Sprintf("the server's certificate does not hold yet: it begins on %s", c.NotBefore.UTC().Format(day))
	}
	return fmt.Sprintf("the server's certificate has expired: it held from %s to %s", c.NotBefore.UTC().Format(day), c.NotAfter.UTC().Format(day))
}

// maxNames bounds the names of a certificate that are told.
const maxNames = 4

// names are those that a certificate is for.
func names(c *x509.Certificate) string {
	if c == nil {
		return "another name"
	}
	all := slices.Clone(c.DNSNames)
	for _, a := range c.IPAddresses {
		all = append(all, a.String())
	}
	for _, u := range c.URIs {
		all = append(all, u.String())
	}
	switch {
	case len(all) == 0:
		return "no name at all"
	case len(all) > maxNames:
		all = append(all[:maxNames], "…")
	}
	return oneLine(strings.Join(all, ", "))
}

// maxWords bounds what a far side may have put into a message, in octets.
const maxWords = 300

// oneLine keeps what others wrote to one short line.
func oneLine(text string) string {
	if len(text) > maxWords {
		text = strings.ToValidUTF8(text[:maxWords], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}
