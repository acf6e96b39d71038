package dialer_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// stranger is a socket on an address that the configuration does not name.
type stranger struct {
	t    *testing.T
	conn net.Conn
}

func newStranger(h *house, t *testing.T) *stranger {
	t.Helper()
	at, _ := h.daemon.SIPAddr("udp")
	conn, err := (&net.Dialer{LocalAddr: &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)}}).Dial("udp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &stranger{t, conn}
}

// send sends a request that opens a dialog, or none.
func (s *stranger) send(method, to string) {
	s.t.Helper()
	s.sendTo(method, to, "")
}

// sendTo sends a request with what is to stand behind its To.
func (s *stranger) sendTo(method, to, behind string) {
	s.t.Helper()
	text := strings.NewReplacer("METHOD", method, "BEHIND", behind, "TO", to, "HERE", s.conn.LocalAddr().String(), "\n", "\r\n").Replace(`METHOD sip:TO@127.0.0.1 SIP/2.0
Via: SIP/2.0/UDP HERE;rport;branch=z9hG4bKMETHOD
Max-Forwards: 70
From: <sip:1001@127.0.0.2>;tag=s
To: <sip:TO@127.0.0.1>BEHIND
Call-ID: METHOD-s
CSeq: 1 METHOD
Contact: <sip:1001@HERE>
Content-Length: 0

`)
	if _, err := fmt.Fprint(s.conn, text); err != nil {
		s.t.Fatal(err)
	}
}

// until returns the first lines of what comes until a response to that method.
func (s *stranger) until(method string) []string {
	s.t.Helper()
	_ = s.conn.SetReadDeadline(time.Now().Add(patience))
	var lines []string
	for buf := make([]byte, 4096); ; {
		n, err := s.conn.Read(buf)
		if err != nil {
			s.t.Fatalf("after %q: %v", lines, err)
		}
		line, rest, _ := strings.Cut(string(buf[:n]), "\r\n")
		if strings.Contains(rest, "1 "+method) && !strings.HasPrefix(line, "SIP/2.0 1") {
			return append(lines, line)
		}
		lines = append(lines, line)
	}
}

// TestStranger holds that a call from somewhere that the configuration does not name
// reaches nobody, though it gives itself out for an agent and calls the official
// number: it is refused, or not answered at all.
func TestStranger(t *testing.T) {
	t.Parallel()
	t.Run("reject", func(t *testing.T) {
		t.Parallel()
		s := newStranger(build(t, plan{Agents: 1}), t)
		s.send("INVITE", official)
		if lines := s.until("INVITE"); lines[len(lines)-1] != "SIP/2.0 403 Forbidden" {
			t.Errorf("the stranger got %q, want 403 at last", lines)
		}
	})
	t.Run("silent", func(t *testing.T) {
		t.Parallel()
		h := build(t, plan{Agents: 1, Strangers: "silent"})
		s := newStranger(h, t)
		s.send("INVITE", official)
		s.send("OPTIONS", official)
		h.await("two messages dropped unread", func() bool {
			status, err := h.daemon.Status(t.Context())
			return err == nil && status.Defence.Dropped["stranger"] == 2
		})
		// One that belongs to a dialog, which there is not, is answered: after the others
		// would have been.
		s.sendTo("BYE", official, ";tag=x")
		if lines := s.until("BYE"); len(lines) != 1 {
			t.Errorf("the stranger got %q, want nothing but the answer to BYE", lines)
		}
	})
}
