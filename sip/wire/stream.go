package wire

import (
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
						_, _ = s.Write(response) // a connection that cannot be written to is closed
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

// Write writes with a deadline, so that a peer that stops reading cannot hold up a
// call. sipgo writes one message at a time.
func (s *stream) Write(b []byte) (int, error) {
	if err := s.Conn.SetWriteDeadline(time.Now().Add(SendTimeout)); err != nil {
		return 0, err
	}
	if defence.BeginsLikeSIP(b) { // not the header of a WebSocket's frame
		s.layer.cfg.Trace.Record(true, s.transport, s.local, s.remote, b)
	}
	return s.Conn.Write(b)
}

// Close closes the connection.
func (s *stream) Close() error {
	s.once.Do(func() {
		if s.release != nil {
			s.release()
		}
		s.layer.cfg.Closed(s.transport, s.remote)
	})
	return s.Conn.Close()
}
