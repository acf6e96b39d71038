package wire

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a certificate and its key in files, read again when they change:
// they are renewed while calls are up.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex // protects the fields below
	pair    *tls.Certificate
	changed time.Time // of the newer file
}

// newCertificate reads the files.
func newCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	if err := c.read(); err != nil {
		return nil, err
	}
	return c, nil
}

// get returns the certificate as the files have it now; the one before, if they
// cannot be used.
func (c *certificate) get() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.modified(); !at.Equal(c.changed) {
		if err := c.read(); err != nil {
			c.changed = at // once for each change
			c.log.Warn("sip: certificate not renewed; the one before is used on", "error", err)
		} else {
			c.log.Info("sip: certificate read again", "file", c.certFile, "until", c.pair.Leaf.NotAfter)
		}
	}
	return c.pair
}

// read reads the files. c.mu is held, or nobody else has c.
func (c *certificate) read() error {
	at := c.modified()
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("certificate %s with key %s: %w", c.certFile, c.keyFile, err)
	}
	c.pair, c.changed = &pair, at
	return nil
}

// modified is when the younger of the two files was written.
func (c *certificate) modified() time.Time {
	var at time.Time
	for _, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil && info.ModTime().After(at) {
			at = info.ModTime()
		}
	}
	return at
}
