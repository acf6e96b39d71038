package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"ringpace/sip/defence"
	"ringpace/sip/wellformed"
)

// streamListener accepts connections as far as the guard lets their source have
// more.
type streamListener struct {
	net.Listener
	layer     *Layer
	transport string                  // "tcp", "tls", "ws" or "wss"
	secure    func(net.Conn) net.Conn // TLS on top of the accepted connection; nil: none
}

// Accept implements net.Listener.
func (l *streamListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		bound(c)
		release := func() {}
		if l.layer.cfg.Guard != nil {
			var ok bool
			if release, ok = l.layer.cfg.Guard.Connect(AddrPort(c.RemoteAddr()).Addr()); !ok {
				if tcp, ok := c.(*net.TCPConn); ok {
					_ = tcp.SetLinger(0) // no TIME-WAIT for somebody who may come again and again
				}
				_ = c.Close()
				continue
			}
		}
		if l.secure != nil {
			c = l.secure(c)
		}
		return l.layer.tap(c, l.transport, release), nil
	}
}

// bound has the kernel hold no more than the writeBuffer of what is not read yet.
func bound(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(writeBuffer) // or as much as the system thinks right
	}
}

// tap puts a connection under our eyes: the guard judges and the trace
// keeps each message, and nobody can hold up a call by not reading, nor a goroutine
// by not finishing a message. c carries what is encrypted in the clear. release is
// called once it is closed; nil for a connection that we opened.
func (l *Layer) tap(c net.Conn, transport string, release func()) net.Conn {
	s := &stream{
		Conn: c, layer: l, transport: transport,
		local: AddrPort(c.LocalAddr()), remote: AddrPort(c.RemoteAddr()), release: release,
	}
	s.since = time.Now()
	return s
}

// stream is one connection.
type stream struct {
	net.Conn
	layer         *Layer
	transport     string
	local, remote netip.AddrPort
	release       func()
	once          sync.Once

	// The reader's, which is one goroutine.
	frames framer
	unit   []byte    // what was admitted and is not handed on yet
	heard  bool      // a message was complete
	since  time.Time // when the connection, or the message that is not complete, began

	mu        sync.Mutex // protects the fields below
	unwritten [][]byte
	length    int  // of these
	writing   bool // a goroutine is at it
	closed    bool
}

// framed reports whether the messages are found here; those of a WebSocket are
// found by sipgo.
func (s *stream) framed() bool { return !IsWebSocket(s.transport) }

// Read hands on one whole message, or keep-alive, at a time, as far as it fits
// into b.
func (s *stream) Read(b []byte) (int, error) {
	for len(s.unit) == 0 {
		if s.framed() {
			unit, err := s.frames.next()
			if errors.Is(err, errTooLong) {
				s.refuse(defence.Oversize)
				return 0, io.EOF
			} else if err != nil {
				s.refuse(defence.Junk)
				return 0, io.EOF
			}
			if unit != nil {
				s.since = time.Now()
				if s.layer.admit(s.transport, s.local, s.remote, unit) {
					s.heard = true
					s.unit = s.layer.proper(unit, s.remote, func(_ *wellformed.Refusal, response []byte) {
						_, _ = s.Write(response) // closed, then nobody wants it
					})
					if s.layer.responded(strings.ToUpper(s.transport), s.remote.String(), s.unit) {
						s.unit = nil
					}
				}
				continue
			}
		}
		if err := s.Conn.SetReadDeadline(s.deadline()); err != nil {
			return 0, err
		}
		n, err := s.Conn.Read(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			s.refuse(defence.Slow)
			return 0, io.EOF
		}
		if err != nil || !s.framed() {
			if n > 0 {
				s.heard, s.since = true, time.Now()
			}
			return n, err
		}
		if n > 0 && !s.frames.partial() {
			s.since = time.Now()
		}
		s.frames.write(b[:n])
	}
	n := copy(b, s.unit)
	s.unit = s.unit[n:]
	return n, nil
}

// refuse counts why the connection ends. sipgo closes it at the end of file.
func (s *stream) refuse(why defence.Reason) {
	if s.layer.cfg.Guard != nil {
		s.layer.cfg.Guard.Count(why)
	} else {
		s.layer.count.malformed.Add(1)
	}
}

// deadline is until when something must come. The zero time is never.
func (s *stream) deadline() time.Time {
	whole, idle := defence.Default().Whole, time.Duration(0)
	if s.layer.cfg.Guard != nil {
		whole, idle = s.layer.cfg.Guard.Patience(s.remote.Addr())
	}
	switch {
	case s.frames.partial(), !s.heard && s.release != nil:
		return s.since.Add(whole)
	case idle > 0 && s.release != nil:
		return s.since.Add(idle)
	}
	return time.Time{}
}

// What waits for a peer that does not read, in bytes: in the kernel, which would take
// megabytes and hide them from SendTimeout, and before it.
const (
	writeBuffer  = 256 << 10
	maxUnwritten = 1 << 20
)

// Write has b written, whole and in its turn, and does not wait for that: the goroutine
// that reads must not wait for a peer that does not. What cannot be written within
// SendTimeout ends the connection, and whoever waits for an answer is told so. sipgo
// writes one message at a time.
func (s *stream) Write(b []byte) (int, error) {
	if defence.BeginsLikeSIP(b) { // not the header of a WebSocket's frame
		s.layer.cfg.Trace.Record(true, s.transport, s.local, s.remote, b)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.length+len(b) > maxUnwritten {
		return 0, net.ErrClosed
	}
	if !s.writing {
		if !s.layer.background(s.write) {
			return 0, net.ErrClosed
		}
		s.writing = true
	}
	s.unwritten = append(s.unwritten, bytes.Clone(b))
	s.length += len(b)
	return len(b), nil
}

// write writes what waits. It ends when nothing does, and closes a connection that is
// to be closed, or cannot be written to.
func (s *stream) write() {
	for {
		s.mu.Lock()
		if len(s.unwritten) == 0 {
			s.writing = false
			closed := s.closed
			s.mu.Unlock()
			if closed {
				_ = s.Conn.Close()
			}
			return
		}
		next := s.unwritten[0]
		s.unwritten, s.length = s.unwritten[1:], s.length-len(next)
		s.mu.Unlock()
		err := s.Conn.SetWriteDeadline(time.Now().Add(SendTimeout))
		if err == nil {
			_, err = s.Conn.Write(next)
		}
		if err != nil {
			// Part of a message may be out: nothing can follow it. The reader finds the
			// connection closed, and has sipgo forget it.
			s.mu.Lock()
			s.closed, s.unwritten = true, nil
			s.mu.Unlock()
		}
	}
}

// Close closes the connection, once what waits is written.
func (s *stream) Close() error {
	s.once.Do(func() {
		if s.release != nil {
			s.release()
		}
		s.layer.cfg.Closed(s.transport, s.remote)
		s.layer.background(func() { s.layer.transactions.broken(s.local, s.remote) })
	})
	s.mu.Lock()
	s.closed = true
	writing := s.writing
	s.mu.Unlock()
	if writing && !s.layer.deaf.Load() {
		return s.Conn.SetReadDeadline(time.Now()) // write closes it
	}
	return s.Conn.Close()
}
