package wire

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"ringpace/sip/trace"
)

// Both directions, each retransmission, datagrams and streams.
func TestTraceSeesTheWire(t *testing.T) {
	r := trace.New(trace.Config{})
	l := open(t, Config{Trace: r}, "udp", "tcp")
	p, err := net.Dial("udp", addrOf(l, "udp"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	_ = p.SetReadDeadline(time.Now().Add(patience))
	for range 2 {
		_, _ = io.WriteString(p, knock(p.LocalAddr().String(), "u@x"))
		if _, err := p.Read(make([]byte, 4096)); err != nil {
			t.Fatal(err)
		}
	}
	c := dialTCP(t, l)
	_, _ = io.WriteString(c, strings.Replace(knock("127.0.0.1:9", "t@x"), "UDP", "TCP", 1))
	_, _ = c.Read(make([]byte, 4096))
	for id, want := range map[string]string{
		"u": "udp in OPTIONS|udp in OPTIONS|udp out SIP/2.0 200|udp out SIP/2.0 200",
		"t": "tcp in OPTIONS|tcp out SIP/2.0 200",
	} {
		var got string
		eventually(t, "messages of "+id, func() bool {
			var list []string
			for _, out := range []bool{false, true} { // the two directions may overtake each other
				for _, m := range r.Messages(id) {
					if m.Out != out {
						continue
					}
					words := strings.Fields(string(m.Data))
					line := words[0]
					if m.Out {
						line = "out " + words[0] + " " + words[1]
					} else {
						line = "in " + line
					}
					list = append(list, m.Transport+" "+line)
				}
			}
			got = strings.Join(list, "|")
			return len(list) >= strings.Count(want, "|")+1
		})
		if got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
	for _, m := range r.Messages("u") {
		if m.Remote.String() != p.LocalAddr().String() || m.Local.String() != addrOf(l, "udp") {
			t.Errorf("from %s to %s", m.Remote, m.Local)
		}
	}
}
