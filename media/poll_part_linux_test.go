//go:build amd64 || arm64

package media

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestReadIsPending holds up a shard that has read several sockets: what it has not
// delivered yet is told of, though it is in no socket any more.
func TestReadIsPending(t *testing.T) {
	p := newTestPoller(t, 1)
	at, pass := make(chan socket), make(chan struct{})
	serve := func(s socket) {
		s.Serve(receiverFunc(func([]byte, netip.AddrPort, time.Time) {
			at <- s
			<-pass
		}))
	}
	source, first := openSocket(t, p, anyPort), openSocket(t, p, anyPort)
	pair := [2]socket{openSocket(t, p, anyPort), openSocket(t, p, anyPort)}
	serve(first)
	serve(pair[0])
	serve(pair[1])
	write(t, source, first.LocalAddr(), []byte("x"))
	await(t, "a datagram", at)
	for _, s := range pair {
		write(t, source, s.LocalAddr(), []byte("x"))
	}
	pass <- struct{}{}
	other := pair[0]
	if await(t, "one of the two that come together", at) == other {
		other = pair[1]
	}
	if n, err := unix.IoctlGetInt(other.(*pollSocket).fd, unix.SIOCINQ); err != nil || n != 0 {
		t.Errorf("%d octets in the socket, %v: it is not read yet", n, err)
	}
	if !other.Pending() {
		t.Error("what was read and not delivered is not told of")
	}
	pass <- struct{}{}
	await(t, "the other", at)
	pass <- struct{}{}
	other.Settle()
	if other.Pending() {
		t.Error("what was delivered is told of still")
	}
}

// TestDepartsWithItsShard: a packet waits for the others of its shard, and not for those of
// another.
func TestDepartsWithItsShard(t *testing.T) {
	p := newTestPoller(t, 2)
	near, far := openSocket(t, p, anyPort), openSocket(t, p, anyPort)
	c := serve(far)
	home := near.(*pollSocket).home()
	defer home.mu.Unlock()
	o := newStream(near, &counters{})
	o.to = far.LocalAddr()
	if _, ok := far.(*pollSocket).shard.Load().later(o, []byte("x"), 1); ok {
		t.Error("another shard takes it")
	}
	part, ok := home.later(o, []byte("x"), 1)
	if !ok || home.departed(part) {
		t.Fatal("it did not wait")
	}
	home.depart()
	if await(t, "it", c); !home.departed(part) {
		t.Error("it waits still")
	}
	o.packets = 1
	o.to = netip.AddrPortFrom(loopback, 0) // to which nothing can be sent
	if _, ok := home.later(o, []byte("x"), 1); !ok {
		t.Fatal("it did not wait")
	}
	home.depart()
	if o.unsent != 1 || o.packets != 0 {
		t.Errorf("%d unsent, %d sent", o.unsent, o.packets)
	}
}
