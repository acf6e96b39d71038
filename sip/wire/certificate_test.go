package wire

import (
	"os"
	"strings"
	"testing"
	"time"

	"ringpace/sip/wire/wiretest"
)

// A renewed certificate serves the next connection; a broken one leaves the one
// before in use, and is told once.
func TestCertificateRenewal(t *testing.T) {
	t.Parallel()
	ca, dir, lines := wiretest.NewAuthority(t, t.TempDir()), t.TempDir(), make(chan string, 16)
	certFile, keyFile := ca.Certify(dir, time.Hour, "old.test")
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
	ca.Certify(dir, time.Hour, "new.test")
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
