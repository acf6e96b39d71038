package wire

import (
	"net"
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
