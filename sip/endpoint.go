package sip

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/defence"
	"ringpace/sip/digest"
	"ringpace/sip/registrar"
	"ringpace/sip/resolve"
	"ringpace/sip/trace"
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

// sendTimeout bounds finding the server and opening a connection to it.
const sendTimeout = 5 * time.Second

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

	webSocketPing time.Duration // default pingInterval; tests have less patience

	// Registrar answers REGISTER. Nil: 403.
	Registrar *registrar.Registrar
}

// Endpoint is a SIP user agent on a set of addresses.
type Endpoint struct {
	log       *slog.Logger
	wire      *slog.Logger // what strangers can cause: see wireLog
	userAgent string
	node      string
	policy    Policy
	invite    func(*Incoming)
	screen    func(*Incoming) bool // may be nil
	registrar *registrar.Registrar
	authority *digest.Authority
	guard     *defence.Guard
	trace     *trace.Recorder

	listeners   []listener
	datagrams   []*net.UDPConn    // of the UDP listeners
	ready       []<-chan struct{} // of the UDP listeners; see udpSocket
	tpl         *sipgo.TransportLayer
	txl         *sipgo.TransactionLayer
	resolver    *resolve.Resolver
	flows       *flows
	certificate *certificate // nil: none
	signer      signer
	count       counters
	strays      strays

	second  time.Duration // of session timers and of the wait for a Referral's owner; tests have shorter ones
	origins []string
	ping    time.Duration // of WebSockets

	closing chan struct{} // closed when Close begins: what is up hangs up
	dead    chan struct{} // closed when Close waits no longer: what is left ends at once
	deaf    atomic.Bool   // set when nothing received is looked at any more
	gate    sync.RWMutex  // held for reading while a connection is sought; see start
	serving sync.WaitGroup
	work    *workers // calls and single transactions

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
		trace:     cfg.Trace,
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
	if _, ok := quoteDisplay(e.userAgent); !ok {
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
	e.origins, e.ping = slices.Clone(cfg.Origins), cmp.Or(cfg.webSocketPing, pingInterval)
	e.authority = digest.New(cfg.Realm)
	if cfg.Registrar != nil {
		e.authority = cfg.Registrar.Authority() // a phone has one account, for REGISTER and INVITE
	}
	_, _ = rand.Read(e.signer.key[:]) // never fails
	if cfg.CertFile != "" {
		var err error
		if e.certificate, err = newCertificate(cfg.CertFile, cfg.KeyFile, log); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrConfig, err)
		}
	}
	e.resolver = resolve.New(cfg.Resolver)
	e.flows = newFlows(e)
	e.strays.init()

	// The library's log lines quote what a stranger sent: count them, let few through.
	e.wire = slog.New(newWireLog(log, &e.count))
	e.tpl = sipgo.NewTransportLayer(net.DefaultResolver, sipgo.NewParser(), noTLS(),
		sipgo.WithTransportLayerLogger(e.wire), sipgo.WithTransportLayerReadFilter(e.filter))
	e.tpl.OnMessage(e.receive) // before the transaction layer's own: order matters
	e.txl = sipgo.NewTransactionLayer(e.tpl, sipgo.WithTransactionLayerLogger(e.wire),
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
	e.flows.serve()
	for _, reading := range e.ready {
		<-reading
	}
	return e, nil
}

// profile returns the TLS profile of a key, nil if there is none.
func (e *Endpoint) profile(key string) *tlsProfile {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n, err := strconv.Atoi(key); err == nil && n > 0 && n <= len(e.trunks) {
		return e.trunks[n-1].tls
	}
	return nil
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
	e.flows.close()
	e.resolver.Close()
	_ = e.tpl.Close() // the connections; errors are of those that were closed already
	e.serving.Wait()
	_ = e.tpl.Close()
	return err
}
