package dialer_test

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// packet is a SIP message that a scripted carrier has got, as it came.
type packet struct {
	text   string
	before *packet  // of a CANCEL: the INVITE
	at     net.Addr // of the carrier
}

func (m packet) method() string { return m.text[:strings.IndexByte(m.text, ' ')] }

// all are the values of the header fields of that name.
func (m packet) all(name string) []string {
	var values []string
	head, _, _ := strings.Cut(m.text, "\r\n\r\n")
	for _, line := range strings.Split(head, "\r\n")[1:] {
		if n, v, _ := strings.Cut(line, ":"); strings.EqualFold(n, name) {
			values = append(values, strings.TrimSpace(v))
		}
	}
	return values
}

// reply is a response to it.
func (m packet) reply(status, sdp string) string {
	text := "SIP/2.0 " + status + "\r\n"
	for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		for _, v := range m.all(name) {
			if name == "To" && !strings.Contains(v, ";tag=") {
				v += ";tag=far"
			}
			text += name + ": " + v + "\r\n"
		}
	}
	if sdp != "" {
		text += fmt.Sprintf("Contact: <sip:far@%s>\r\n", m.at) + "Content-Type: application/sdp\r\n"
	}
	return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", text, len(sdp), sdp)
}

// scriptedCarrier is a trunk that answers what it gets as it is told, and keeps it as it
// was on the wire.
type scriptedCarrier struct {
	conn net.PacketConn

	mu  sync.Mutex
	got []packet
}

func newScriptedCarrier(t *testing.T, answer func(packet) (replies []string)) *scriptedCarrier {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &scriptedCarrier{conn: conn}
	done := make(chan struct{})
	go func() {
		defer close(done)
		invites := map[string]*packet{} // by Call-ID
		b := make([]byte, 65536)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			m := packet{text: string(b[:n]), at: conn.LocalAddr()}
			if len(strings.Fields(m.text)) < 3 || strings.HasPrefix(m.text, "SIP/2.0 ") {
				continue // a keep-alive, an answer to us
			}
			id := strings.Join(m.all("Call-ID"), " ")
			switch m.method() {
			case "INVITE":
				invites[id] = &m
			case "CANCEL":
				m.before = invites[id]
			}
			c.mu.Lock()
			c.got = append(c.got, m)
			c.mu.Unlock()
			for _, reply := range answer(m) {
				_, _ = conn.WriteTo([]byte(reply), from) // who is gone takes nothing
			}
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return c
}

// trunk is the carrier in the plan of a house.
func (c *scriptedCarrier) trunk() string {
	return fmt.Sprintf("server: %q\n    health_interval: 0", c.conn.LocalAddr())
}

// requests are those of a method that it has got so far.
func (c *scriptedCarrier) requests(method string) (list []packet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.got {
		if m.method() == method {
			list = append(list, m)
		}
	}
	return list
}
