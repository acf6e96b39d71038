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
	text := strings.NewReplacer("METHOD", method, "TO", to, "HERE", s.conn.LocalAddr().String(), "\n", "\r\n").Replace(`METHOD sip:TO@127.0.0.1 SIP/2.0
Via: SIP/2.0/UDP HERE;rport;branch=z9hG4bKMETHOD
Max-Forwards: 70
From: <sip:1001@127.0.0.2>;tag=s
To: <sip:TO@127.0.0.1>
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
	for policy, want := range map[string]string{"reject": "SIP/2.0 403 Forbidden", "silent": "SIP/2.0 200 OK"} {
		t.Run(policy, func(t *testing.T) {
			s := newStranger(build(t, plan{Agents: 1, Strangers: policy}), t)
			s.send("INVITE", official)
			method := "INVITE"
			if policy == "silent" {
				s.send("OPTIONS", official) // answered after the INVITE would have been
				method = "OPTIONS"
			}
			lines := s.until(method)
			if last := lines[len(lines)-1]; last != want || policy == "silent" && len(lines) > 1 {
				t.Errorf("the stranger got %q, want %q at last", lines, want)
			}
		})
	}
}
