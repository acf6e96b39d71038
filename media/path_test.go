package media_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"ringpace/media"
)

// poisoned changes the payload, which is then not to be heard.
func poisoned(p *rtp.Packet) *rtp.Packet {
	p.Payload = bytes.Repeat([]byte{poison}, 160)
	return p
}

// amid gives, for each packet but the first, one that arrives right behind it.
func amid(n int, make func(i int) arrival) (out []arrival) {
	for i := 1; i < n; i++ {
		a := make(i)
		a.at = sentAt(i) + 5*ms
		out = append(out, a)
	}
	return out
}

func raw(b []byte) arrival { return arrival{from: media.PartyAddr, b: b} }

// TestBadInput lets an agent say three seconds while something else arrives or happens,
// and compares what the customer heard, and what the recording holds, with what the
// agent said, packet for packet and sample for sample.
func TestBadInput(t *testing.T) {
	const n = 150
	host := func(a string) netip.AddrPort { return netip.MustParseAddrPort(a) }
	// good is the i-th packet with a poisoned payload, so that its acceptance shows.
	good := func(i int) []byte { return arrives(0, poisoned(spoken(i))).b }
	first := func(i int, octet byte) []byte {
		b := good(i)
		b[0] = octet
		return b
	}
	cases := []struct {
		name      string
		change    func(i int, p *rtp.Packet) bool
		more      func(c *conversation) []arrival
		own       bool // the party uses our SSRC
		came      func(i int) bool
		malformed uint64
		strangers uint64
	}{
		{name: "nothing"},
		{name: "a stranger", more: func(*conversation) []arrival {
			return amid(n, func(i int) arrival {
				p := poisoned(spoken(i + 77))
				p.SSRC = 666
				return arrival{from: host("198.51.100.66:6666"), b: arrives(0, p).b}
			})
		}, strangers: n - 1},
		{name: "a stranger who knows all numbers", more: func(*conversation) []arrival {
			return amid(n, func(i int) arrival { return arrival{from: host("198.51.100.66:6666"), b: good(i + 1)} })
		}, strangers: n - 1},
		{name: "another process of the party's host", more: func(*conversation) []arrival {
			return amid(n, func(i int) arrival { return arrival{from: host("127.0.0.1:6666"), b: good(i + 1)} })
		}, strangers: n - 1},
		{name: "a stranger's report", more: func(*conversation) []arrival {
			return amid(n, func(i int) arrival {
				return arrival{from: host("198.51.100.66:6667"), rtcp: true, b: []byte{0x81, 203, 0, 1, 0, 0, 0, 7}}
			})
		}},
		{name: "each packet twice", more: func(*conversation) []arrival {
			return amid(n, func(i int) arrival { return raw(arrives(0, spoken(i)).b) })
		}},
		{name: "each packet again after a second", more: func(*conversation) []arrival {
			return amid(n, func(i int) arrival { return raw(arrives(0, spoken(max(0, i-50))).b) })
		}},
		{name: "each packet again after 2.4 seconds", more: func(*conversation) []arrival {
			return amid(n, func(i int) arrival { return raw(arrives(0, spoken(max(0, i-120))).b) })
		}},
		{name: "the first packets again at once", more: func(*conversation) (out []arrival) {
			for i := range 20 {
				out = append(out, arrival{at: sentAt(140) + ms, from: media.PartyAddr, b: arrives(0, spoken(i)).b})
			}
			return out
		}},
		{name: "versions that are not RTP's", more: func(*conversation) []arrival {
			return amid(n, func(i int) arrival { return raw(first(i, []byte{0, 1 << 6, 3 << 6}[i%3])) })
		}, malformed: n - 1},
		{name: "truncated headers", more: func(*conversation) []arrival {
			return amid(n, func(i int) arrival { return raw(good(i)[:i%13]) })
		}, malformed: n - 1},
		{name: "padding longer than the packet", more: func(*conversation) []arrival {
			return amid(n, func(i int) arrival {
				b := first(i, 2<<6|0x20)
				b[len(b)-1] = byte(161 + i%90)
				return raw(b)
			})
		}, malformed: n - 1},
		{name: "sources beyond the end", more: func(*conversation) []arrival {
			return amid(n, func(i int) arrival { return raw(first(i, 2<<6|15)[:12+i%61]) })
		}, malformed: n - 1},
		{name: "an extension beyond the end", more: func(*conversation) []arrival {
			return amid(n, func(i int) arrival {
				b := first(i, 2<<6|0x10)
				binary.BigEndian.PutUint16(b[14:], uint16(39+i*430))
				return raw(b)
			})
		}, malformed: n - 1},
		{name: "an extension that is not there", more: func(*conversation) []arrival {
			return amid(n, func(i int) arrival { return raw(first(i, 2<<6|0x10)[:13+i%3]) })
		}, malformed: n - 1},
		{name: "far too much", more: func(*conversation) []arrival {
			return amid(n, func(i int) arrival { return raw(append(good(i), make([]byte, []int{1501, 65507}[i%2]-172)...)) })
		}, malformed: n - 1},
		{name: "payload types that nobody agreed on", more: func(*conversation) []arrival {
			return amid(n, func(i int) arrival {
				b := good(i)
				b[1] = []byte{18, 72, 73, 77, 97, 127}[i%6]
				return raw(b)
			})
		}, malformed: n - 1},
		{name: "reports that are none", more: func(*conversation) []arrival {
			return amid(n, func(i int) arrival {
				return arrival{from: media.PartyAddr, rtcp: true, b: []byte{0x9F, byte(198 + i%8), 0xFF, 0xFF, 1, 2, 3, 4, 5}[:i%10]}
			})
		}},
		{name: "all that a header may have", change: func(i int, p *rtp.Packet) bool {
			p.CSRC = make([]uint32, i%16)
			p.Header.Padding, p.PaddingSize = i%2 == 0, byte((1-i%2)*(1+i))
			if i%3 == 0 {
				p.Extension, p.ExtensionProfile = true, 0xBEDE
				if err := p.SetExtension(1, []byte{1, 2, 3}); err != nil {
					panic(err)
				}
			}
			return true
		}},
		{name: "the SSRC of the stream that the agent is sent", own: true},
		{name: "another SSRC", change: func(i int, p *rtp.Packet) bool {
			if i >= 60 {
				p.SSRC, p.SequenceNumber, p.Timestamp = 8, p.SequenceNumber+777, p.Timestamp+77777
			}
			return true
		}},
		{name: "a timestamp five hours ahead", change: func(i int, p *rtp.Packet) bool {
			if i >= 60 {
				p.Timestamp += 5 * 3600 * 8000
			}
			return true
		}},
		{name: "a timestamp five hours back", change: func(i int, p *rtp.Packet) bool {
			if i >= 60 {
				p.Timestamp -= 5 * 3600 * 8000
			}
			return true
		}},
		{name: "a timestamp as far off as can be, and back", change: func(i int, p *rtp.Packet) bool {
			if i >= 60 && i < 90 {
				p.Timestamp += 1 << 31
			}
			return true
		}},
		{name: "one timestamp astray", change: func(i int, p *rtp.Packet) bool {
			if i == 60 {
				p.Timestamp += 1 << 30
			}
			return true
		}},
		{name: "sequence numbers anew", change: func(i int, p *rtp.Packet) bool {
			if i >= 60 {
				p.SequenceNumber += 20000
			}
			return true
		}, came: func(i int) bool { return i != 60 }},
		{name: "thirty per cent lost", change: func(i int, _ *rtp.Packet) bool { return kept(i) }, came: kept},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				talk := converse(t)
				if c.came == nil {
					c.came = all
				}
				if c.own {
					c.change = func(_ int, p *rtp.Packet) bool {
						p.SSRC = talk.agent.SSRC()
						return true
					}
				}
				toAgent := speech(n, c.change)
				if c.more != nil {
					toAgent = append(toAgent, c.more(talk)...)
				}
				talk.run(toAgent)
				got := talk.close()
				checkHeard(t, got.heard, c.came, n)
				checkRecorded(t, "agent", got.right, transited, c.came, n)
				checkRecorded(t, "customer", got.left, transited, all, talk.said)
				if got.stats.Malformed != c.malformed || got.stats.Strangers != c.strangers {
					t.Errorf("%d malformed, %d strangers; want %d, %d", got.stats.Malformed, got.stats.Strangers, c.malformed, c.strangers)
				}
				missing := int64(0)
				for i := range n {
					if !c.came(i) {
						missing++
					}
				}
				// A source that counts anew cannot tell what was left out then.
				if lost := got.summary.Right.Lost; lost != missing && c.name != "sequence numbers anew" || got.summary.Left.Lost != 0 {
					t.Errorf("%d packets are lost to the recording, %d to the customer's side; want %d, 0", lost, got.summary.Left.Lost, missing)
				}
			})
		})
	}
}

// kept is false for three packets in ten, single ones and runs, not the first and last.
func kept(i int) bool { return (i*i+i/7)%10 > 2 || i == 0 || i == 149 }

// TestLossAndReordering has three packets of ten be lost and the others be held up by
// as much as 200 ms, each by itself: the recording has each sample at its place, and
// silence only where nothing came.
func TestLossAndReordering(t *testing.T) {
	const n, most = 1500, 200 * ms
	// In the last the first packets are all late, by 45 ms at least.
	for _, seed := range []uint64{0, 1, 2, 3, 4, 381} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 1))
				var came [n]bool
				var toAgent []arrival
				for i := range n {
					if came[i] = random.IntN(10) > 2; came[i] {
						p := spoken(i)
						toAgent = append(toAgent, arrives(sentAt(i)+time.Duration(random.Int64N(int64(most))), p))
					}
				}
				talk := converse(t)
				talk.run(toAgent)
				got := talk.close()
				first := slices.Index(came[:], true)
				lead := bytes.Index(got.right, octets(first)) - 160*first
				if lead < transited || lead > transited+1600 {
					t.Errorf("the first packet lies %d samples from the start", lead)
				}
				kept := func(i int) bool { return came[i] }
				checkRecorded(t, "agent", got.right, lead, kept, n)
				checkRecorded(t, "customer", got.left, transited, all, talk.said)
				checkHeard(t, got.heard, kept, n)
			})
		})
	}
}
