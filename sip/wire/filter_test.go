package wire

import (
	"net"
	"strings"
	"testing"
	"time"

	"ringpace/sip/defence"
)

// BenchmarkDrop is the cost of a datagram that is dropped, with its way through the
// system: what 20,000 of them a second take from a core.
func BenchmarkDrop(b *testing.B) {
	cfg := defence.Default()
	g, err := defence.New(cfg, nil)
	if err != nil {
		b.Fatal(err)
	}
	g.Ban(loopback, time.Hour)
	l := open(b, Config{Guard: g}, "udp")
	to := l.listeners[0].Addr
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	junk := []byte(knock("198.51.100.7", "flood"))
	b.ReportAllocs()
	for i := range b.N {
		if _, err := c.Write(junk); err != nil {
			b.Fatal(err)
		}
		if i%200 != 0 {
			continue
		}
		for uint64(i)-min(uint64(i), g.Bans()[0].Drops+l.Stats().Lost) > 400 { // a paced input: not faster than it is read
			time.Sleep(100 * time.Microsecond)
		}
	}
}

// A request in order that asks for what nobody here knows gets its answer, and is no
// fault to warn of; one that is not in order is.
func TestUnknownIsNoFault(t *testing.T) {
	lines := make(chan string, 10)
	l := open(t, Config{Logger: logTo(lines)}, "udp")
	conn, err := net.Dial("udp", addrOf(l, "udp"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	options := knock(conn.LocalAddr().String(), "c")
	for i, c := range []struct {
		raw, want       string
		refused, faults int
	}{
		{strings.ReplaceAll(options, "OPTIONS", "NEWMETHOD"), "501 Not Implemented", 1, 0},
		{strings.Replace(options, "sip:ringpace SIP/2.0", "http:x SIP/2.0", 1), "416 Unsupported URI Scheme", 2, 0},
		{strings.Replace(options, "sip:ringpace SIP/2.0", "sip:ringpace SIP/7.0", 1), "505 Version Not Supported", 3, 0},
		{strings.Replace(options, "CSeq: 1", "CSeq: one", 1), "400 Bad CSeq", 4, 1},
	} {
		buf := make([]byte, 2048)
		_, err := conn.Write([]byte(c.raw))
		n, readErr := conn.Read(buf)
		if err != nil || readErr != nil || !strings.HasPrefix(string(buf[:n]), "SIP/2.0 "+c.want+"\r\n") {
			t.Errorf("%v %v %q, want %s", err, readErr, buf[:n], c.want)
		}
		eventually(t, "counted", func() bool {
			s := l.Stats()
			return s.Refused == uint64(c.refused) && s.Malformed == uint64(c.faults)
		})
		if i < 3 && len(lines) > 0 {
			t.Errorf("for %s: %s", c.want, <-lines)
		}
	}
	if line := receive(t, lines, "line about what is not in order"); !strings.Contains(line, "Bad CSeq") {
		t.Error(line)
	}
}
