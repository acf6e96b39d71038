package main

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"
)

// fault is what a relay of these tests does to one packet of a stream. It returns
// the packets to send instead, which may be none.
type fault func(s stream, number uint32, packet []byte) [][]byte

// faultyRelay is a relay between the far ends of calls. It ends with the test.
func faultyRelay(t *testing.T, ends []legs, spoil fault) []legs {
	t.Helper()
	var (
		ports   []legs
		sockets []*net.UDPConn
		reading sync.WaitGroup
	)
	for call, pair := range ends {
		var both [2]*net.UDPConn
		var at legs
		for leg := range both {
			socket, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
			if err != nil {
				t.Fatal(err)
			}
			both[leg], at[leg] = socket, socket.LocalAddr().(*net.UDPAddr).AddrPort()
		}
		for leg, from := range both {
			reading.Go(func() {
				buffer := make([]byte, 2048)
				for {
					n, _, err := from.ReadFromUDPAddrPort(buffer)
					if errors.Is(err, net.ErrClosed) {
						return
					}
					if err != nil {
						continue
					}
					s := streamOf(call, leg)
					number, ok := s.number(buffer[headerSize:n])
					if !ok {
						t.Errorf("what the generator sends is not packet of stream %d", s)
						return
					}
					for _, packet := range spoil(s, number, append([]byte(nil), buffer[:n]...)) {
						if _, err := both[1-leg].WriteToUDPAddrPort(packet, pair[1-leg]); err != nil && !errors.Is(err, net.ErrClosed) {
							t.Error(err)
						}
					}
				}
			})
		}
		ports, sockets = append(ports, at), append(sockets, both[:]...)
	}
	t.Cleanup(func() {
		for _, s := range sockets {
			s.Close()
		}
		reading.Wait()
	})
	return ports
}

// every tells whether a packet is of the stream and number that a fault is about.
func every(tenth uint32, s stream, number uint32) bool { return s == 1 && number%10 == tenth }

// What a relay does wrong must be found, all of it and nothing else.
func TestFaultsAreFound(t *testing.T) {
	t.Parallel()
	const periods = 30 // three faults of one in ten
	as := func(packet []byte) [][]byte { return [][]byte{packet} }
	var held []byte
	tests := []struct {
		name  string
		spoil fault
		want  window
		lost  int
	}{
		{
			"none", func(_ stream, _ uint32, p []byte) [][]byte { return as(p) },
			window{Received: 4 * periods},
			0,
		},
		{
			"loss", func(s stream, n uint32, p []byte) [][]byte {
				if every(3, s, n) {
					return nil
				}
				return as(p)
			},
			window{Received: 4*periods - 3},
			3,
		},
		{
			"reordering", func(s stream, n uint32, p []byte) [][]byte {
				switch {
				case every(3, s, n):
					held = p
					return nil
				case every(4, s, n) && held != nil:
					return [][]byte{p, held}
				}
				return as(p)
			},
			window{Received: 4 * periods, Reordered: 3},
			0,
		},
		{
			"duplicates", func(s stream, n uint32, p []byte) [][]byte {
				if every(3, s, n) {
					return [][]byte{p, p}
				}
				return as(p)
			},
			window{Received: 4 * periods, Duplicated: 3},
			0,
		},
		{
			"one sample is another", func(s stream, n uint32, p []byte) [][]byte {
				if every(3, s, n) {
					p[len(p)-1]++
				}
				return as(p)
			},
			window{Received: 4*periods - 3, Altered: 3},
			3,
		},
		{
			"another stream's packet", func(s stream, n uint32, p []byte) [][]byte {
				if every(3, s, n) {
					stream(2).put(p[headerSize:], n)
				}
				return as(p)
			},
			window{Received: 4*periods - 3, Altered: 3},
			3,
		},
		{
			"a payload that ends early", func(s stream, n uint32, p []byte) [][]byte {
				if every(3, s, n) {
					p = p[:len(p)-1]
				}
				return as(p)
			},
			window{Received: 4*periods - 3, Altered: 3},
			3,
		},
		{
			"sequence numbers that jump and stay", func(s stream, n uint32, p []byte) [][]byte {
				if s == 1 {
					binary.BigEndian.PutUint16(p[2:], binary.BigEndian.Uint16(p[2:])+uint16(n/10))
				}
				return as(p)
			},
			window{Received: 4 * periods, Broken: 3},
			0,
		},
		{
			"a timestamp that is off once", func(s stream, n uint32, p []byte) [][]byte {
				if every(3, s, n) {
					binary.BigEndian.PutUint32(p[4:], 0)
				}
				return as(p)
			},
			window{Received: 4 * periods, Broken: 6},
			0, // there and back
		},
		{
			"another SSRC", func(s stream, n uint32, p []byte) [][]byte {
				if s == 1 {
					binary.BigEndian.PutUint32(p[8:], n/10)
				}
				return as(p)
			},
			window{Received: 4 * periods, Broken: 3},
			0,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := found(t, periods, test.spoil)
			got := window{
				Received: f.Received, Reordered: f.Reordered, Duplicated: f.Duplicated, Altered: f.Altered, Broken: f.Broken,
			}
			if got.Received != test.want.Received || got.Reordered != test.want.Reordered ||
				got.Duplicated != test.want.Duplicated || got.Altered != test.want.Altered || got.Broken != test.want.Broken || f.lost() != test.lost {
				t.Errorf("found %+v, %d lost; want %+v, %d lost", got, f.lost(), test.want, test.lost)
			}
			if f.clean() != (test.name == "none") {
				t.Errorf("clean: %t", f.clean())
			}
			if f.P50 <= 0 || f.P99 < f.P50 || f.Max < f.P999 {
				t.Errorf("delays: %v, %v, %v, %v", f.P50, f.P99, f.P999, f.Max)
			}
		})
	}
}

// found runs two calls through a relay with a fault.
func found(t *testing.T, periods int, spoil fault) findings {
	t.Helper()
	g, err := newGenerator(setup{Calls: 2, Tick: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.close(); err != nil {
			t.Error(err)
		}
	})
	if err := g.start(nearEnds{Ports: faultyRelay(t, g.far.Ends, spoil)}); err != nil {
		t.Fatal(err)
	}
	f, err := g.measure(time.Duration(periods)*packetTime, os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A delay is that of the relay, whoever else is slow.
func TestDelayIsMeasured(t *testing.T) {
	t.Parallel()
	const held = 30 * time.Millisecond
	f := found(t, 10, func(_ stream, _ uint32, p []byte) [][]byte {
		timer := time.NewTimer(held)
		<-timer.C
		return [][]byte{p}
	})
	if f.P50 < held {
		t.Errorf("half of the packets took less than %v, which none did", f.P50)
	}
}
