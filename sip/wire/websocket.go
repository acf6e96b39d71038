package wire

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"ringpace/sip/defence"
)

const (
	shakeLimit   = 5 * time.Second  // for TLS and the request that opens a WebSocket
	maxShake     = 8 << 10          // bytes of that request
	shaking      = 512              // connections that do so at once
	shakingOfOne = 64               // of these, from one source, which may be an office of many browsers
	pingInterval = 25 * time.Second // proxies between browsers and us close what is silent for a minute
)

// IsWebSocket reports whether a transport is one of WebSockets (RFC 7118).
func IsWebSocket(transport string) bool { return transport == "ws" || transport == "wss" }

// webSocketListener accepts WebSockets of the sub-protocol sip (RFC 7118 section
// 4). sipgo's own accepting has four faults: one slow client holds up all others, a
// client is told that it speaks sip whether it asked for that or not, every web
// page may connect, and a connection that sends anything but unfragmented text
// frames falls out of step. So the opening request is read and judged here, on a
// goroutine for each connection, and sipgo gets connections that have it ready; what
// follows comes to sipgo in frames that are made anew, see webSocket.
type webSocketListener struct {
	*streamListener
	origins []string
	ping    time.Duration
	ready   chan net.Conn
	closed  chan struct{}

	mu       sync.Mutex                // protects the fields below
	opening  map[net.Conn]netip.Prefix // by which source
	bySource map[netip.Prefix]int      // how many of them are whose
}

func (l *Layer) newWebSocketListener(stream *streamListener) *webSocketListener {
	w := &webSocketListener{
		streamListener: stream, origins: l.cfg.Origins, ping: cmp.Or(l.cfg.Ping, pingInterval),
		ready: make(chan net.Conn), closed: make(chan struct{}), opening: map[net.Conn]netip.Prefix{}, bySource: map[netip.Prefix]int{},
	}
	l.serving.Go(w.accept)
	return w
}

// accept takes connections and has each opened.
func (l *webSocketListener) accept() {
	for {
		c, err := l.streamListener.Accept()
		if err != nil {
			return
		}
		if !l.enter(c) {
			_ = c.Close()
			continue
		}
		l.layer.serving.Go(func() {
			s, err := l.open(c)
			l.leave(c)
			if err != nil {
				_ = c.Close()
				return
			}
			select {
			case l.ready <- s:
			case <-l.closed:
				_ = c.Close()
			}
		})
	}
}

// enter reports whether a connection may open a WebSocket now. Those who only begin to
// do so must not keep out the others.
func (l *webSocketListener) enter(c net.Conn) bool {
	source := defence.Source(AddrPort(c.RemoteAddr()).Addr())
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.closed:
		return false
	default:
	}
	if len(l.opening) >= shaking || l.bySource[source] >= shakingOfOne {
		if l.layer.cfg.Guard != nil {
			l.layer.cfg.Guard.Count(defence.Connections)
		}
		return false
	}
	l.opening[c] = source
	l.bySource[source]++
	return true
}

func (l *webSocketListener) leave(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	source := l.opening[c]
	delete(l.opening, c)
	if l.bySource[source]--; l.bySource[source] == 0 {
		delete(l.bySource, source)
	}
}

// Accept implements net.Listener, for sipgo.
func (l *webSocketListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.ready:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *webSocketListener) Close() error {
	err := l.streamListener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.closed)
	for c := range l.opening {
		_ = c.Close()
	}
	return err
}

// open reads the opening request (RFC 6455 section 4.2.1). What sipgo would not
// refuse is refused here.
func (l *webSocketListener) open(c net.Conn) (net.Conn, error) {
	limit := time.AfterFunc(shakeLimit, func() { _ = c.Close() })
	defer limit.Stop()
	var raw bytes.Buffer
	r := bufio.NewReader(io.TeeReader(io.LimitReader(c, maxShake), &raw))
	req, err := http.ReadRequest(r)
	if err != nil {
		return nil, err
	}
	status := ""
	switch origin := req.Header.Get("Origin"); {
	case !hasToken(req.Header, "Upgrade", "websocket") || r.Buffered() > 0:
		status = "400 Bad Request"
	case !hasToken(req.Header, "Sec-WebSocket-Protocol", "sip"):
		status = "400 The sub-protocol is sip"
	case origin != "" && !slices.Contains(l.origins, "*") && !slices.ContainsFunc(l.origins, func(o string) bool { return strings.EqualFold(o, origin) }):
		status = "403 This origin is not configured"
	}
	if status != "" {
		_, _ = io.WriteString(c, "HTTP/1.1 "+status+"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		return nil, errors.New(status)
	}
	s := &webSocket{Conn: c, layer: l.layer, transport: l.transport, request: raw.Bytes(), in: bufio.NewReader(c)}
	s.ping = time.AfterFunc(l.ping, func() { s.keepAlive(l.ping) })
	return s, nil
}

// hasToken reports whether a comma-separated header holds a word, in whatever case.
func hasToken(h http.Header, name, word string) bool {
	for _, v := range h.Values(name) {
		for t := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(t), word) {
				return true
			}
		}
	}
	return false
}

// webSocket is what sipgo reads and writes: the opening request, and then frames
// that are unfragmented text whatever the phone sent. Pings are answered here, and
// sent, so that the way through proxies stays open and a dead phone is noticed.
type webSocket struct {
	net.Conn
	layer     *Layer
	transport string
	ping      *time.Timer
	silent    atomic.Int32 // pings in a row after which nothing came

	// The reader's, which is one goroutine.
	request []byte        // what sipgo has not read of it
	in      *bufio.Reader // what the phone sends
	frame   []byte        // for sipgo, what it has not read of it

	mu  sync.Mutex // protects out, and that frames leave whole
	up  bool       // sipgo has answered the request
	out []byte     // a frame of sipgo's that is not complete
}

// Read implements net.Conn.
func (s *webSocket) Read(b []byte) (int, error) {
	if len(s.request) > 0 {
		n := copy(b, s.request)
		s.request = s.request[n:]
		return n, nil
	}
	if len(s.frame) == 0 {
		message, err := s.next()
		if err != nil {
			return 0, err
		}
		// Masked, as a client's must be, with zeros.
		f := ws.NewTextFrame(message)
		f.Header.Masked = true
		if s.frame, err = ws.CompileFrame(f); err != nil {
			return 0, err
		}
	}
	n := copy(b, s.frame)
	s.frame = s.frame[n:]
	return n, nil
}

// next returns the next message (RFC 6455 section 5.4), text or binary (RFC 7118
// section 5.1). io.EOF is also the end of what cannot be understood.
func (s *webSocket) next() ([]byte, error) {
	var message []byte
	begun := false
	for {
		h, err := ws.ReadHeader(s.in)
		if err != nil {
			return nil, err
		}
		s.silent.Store(0)
		if !h.Masked || h.Rsv != 0 || h.OpCode.IsReserved() || h.OpCode.IsControl() && (!h.Fin || h.Length > ws.MaxControlFramePayloadSize) ||
			(h.OpCode == ws.OpText || h.OpCode == ws.OpBinary) && begun || h.OpCode == ws.OpContinuation && !begun {
			return nil, s.bye(ws.CompiledCloseProtocolError)
		}
		if h.Length > maxMessage || int64(len(message))+h.Length > maxMessage {
			return nil, s.bye(ws.CompiledCloseMessageTooBig)
		}
		payload := make([]byte, h.Length)
		if _, err := io.ReadFull(s.in, payload); err != nil {
			return nil, err
		}
		ws.Cipher(payload, h.Mask, 0)
		switch h.OpCode {
		case ws.OpPing:
			if err := s.send(ws.NewPongFrame(payload)); err != nil {
				return nil, err
			}
		case ws.OpPong:
		case ws.OpClose:
			return nil, s.bye(ws.CompiledCloseNormalClosure)
		default:
			begun = true
			message = append(message, payload...)
			if h.Fin && len(message) > 0 {
				return message, nil
			}
			begun = !h.Fin
		}
	}
}

// bye sends a frame that closes the WebSocket.
func (s *webSocket) bye(frame []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.Conn.Write(frame)
	return io.EOF
}

func (s *webSocket) send(f ws.Frame) error {
	text, err := ws.CompileFrame(f)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err = s.Conn.Write(text)
	return err
}

// keepAlive pings, and closes what has not answered.
func (s *webSocket) keepAlive(interval time.Duration) {
	if s.silent.Add(1) > 2 || s.send(ws.NewPingFrame(nil)) != nil {
		_ = s.Close()
		return
	}
	s.ping.Reset(interval)
}

// Write implements net.Conn. sipgo writes the header of a frame and its payload one
// after the other; together they leave, so that a pong does not come in between.
func (s *webSocket) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.up {
		s.up = bytes.HasSuffix(b, []byte("\r\n\r\n"))
		return s.Conn.Write(b)
	}
	s.out = append(s.out, b...)
	r := bytes.NewReader(s.out)
	h, err := ws.ReadHeader(r)
	if err != nil || int64(r.Len()) < h.Length {
		return len(b), nil
	}
	if _, err := s.Conn.Write(s.out); err != nil {
		return 0, err
	}
	s.layer.cfg.Trace.Record(true, s.transport, AddrPort(s.LocalAddr()), AddrPort(s.RemoteAddr()), s.out[len(s.out)-r.Len():])
	s.out = s.out[:0]
	return len(b), nil
}

// Close closes the connection.
func (s *webSocket) Close() error {
	s.ping.Stop()
	return s.Conn.Close()
}
