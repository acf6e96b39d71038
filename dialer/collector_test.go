package dialer_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"ringpace/dialer/api"
)

// collector is what trace.hep sends to: it knows every message that went over the
// daemon's sockets, and from where to where.
type collector struct {
	address, transport string

	mu   sync.Mutex // protects seen
	seen []copied
}

// copied is one message at the collector.
type copied struct {
	from, to    netip.AddrPort
	correlation string
	key         string
	text        string
}

func newCollector(t *testing.T, transport string) *collector {
	t.Helper()
	c := &collector{transport: transport}
	var done sync.WaitGroup
	t.Cleanup(done.Wait)
	if transport == "udp" {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		c.address = conn.LocalAddr().String()
		done.Go(func() {
			for b := make([]byte, 1<<16); ; {
				n, _, err := conn.ReadFrom(b)
				if err != nil {
					return
				}
				c.take(b[:n])
			}
		})
		return c
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	c.address = l.Addr().String()
	done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			done.Go(func() { // until the daemon, which ends before, closes it
				defer conn.Close()
				for b := make([]byte, 1<<16); ; {
					if _, err := io.ReadFull(conn, b[:6]); err != nil {
						return
					}
					n := int(binary.BigEndian.Uint16(b[4:]))
					if _, err := io.ReadFull(conn, b[6:n]); err != nil {
						return
					}
					c.take(b[:n])
				}
			})
		}
	})
	return c
}

// take reads one packet (HEP3): chunks of vendor, type, length and value.
func (c *collector) take(b []byte) {
	if string(b[:4]) != "HEP3" {
		panic(fmt.Sprintf("not HEP3: %q", b))
	}
	var m copied
	var addrs [2]netip.Addr
	var ports [2]uint16
	for b = b[6:]; len(b) > 0; {
		kind, n := binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint16(b[4:])
		value := b[6:n]
		switch kind {
		case 3, 4:
			addrs[kind-3] = netip.AddrFrom4([4]byte(value))
		case 7, 8:
			ports[kind-7] = binary.BigEndian.Uint16(value)
		case 0x0e:
			m.key = string(value)
		case 0x0f:
			m.text = string(value)
		case 0x11:
			m.correlation = string(value)
		}
		b = b[n:]
	}
	m.from, m.to = netip.AddrPortFrom(addrs[0], ports[0]), netip.AddrPortFrom(addrs[1], ports[1])
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = append(c.seen, m)
}

// settings are those of a daemon that sends here.
func (c *collector) settings() string {
	return fmt.Sprintf(`hep: {address: %q, transport: %s, password: "homer"}`, c.address, c.transport)
}

// messages are those from or to an address that begin with these words.
func (c *collector) messages(at netip.AddrPort, words string) []copied {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []copied
	for _, m := range c.seen {
		if (m.from == at || m.to == at) && strings.HasPrefix(m.text, words) {
			list = append(list, m)
		}
	}
	return list
}

// targets are the addresses that messages went to from one.
func (c *collector) targets(from netip.AddrPort) map[netip.AddrPort]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[netip.AddrPort]int{}
	for _, m := range c.seen {
		if m.from == from {
			all[m.to]++
		}
	}
	return all
}

// A collector gets every message of a call, both legs, under the attempt's id.
func TestCopiesGoToTheCollector(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			c := newCollector(t, transport)
			h := build(t, plan{Agents: 1, AgentSet: "mode: ring, wrap_up: 0s", Trace: c.settings()})
			h.awaitAgent("a1001", api.AgentReady)
			h.load(0, 1)
			h.awaitAgent("a1001", api.AgentTalking)
			if _, err := h.daemon.Hangup(t.Context(), "a1001"); err != nil {
				t.Fatal(err)
			}
			id := h.awaitRecords(1)[0].ID
			for leg, at := range map[string]netip.AddrPort{"carrier": h.carrier.Addr(), "agent": h.pbx.Addr()} {
				for _, words := range []string{"INVITE ", "SIP/2.0 200", "ACK ", "BYE "} {
					h.await(leg+"'s "+words, func() bool {
						for _, m := range c.messages(at, words) {
							if m.correlation == id && m.key == "homer" {
								return true
							}
						}
						return false
					})
				}
			}
			for _, m := range c.messages(h.carrier.Addr(), "INVITE ") {
				if m.correlation != id || m.to != h.carrier.Addr() {
					t.Errorf("copied under %q, to %s: %s", m.correlation, m.to, m.text)
				}
			}
		})
	}
}
