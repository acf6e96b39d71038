package sip

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"time"

	"ringpace/sip/defence"
	"ringpace/sip/digest"
	"ringpace/sip/header"
	"ringpace/sip/registrar"
	"ringpace/sip/resolve"
	"ringpace/sip/trace"
	"ringpace/sip/wire"
)

// Listen is an address to listen on.
type Listen = wire.Listen

// Config configures an endpoint.
type Config struct {
	Listen    []Listen
	UserAgent string // User-Agent and Server header; default "Ringpace"
	Realm     string // of Incoming.Authorize; default "ringpace". With a Registrar its realm counts.
	Logger    *slog.Logger
	Policy    Policy // of incoming calls that come from no trunk

	// Invite is called for every INVITE that opens a dialog, on a goroutine of its
	// own. It must answer or reject, there or later. Nil: INVITEs get 403.
	Invite func(*Incoming)

	// Screen is asked before Invite whether the caller gets any answer at all, and
	// must not wait. Of an INVITE for which it reports false nothing is sent, not even
	// 100: a scanner learns nothing. Nil: all are answered.
	Screen func(*Incoming) bool

	// Defence decides who is heard. Nil: everybody.
	Defence *defence.Guard

	// Trace keeps the messages. Nil: none are kept.
	Trace *trace.Recorder

	// Node names this node; it stays the same over restarts. Registrars tell by it
	// which of our registrations replaces which. Default: the host's name.
	Node string

	// CertFile and KeyFile are the certificate of the TLS listeners, PEM. They are
	// read again when they change.
	CertFile, KeyFile string

	// Resolver says which name servers to ask, and how. The zero value asks the
	// system's.
	Resolver resolve.Config

	// Origins are the web pages whose browsers may connect by WebSocket, such as
	// https://desk.example.com, or "*". Clients that send no origin are no browsers.
	Origins []string

	webSocketPing time.Duration // 0: the usual interval; tests have less patience

	// Registrar answers REGISTER. Nil: 403.
	Registrar *registrar.Registrar
}

// Endpoint is a SIP user agent on a set of addresses.
type Endpoint struct {
	log       *slog.Logger
	wire      *wire.Layer
	userAgent string
	node      string
	policy    Policy
	invite    func(*Incoming)
	screen    func(*Incoming) bool // may be nil
	registrar *registrar.Registrar
	authority *digest.Authority
	guard     *defence.Guard

	resolver *resolve.Resolver
	signer   signer
	count    counters
	strays   strays
	silent   silent

	second time.Duration // of session timers and of the wait for a Referral's owner; tests have shorter ones

	closing chan struct{} // closed when Close begins: what is up hangs up
	dead    chan struct{} // closed when Close waits no longer: what is left ends at once
	work    *workers      // calls and single transactions

	mu     sync.Mutex // protects the fields below
	closed bool
	calls  map[dialogKey]*Call
	merged map[mergeKey]*Incoming // INVITEs that are not answered yet
	trunks []*Trunk
}

// dialogKey finds a call by what stays the same over all its dialogs.
type dialogKey struct{ callID, localTag string }

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
		screen:    cfg.Screen,
		registrar: cfg.Registrar,
		guard:     cfg.Defence,
		second:    time.Second,
		work:      newWorkers(),
		closing:   make(chan struct{}),
		dead:      make(chan struct{}),
		calls:     map[dialogKey]*Call{},
		merged:    map[mergeKey]*Incoming{},
	}
	if e.userAgent == "" {
		e.userAgent = "Ringpace"
	}
	if _, ok := header.QuoteDisplay(e.userAgent); !ok {
		return nil, fmt.Errorf("%w: user agent %q cannot be sent", ErrConfig, e.userAgent)
	}
	if e.node = cfg.Node; e.node == "" {
		e.node, _ = os.Hostname() // without a name all nodes are one
	}
	e.policy = cfg.Policy
	if err := e.policy.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if cfg.Realm == "" {
		cfg.Realm = "ringpace"
	}
	e.authority = digest.New(cfg.Realm)
	if cfg.Registrar != nil {
		e.authority = cfg.Registrar.Authority() // a phone has one account, for REGISTER and INVITE
	}
	_, _ = rand.Read(e.signer.key[:]) // never fails
	e.resolver = resolve.New(cfg.Resolver)
	e.strays.init()
	e.silent.init()
	e.watch()
	var err error
	e.wire, err = wire.New(wire.Config{
		UserAgent: e.userAgent, CertFile: cfg.CertFile, KeyFile: cfg.KeyFile, Origins: cfg.Origins, Ping: cfg.webSocketPing,
		Guard: cfg.Defence, Trace: cfg.Trace, Logger: log,
		Received: e.receive, Requested: e.handleRequest,
		Closed: func(transport string, remote netip.AddrPort) { e.spawn(func() { e.lost(transport, remote) }) },
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if err := e.wire.Open(cfg.Listen); err != nil {
		return nil, err
	}
	return e, nil
}

// Addr returns the first address bound for that transport.
func (e *Endpoint) Addr(transport string) (netip.AddrPort, bool) {
	for _, l := range e.wire.Listeners() {
		if l.Transport == transport {
			return l.Addr, true
		}
	}
	return netip.AddrPort{}, false
}

// host is the first address that we listen on.
func (e *Endpoint) host() string { return e.wire.Listeners()[0].Addr.Addr().String() }

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
	e.mu.Unlock()
	close(e.closing)

	idle := make(chan struct{})
	go func() { e.work.Wait(); close(idle) }()
	var err error
	select {
	case <-idle:
	case <-ctx.Done():
		err = fmt.Errorf("sip: closing with calls up: %w", context.Cause(ctx))
	}

	close(e.dead)
	e.wire.EndTransactions() // and with them whatever still waits for one
	<-idle
	e.resolver.Close()
	return errors.Join(err, e.wire.Close())
}
