package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// flowKey tells our connections apart: those to one server under two identities are
// two.
type flowKey struct {
	transport string
	remote    netip.AddrPort
	profile   string // of the trunk; empty: nobody's
}

// flow is a connection that we opened (RFC 5626 section 2).
type flow struct {
	net.Conn
	local   netip.AddrPort
	reading chan struct{} // closed at the first read: sipgo has filed it
	gone    chan struct{} // closed when the connection is
	begun   sync.Once
	ended   sync.Once
	heard   atomic.Int64 // when anything came last, in Unix nanoseconds
	answers atomic.Bool  // the far side answers keep-alives
	forget  func()
}

// Read notes signs of life.
func (f *flow) Read(b []byte) (int, error) {
	f.begun.Do(func() { close(f.reading) })
	n, err := f.Conn.Read(b)
	if n > 0 {
		f.heard.Store(time.Now().UnixNano())
		if len(bytes.Trim(b[:n], "\r\n")) == 0 {
			f.answers.Store(true)
		}
	}
	return n, err
}

// Close closes the connection and takes it out of use.
func (f *flow) Close() error {
	f.ended.Do(func() {
		close(f.gone) // first: get files no flow that is gone
		f.forget()
	})
	return f.Conn.Close()
}

// flows opens the connections of a layer. sipgo would open them itself with one
// TLS configuration for all, the server's address for its name, and no way to
// keep them alive; so they are opened here and handed to it as if accepted.
type flows struct {
	layer    *Layer
	handover map[string]*handover // by transport: "tcp", "tls"

	mu      sync.Mutex // protects the fields below
	open    map[flowKey]*flow
	dialing map[flowKey]chan struct{} // closed when the try is over
}

func newFlows(l *Layer) *flows {
	return &flows{
		layer:    l,
		handover: map[string]*handover{"tcp": newHandover(), "tls": newHandover()},
		open:     map[flowKey]*flow{},
		dialing:  map[flowKey]chan struct{}{},
	}
}

// serve has sipgo take what was dialed.
func (fs *flows) serve() {
	fs.layer.serving.Go(func() { _ = fs.layer.tpl.ServeTCP(fs.handover["tcp"]) })
	fs.layer.serving.Go(func() { _ = fs.layer.tpl.ServeTLS(fs.handover["tls"]) })
}

func (fs *flows) close() {
	for _, h := range fs.handover {
		_ = h.Close()
	}
}

// find returns an open connection, or nil.
func (fs *flows) find(key flowKey) *flow {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.open[key]
}

// get returns the connection of a key, opened from that address unless there is one.
func (fs *flows) get(ctx context.Context, key flowKey, from netip.Addr) (*flow, error) {
	for {
		fs.mu.Lock()
		if f := fs.open[key]; f != nil {
			fs.mu.Unlock()
			return f, nil
		}
		busy := fs.dialing[key]
		if busy == nil {
			busy = make(chan struct{})
			fs.dialing[key] = busy
			fs.mu.Unlock()
			f, err := fs.dial(ctx, key, from)
			fs.mu.Lock()
			if err == nil {
				select {
				case <-f.gone:
				default:
					fs.open[key] = f
				}
			}
			delete(fs.dialing, key)
			close(busy)
			fs.mu.Unlock()
			return f, err
		}
		fs.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// dial opens a connection and hands it to sipgo.
func (fs *flows) dial(ctx context.Context, key flowKey, from netip.Addr) (*flow, error) {
	dialer := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}
	conn, err := dialer.DialContext(ctx, "tcp", key.remote.String())
	if err != nil {
		return nil, err
	}
	bound(conn)
	if key.transport == "tls" {
		if conn, err = fs.encrypt(ctx, conn, key.profile); err != nil {
			return nil, err
		}
	}
	f := &flow{
		Conn: fs.layer.tap(conn, key.transport, nil), local: AddrPort(conn.LocalAddr()),
		reading: make(chan struct{}), gone: make(chan struct{}),
	}
	f.forget = func() {
		fs.mu.Lock()
		defer fs.mu.Unlock()
		if fs.open[key] == f {
			delete(fs.open, key)
		}
	}
	if err := fs.handover[key.transport].give(ctx, f); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// encrypt makes the TLS handshake under the trunk's profile. It closes conn if that
// fails.
func (fs *flows) encrypt(ctx context.Context, conn net.Conn, profile string) (net.Conn, error) {
	p := fs.layer.profile(profile)
	if p == nil {
		_ = conn.Close()
		return nil, errors.New("TLS: the connection is gone, and no trunk says whose certificate to believe for another one")
	}
	cfg, err := p.client()
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	secure := tls.Client(conn, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

// Dials reports whether the layer opens connections of a transport itself: TCP and TLS.
func (l *Layer) Dials(transport string) bool { return l.flows.handover[transport] != nil }

// Gone is closed when the connection that a trunk opened to remote is; nil when it has
// none.
func (l *Layer) Gone(transport string, remote netip.AddrPort, profile string) <-chan struct{} {
	if f := l.flows.find(flowKey{transport, remote, profile}); f != nil {
		return f.gone
	}
	return nil
}

// connect makes sure that a request can leave by a connection of its trunk, and has
// it leave by that one. Where we listen on no address of the transport, Via and
// Contact name the connection's.
func (l *Layer) connect(ctx context.Context, req *sipgo.Request) error {
	transport := sipgo.NetworkToLower(req.Transport())
	if !l.Dials(transport) {
		return l.openable(req) // UDP, WebSocket
	}
	remote, err := parseAddrPort(req.Destination())
	if err != nil {
		return err
	}
	key := flowKey{transport, remote, req.Laddr.Hostname}
	req.Laddr.Port = 0
	f := l.flows.find(key)
	if f == nil && l.accepted(transport, remote, key.profile) {
		return nil // sipgo finds it by the address
	}
	if f == nil {
		from, _ := netip.AddrFromSlice(req.Laddr.IP)
		if f, err = l.flows.get(ctx, key, from.Unmap()); err != nil {
			return err
		}
	}
	req.Laddr.IP, req.Laddr.Port = f.local.Addr().AsSlice(), int(f.local.Port())
	if via := req.Via(); via != nil && via.Port == 0 {
		via.Port = int(f.local.Port())
	}
	if c := req.Contact(); c != nil && c.Address.Port == 0 && c.Address.Host == f.local.Addr().String() {
		c.Address.Port = int(f.local.Port())
	}
	return nil
}

// accepted reports whether the far side has a connection to us that the request may
// take: any for nobody's requests, for a trunk's one that it opened to a listener.
func (l *Layer) accepted(transport string, remote netip.AddrPort, profile string) bool {
	conn, err := l.tpl.GetConnection(transport, remote.String())
	if err != nil {
		return false
	}
	defer func() { _, _ = conn.TryClose() }()
	return profile == "" || l.Listens(transport, AddrPort(conn.LocalAddr()))
}

// Connected reports whether a connection with remote is open.
func (l *Layer) Connected(transport string, remote netip.AddrPort) bool {
	c, err := l.tpl.GetConnection(transport, remote.String())
	if err != nil {
		return false
	}
	_, _ = c.TryClose() // GetConnection counts a user more
	return true
}

// openable fails for a request over a WebSocket that is gone: the phone opens it
// (RFC 7118 section 5), and sipgo would knock at the port that it came from.
func (l *Layer) openable(req *sipgo.Request) error {
	transport := sipgo.NetworkToLower(req.Transport())
	if !IsWebSocket(transport) {
		return nil
	}
	if to, err := parseAddrPort(req.Destination()); err == nil && l.Connected(transport, to) {
		return nil
	}
	return fmt.Errorf("%w %s to %s: the phone has closed its connection", ErrTransport, req.Method, req.Destination())
}

// handover is a listener whose connections we dialed.
type handover struct {
	conns  chan *flow
	closed chan struct{}
	once   sync.Once
}

func newHandover() *handover {
	return &handover{conns: make(chan *flow), closed: make(chan struct{})}
}

// give hands a connection to sipgo and waits until it is filed.
func (h *handover) give(ctx context.Context, f *flow) error {
	select {
	case h.conns <- f:
	case <-h.closed:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-f.reading:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Accept implements net.Listener.
func (h *handover) Accept() (net.Conn, error) {
	select {
	case f := <-h.conns:
		return f, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handover) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr implements net.Listener. sipgo wants a port, and makes no use of it.
func (h *handover) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero} }
