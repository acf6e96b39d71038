package sip

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// maxDatagram is the longest message that is sent over UDP, in bytes.
const maxDatagram = 4096

// Two globals of sipgo, set before any endpoint can exist and never again: the
// message limit, from which it subtracts 200 (RFC 3261 section 18.1.1), and the
// logger of its connections' reference counts, which says nothing of use. All
// else that it logs goes to the endpoint's logger; see wireLog.
func init() {
	sipgo.UDPMTUSize = maxDatagram + 200
	sipgo.SetDefaultLogger(slog.New(slog.DiscardHandler))
}

// settleTime is how long Close lets the goroutines finish that sipgo started for
// messages received last. One that runs later would find no socket to answer
// on, and open one of its own.
const settleTime = 50 * time.Millisecond

// readBuffer is what a UDP socket should hold, in bytes, while its reader is busy.
const readBuffer = 4 << 20

// sendTimeout bounds finding the server and opening a connection to it.
const sendTimeout = 5 * time.Second

// Listen is an address to listen on.
type Listen struct {
	Transport string         // "udp" or "tcp"
	Addr      netip.AddrPort // a concrete address, not a wildcard; port 0 takes a free port
}

// Config configures an endpoint.
type Config struct {
	Listen    []Listen
	UserAgent string // User-Agent and Server header; default "Ringpace"
	Realm     string // of Incoming.Authorize; default "ringpace"
	Logger    *slog.Logger

	// Invite is called for every INVITE that opens a dialog, on a goroutine of its
	// own. It must answer or reject, there or later. Nil: INVITEs get 403.
	Invite func(*Incoming)

	// Registrar answers REGISTER. Nil: 403.
	Registrar *Registrar
}

// Endpoint is a SIP user agent on a set of addresses.
type Endpoint struct {
	log       *slog.Logger
	userAgent string
	invite    func(*Incoming)
	registrar *Registrar
	authority *authority

	listeners []listener
	ready     []<-chan struct{} // of the UDP listeners; see udpSocket
	tpl       *sipgo.TransportLayer
	txl       *sipgo.TransactionLayer
	locator   *locator
	signer    signer
	count     counters
	strays    strays

	closing chan struct{} // closed when Close begins: what is up hangs up
	dead    chan struct{} // closed when Close waits no longer: what is left ends at once
	deaf    atomic.Bool   // set when nothing received is looked at any more
	gate    sync.RWMutex  // held for reading while a connection is sought; see start
	serving sync.WaitGroup
	work    sync.WaitGroup // calls and single transactions

	mu       sync.Mutex // protects the fields below
	closed   bool
	calls    map[dialogKey]*Call
	incoming map[*Incoming]struct{}
	trunks   []*Trunk
}

// dialogKey finds a call by what stays the same over all its dialogs.
type dialogKey struct{ callID, localTag string }

type listener struct {
	transport string
	addr      netip.AddrPort
	close     func() error
}

// NewEndpoint binds every socket of cfg and starts to serve. It fails as a whole
// when one address cannot be had.
func NewEndpoint(cfg Config) (*Endpoint, error) {
	if len(cfg.Listen) == 0 {
		return nil, fmt.Errorf("%w: no address given", ErrListen)
	}
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	e := &Endpoint{
		log:       log,
		userAgent: cfg.UserAgent,
		invite:    cfg.Invite,
		registrar: cfg.Registrar,
		closing:   make(chan struct{}),
		dead:      make(chan struct{}),
		calls:     map[dialogKey]*Call{},
		incoming:  map[*Incoming]struct{}{},
	}
	if e.userAgent == "" {
		e.userAgent = "Ringpace"
	}
	if _, ok := quoteDisplay(e.userAgent); !ok {
		return nil, fmt.Errorf("%w: user agent %q cannot be sent", ErrConfig, e.userAgent)
	}
	if cfg.Realm == "" {
		cfg.Realm = "ringpace"
	}
	e.authority = newAuthority(cfg.Realm)
	_, _ = rand.Read(e.signer.key[:]) // never fails
	e.locator = newLocator(net.DefaultResolver)
	e.strays.init()

	// The library's log lines quote what a stranger sent: count them, let few through.
	wire := slog.New(newWireLog(log, &e.count))
	e.tpl = sipgo.NewTransportLayer(net.DefaultResolver, sipgo.NewParser(), nil,
		sipgo.WithTransportLayerLogger(wire), sipgo.WithTransportLayerReadFilter(e.filter))
	e.tpl.OnMessage(e.receive) // before the transaction layer's own: order matters
	e.txl = sipgo.NewTransactionLayer(e.tpl, sipgo.WithTransactionLayerLogger(wire),
		sipgo.WithTransactionLayerUnhandledResponseHandler(func(*sipgo.Response) {})) // receive has seen it
	e.txl.OnRequest(e.handleRequest)

	var serve []func()
	for _, l := range cfg.Listen {
		start, err := e.bind(l)
		if err != nil {
			for _, open := range e.listeners {
				_ = open.close()
			}
			return nil, err
		}
		serve = append(serve, start)
	}
	for _, start := range serve {
		e.serving.Go(start)
	}
	for _, reading := range e.ready {
		<-reading
	}
	return e, nil
}

// bind opens one socket and returns what serves it.
func (e *Endpoint) bind(l Listen) (serve func(), err error) {
	if !l.Addr.IsValid() || l.Addr.Addr().IsUnspecified() {
		// A wildcard is never matched as the source of a request: sipgo would open a
		// second socket on a random port, and the Via and Contact would name no host.
		return nil, fmt.Errorf("%w on %s %s: give the address of an interface, not a wildcard", ErrListen, l.Transport, l.Addr)
	}
	switch l.Transport {
	case "udp":
		c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(l.Addr))
		if err != nil {
			return nil, fmt.Errorf("%w on udp %s: %w", ErrListen, l.Addr, err)
		}
		_ = c.SetReadBuffer(readBuffer) // as much as the system allows
		e.listeners = append(e.listeners, listener{"udp", localAddr(c.LocalAddr()), c.Close})
		socket := &udpSocket{PacketConn: c, reading: make(chan struct{})}
		e.ready = append(e.ready, socket.reading)
		return func() { _ = e.tpl.ServeUDP(socket) }, nil
	case "tcp":
		c, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(l.Addr))
		if err != nil {
			return nil, fmt.Errorf("%w on tcp %s: %w", ErrListen, l.Addr, err)
		}
		e.listeners = append(e.listeners, listener{"tcp", localAddr(c.Addr()), c.Close})
		return func() { _ = e.tpl.ServeTCP(tcpListener{c}) }, nil
	}
	return nil, fmt.Errorf("%w on %s: transport %q is not udp or tcp", ErrListen, l.Addr, l.Transport)
}

func localAddr(a net.Addr) netip.AddrPort {
	ap, _ := netip.ParseAddrPort(a.String()) // of a bound socket: always parses
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// udpSocket tells when sipgo begins to read it. Only then the socket is in sipgo's
// pool: a request sent earlier would try to bind the address a second time.
type udpSocket struct {
	net.PacketConn
	once    sync.Once
	reading chan struct{} // closed at the first read
}

func (s *udpSocket) ReadFrom(b []byte) (int, net.Addr, error) {
	s.once.Do(func() { close(s.reading) })
	return s.PacketConn.ReadFrom(b)
}

// tcpListener puts a deadline on every write of the connections it accepts, so
// that a peer that stops reading cannot hold up a call.
type tcpListener struct{ net.Listener }

func (l tcpListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tcpConn{c}, nil
}

type tcpConn struct{ net.Conn }

func (c tcpConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// Addr returns the first address bound for that transport.
func (e *Endpoint) Addr(transport string) (netip.AddrPort, bool) {
	for _, l := range e.listeners {
		if l.transport == transport {
			return l.addr, true
		}
	}
	return netip.AddrPort{}, false
}

// localFor returns the address from which to send to remote.
func (e *Endpoint) localFor(transport string, remote netip.AddrPort) (netip.AddrPort, error) {
	var fit []netip.AddrPort
	for _, l := range e.listeners {
		if l.transport == transport && l.addr.Addr().Is4() == remote.Addr().Is4() {
			fit = append(fit, l.addr)
		}
	}
	switch len(fit) {
	case 0:
		return netip.AddrPort{}, fmt.Errorf("%w: no %s listener of the address family of %s", ErrNoRoute, transport, remote)
	case 1:
		return fit[0], nil
	}
	// Ask the routing table: connecting a UDP socket sends nothing.
	if c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(remote)); err == nil {
		source := localAddr(c.LocalAddr()).Addr()
		_ = c.Close()
		for _, a := range fit {
			if a.Addr() == source {
				return a, nil
			}
		}
	}
	return fit[0], nil
}

// spawn runs f on a goroutine that Close waits for. It reports false, and runs
// nothing, once the endpoint is closed. (Inside f, further goroutines may be
// started with e.work.Go, even while the endpoint closes.)
func (e *Endpoint) spawn(f func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.work.Go(f)
	return true
}

// Close ends every call (CANCEL, BYE, 503), waits for that until ctx is done, and
// closes the sockets. No goroutine of the endpoint remains. Trunks should have
// returned from Run before, or cannot de-register.
func (e *Endpoint) Close(ctx context.Context) error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	var waiting []*Incoming
	for in := range e.incoming {
		waiting = append(waiting, in)
	}
	e.mu.Unlock()
	close(e.closing)
	for _, in := range waiting {
		in.Reject(503, "Service Unavailable")
	}

	idle := make(chan struct{})
	go func() { e.work.Wait(); close(idle) }()
	var err error
	select {
	case <-idle:
	case <-ctx.Done():
		err = fmt.Errorf("sip: closing with calls up: %w", context.Cause(ctx))
	}

	close(e.dead)
	e.txl.Close() // ends every transaction, and with them whatever still waits for one
	<-idle
	e.gate.Lock()
	e.deaf.Store(true)
	e.gate.Unlock()
	settle := time.NewTimer(settleTime)
	<-settle.C
	for _, l := range e.listeners {
		err = errors.Join(err, l.close())
	}
	_ = e.tpl.Close() // the connections; errors are of those that were closed already
	e.serving.Wait()
	_ = e.tpl.Close()
	return err
}

// filter sees what the sockets read before it is parsed. It hides what comes after
// the endpoint has closed, and datagrams that do not even begin like SIP: sipgo
// keeps every source address for as long as the socket lives.
func (e *Endpoint) filter(from sipgo.TransportReadProps, data []byte) ([]byte, error) {
	if e.deaf.Load() {
		return nil, nil
	}
	if from.Transport == "UDP" && !isKeepAlive(data) && !beginsLikeSIP(data) {
		e.count.malformed.Add(1)
		return nil, nil
	}
	return data, nil
}

// isKeepAlive reports a datagram of CRLFs (RFC 5626 section 3.5.1).
func isKeepAlive(data []byte) bool {
	return len(data) <= 4 && len(bytes.Trim(data, "\r\n")) == 0
}

// beginsLikeSIP reports whether the first line could be that of a SIP message
// (RFC 3261 section 7.1).
func beginsLikeSIP(data []byte) bool {
	line, _, ok := bytes.Cut(data, []byte("\r\n"))
	return ok && (bytes.HasPrefix(line, []byte("SIP/2.0 ")) || bytes.HasSuffix(line, []byte(" SIP/2.0")))
}
