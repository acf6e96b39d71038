package media

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"
)

// fakePort is a socket that only has an address.
type fakePort struct {
	fakeSocket
	addr netip.AddrPort
	used map[uint16]bool
}

func (f *fakePort) LocalAddr() netip.AddrPort { return f.addr }

func (f *fakePort) Close() error {
	delete(f.used, f.addr.Port())
	return nil
}

func newFakePool(t *testing.T, first, last uint16) (pool *portPool, used map[uint16]bool) {
	t.Helper()
	used = make(map[uint16]bool)
	pool, err := newPortPool(first, last, 10*time.Second, func(a netip.AddrPort) (socket, error) {
		if used[a.Port()] {
			return nil, errFake
		}
		used[a.Port()] = true
		return &fakePort{addr: a, used: used}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pool, used
}

func closePair(p portPair) {
	p.rtp.Close()
	p.rtcp.Close()
}

func TestPortPool(t *testing.T) {
	pool, used := newFakePool(t, 10001, 10008) // three whole pairs
	now := time.Now()
	var pairs []portPair
	for range 3 {
		pair, err := pool.take(loopback, now)
		if err != nil {
			t.Fatal(err)
		}
		if pair.port%2 != 0 || pair.rtcp.LocalAddr().Port() != pair.port+1 || pair.port < 10001 || pair.port+1 > 10008 {
			t.Errorf("pair %v and %v", pair.rtp.LocalAddr(), pair.rtcp.LocalAddr())
		}
		pairs = append(pairs, pair)
	}
	if _, err := pool.take(loopback, now); !errors.Is(err, ErrPortsExhausted) {
		t.Errorf("a fourth pair: %v", err)
	}
	closePair(pairs[1])
	pool.give(pairs[1], now)
	if _, err := pool.take(loopback, now.Add(9*time.Second)); !errors.Is(err, ErrPortsExhausted) {
		t.Errorf("a pair that cools down was taken: %v", err)
	}
	if inUse, free := pool.available(now.Add(10 * time.Second)); inUse != 2 || free != 1 {
		t.Errorf("%d in use, %d free", inUse, free)
	}
	if pair, err := pool.take(loopback, now.Add(10*time.Second)); err != nil || pair.port != pairs[1].port {
		t.Errorf("after the cool-down: %v, %v", pair.port, err)
	}
	if len(used) != 6 {
		t.Errorf("%d sockets open, want 6", len(used))
	}
}

func TestPortTakenByAnotherProcess(t *testing.T) {
	pool, used := newFakePool(t, 20000, 20003)
	used[20001] = true // not ours
	now := time.Now()
	pair, err := pool.take(loopback, now)
	if err != nil || pair.port != 20002 {
		t.Fatalf("port %d, %v; want 20002", pair.port, err)
	}
	if _, err := pool.take(loopback, now); !errors.Is(err, ErrPortsExhausted) {
		t.Errorf("error %v", err)
	}
	if used[20000] {
		t.Error("half of the pair that could not be opened stayed open")
	}
	delete(used, 20001)
	if pair, err := pool.take(loopback, now.Add(time.Minute)); err != nil || pair.port != 20000 {
		t.Errorf("once it is free again: %v, %v", pair.port, err)
	}
}

func TestPortRanges(t *testing.T) {
	for _, r := range [][2]uint16{{1, 2}, {5, 5}, {7, 6}, {0, 100}, {65535, 65535}} {
		if _, err := newPortPool(r[0], r[1], 0, goroutines{}.open); err == nil {
			t.Errorf("range %d-%d passes", r[0], r[1])
		}
	}
	if pool, err := newPortPool(65534, 65535, 0, goroutines{}.open); err != nil || len(pool.rest) != 1 {
		t.Errorf("the last pair of all: %v", err)
	}
}

// TestEngineExhaustsItsPorts uses real sockets, and a real port that is taken.
func TestEngineExhaustsItsPorts(t *testing.T) {
	taken, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	even := uint16(taken.LocalAddr().(*net.UDPAddr).Port) &^ 1
	small, err := NewEngine(Config{Addr: loopback, PortMin: even, PortMax: even + 1})
	if err != nil {
		t.Fatal(err)
	}
	defer small.Close()
	if _, err := small.NewSession(SessionConfig{}); !errors.Is(err, ErrPortsExhausted) {
		t.Errorf("error %v, want ErrPortsExhausted", err)
	}
	if stats := small.Stats(); stats.Exhausted != 1 || stats.Sessions != 0 {
		t.Errorf("stats %+v", stats)
	}
}
