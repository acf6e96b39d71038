package sip

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"strings"
	"syscall"

	"ringpace/sip/fault"
	"ringpace/sip/resolve"
)

// advice says what to do about an error on the way to a trunk's server.
func advice(err error) string {
	if text := tlsAdvice(err); text != "" {
		return text
	}
	switch {
	case errors.Is(err, ErrCredentials):
		return "check username, auth_username and password of the trunk"
	case errors.Is(err, ErrNoChallenge):
		return "ask the carrier for MD5, SHA-256 or SHA-512-256"
	case errors.Is(err, resolve.ErrNotFound):
		return "check the server's name for typing errors"
	case errors.Is(err, resolve.ErrNoAnswer):
		return "check the name servers in /etc/resolv.conf or sip.dns_servers, and the firewall for port 53; a server with its port (host:port) needs no SRV record"
	case errors.Is(err, resolve.ErrRefused):
		return "try another transport, or give the server's port"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: check the trunk's server, port and transport"
	case errors.Is(err, syscall.ECONNRESET):
		return "the server closed the connection: check port and transport, and whether it knows this machine's address"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no way to that address: check the network and sip.listen"
	case errors.Is(err, ErrTooLong):
		return "set the trunk's transport to tcp"
	case errors.Is(err, ErrNoRoute):
		return "check the server's name and the addresses of sip.listen"
	case errors.Is(err, ErrTimeout), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "check address, port, transport and firewall"
	}
	return ""
}

// tlsAdvice is advice for what can be wrong with certificates.
func tlsAdvice(err error) string {
	var (
		unknown  x509.UnknownAuthorityError
		invalid  x509.CertificateInvalidError
		name     x509.HostnameError
		plain    tls.RecordHeaderError
		verified *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &unknown):
		return "set tls.ca_file of the trunk to the certificate of the authority that signs the server's"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the carrier has to renew it, unless this machine's clock is wrong"
	case errors.As(err, &name):
		return "if it is the right server, set tls.server_name of the trunk to a name of its certificate"
	case errors.As(err, &verified):
		return "the carrier has to repair its certificate"
	case errors.As(err, &plain):
		return "that port speaks no TLS: check port and transport"
	case fault.Alert(err) != "":
		if text := fault.Alert(err); strings.Contains(text, "certificate") || text == "handshake failure" {
			return "the server wants another client certificate: set tls.cert_file and tls.key_file of the trunk to the one that the carrier agreed to"
		}
		return "the server refuses the TLS handshake: ask the carrier for the versions and ciphers that it takes"
	}
	return ""
}

// explain is an error in words, with what to do about it.
func explain(err error) string {
	text := strings.ReplaceAll(err.Error(), "sip: ", "")
	if a := advice(err); a != "" {
		text += "; " + a
	}
	return text
}
