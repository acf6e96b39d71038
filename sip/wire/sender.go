package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/fault"
	"ringpace/sip/trace"
)

// sender is how the messages of one transaction leave.
type sender interface {
	write(*sipgo.Request) error
	send(message []byte) error
	reliable() bool                             // nothing needs to be sent twice
	leavesBy(local, remote netip.AddrPort) bool // by the connection between these
	release()                                   // called once, at the end
}

// senderFor finds the way of a request that is addressed: its own socket for UDP,
// for the others the connection that connect has seen to.
func (l *Layer) senderFor(ctx context.Context, req *sipgo.Request) (sender, error) {
	to, err := parseAddrPort(req.Destination())
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(req.Transport(), "udp") {
		conn, err := l.tpl.ClientRequestConnection(ctx, req)
		if err != nil {
			return nil, err
		}
		return connection{conn, AddrPort(conn.LocalAddr()), to}, nil
	}
	ip, _ := netip.AddrFromSlice(req.Laddr.IP)
	at, ok := l.listenerAt("udp", netip.AddrPortFrom(ip.Unmap(), uint16(req.Laddr.Port)))
	if !ok {
		return nil, fmt.Errorf("%w: %s is no UDP socket of ours", ErrNoRoute, req.Laddr.String())
	}
	return &datagrams{at.udp, at.Addr, to, l.cfg.Trace}, nil
}

// connection is one of sipgo's, which counts its users.
type connection struct {
	conn          sipgo.Connection
	local, remote netip.AddrPort
}

func (c connection) write(req *sipgo.Request) error { return c.conn.WriteMsg(req) }
func (connection) send([]byte) error                { return nil } // what came here does not come again
func (connection) reliable() bool                   { return true }
func (c connection) leavesBy(local, remote netip.AddrPort) bool {
	return c.local == local && c.remote == remote
}
func (c connection) release() { _, _ = c.conn.TryClose() }

// datagrams leave by a UDP socket of ours.
type datagrams struct {
	socket    *net.UDPConn
	local, to netip.AddrPort
	trace     *trace.Recorder
}

// rendered are the buffers that messages are written into.
var rendered = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func (d *datagrams) write(req *sipgo.Request) error {
	b := rendered.Get().(*bytes.Buffer)
	defer rendered.Put(b)
	b.Reset()
	req.StringWrite(b)
	return d.send(b.Bytes())
}

// send sends a datagram. What is sent is traced before: the answer may be there before
// the call returns.
func (d *datagrams) send(message []byte) error {
	if len(message) > maxDatagram {
		return errTooLongForUDP
	}
	d.trace.Record(true, "udp", d.local, d.to, message)
	_, err := d.socket.WriteToUDPAddrPort(message, d.to)
	return err
}

func (*datagrams) reliable() bool                    { return false }
func (*datagrams) leavesBy(_, _ netip.AddrPort) bool { return false }
func (*datagrams) release()                          {}

var errTooLongForUDP = errors.New("message longer than a datagram may be")

// Send sends a message outside any transaction, the ACK to a 2xx, addressed as for
// Request.
func (l *Layer) Send(ctx context.Context, req *sipgo.Request) error {
	return l.send(ctx, req, func(out sender) error {
		defer out.release()
		return out.write(req)
	})
}

// send has a request leave by a connection of its trunk.
func (l *Layer) send(ctx context.Context, req *sipgo.Request, write func(sender) error) error {
	if !strings.EqualFold(req.Transport(), "udp") { // datagrams need no connection
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, SendTimeout)
		defer cancel()
	}
	// Not while the sockets are being closed: sipgo would open others.
	l.gate.RLock()
	defer l.gate.RUnlock()
	if l.deaf.Load() {
		return ErrClosed
	}
	err := l.connect(ctx, req)
	if err == nil {
		var out sender
		if out, err = l.senderFor(ctx, req); err == nil {
			err = write(out)
		}
	}
	switch {
	case errors.Is(err, errTooLongForUDP):
		return fmt.Errorf("%w: %s of more than %d bytes", ErrTooLong, req.Method, maxDatagram)
	case errors.Is(err, ErrClosed):
		return err
	case err != nil:
		return fmt.Errorf("%w %s to %s: %w", ErrTransport, req.Method, req.Destination(), fault.Plain(err))
	}
	return nil
}
