package wire

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/defence"
	"ringpace/sip/trace"
)

// maxDatagram is the longest message that is sent over UDP, in bytes.
const maxDatagram = 4096

// Two globals of sipgo, set before any layer can exist and never again: the
// message limit, from which it subtracts 200 (RFC 3261 section 18.1.1), and the
// logger of its connections' reference counts, which says nothing of use. All
// else that it logs goes to the layer's logger; see logHandler.
func init() {
	sipgo.UDPMTUSize = maxDatagram + 200
	sipgo.SetDefaultLogger(slog.New(slog.DiscardHandler))
}

// settleTime is how long Close lets the goroutines finish that sipgo started for
// messages received last. One that runs later would find no socket to answer
// on, and open one of its own.
const settleTime = 50 * time.Millisecond

// SendTimeout bounds finding a server, opening a connection to it, and writing one
// message.
const SendTimeout = 5 * time.Second

// Config configures a layer.
type Config struct {
	UserAgent string // Server header of the responses to what is not in order

	// CertFile and KeyFile are the certificate of the TLS listeners, PEM. They are
	// read again when they change.
	CertFile, KeyFile string

	// Origins are the web pages whose browsers may connect by WebSocket, such as
	// https://desk.example.com, or "*". Clients that send no origin are no browsers.
	Origins []string
	Ping    time.Duration // between pings on WebSockets; 0: pingInterval

	Guard  *defence.Guard  // decides who is heard. Nil: everybody.
	Trace  *trace.Recorder // keeps the messages. Nil: none are kept.
	Logger *slog.Logger

	// Received sees every message that could be parsed first, in order, on the
	// goroutine that reads the socket. It must not block. Nobody else has the message
	// yet, so it may change it.
	Received func(sipgo.Message)

	// Requested takes a request from its new server transaction, on a goroutine of its
	// own. Every transaction needs a final response: it would live for ever.
	Requested func(*sipgo.Request, *sipgo.ServerTx)

	// Closed is told of each connection that is gone. It must not block, nor call the
	// layer: sipgo closes with its pool locked.
	Closed func(transport string, remote netip.AddrPort)
}

// Layer is the transport layer of one endpoint, with the transactions on top of it:
// our own as a client, sipgo's as a server.
type Layer struct {
	cfg         Config
	log         *slog.Logger // what strangers can cause: see logHandler
	count       counters
	certificate *certificate // nil: none
	listeners   []listener
	ready       []<-chan struct{} // of the UDP listeners; see udpSocket
	tpl         *sipgo.TransportLayer
	txl         *sipgo.TransactionLayer
	flows       *flows
	parser      *sipgo.Parser

	transactions transactions // ours as a client; sipgo has those as a server

	deaf    atomic.Bool  // set when nothing received is looked at any more
	gate    sync.RWMutex // held for reading while a connection is sought; see send
	serving sync.WaitGroup

	mu       sync.Mutex // protects the fields below
	closed   bool       // nothing more may be begun that Close waits for
	profiles []*Profile // by key, see AddProfile
}

// New returns a layer that listens on nothing yet. It fails when the certificate
// cannot be had.
func New(cfg Config) (*Layer, error) {
	l := &Layer{cfg: cfg, parser: sipgo.NewParser()}
	l.transactions.open = map[transactionKey]*Transaction{}
	if cfg.CertFile != "" {
		var err error
		if l.certificate, err = newCertificate(cfg.CertFile, cfg.KeyFile, cfg.Logger); err != nil {
			return nil, err
		}
	}
	l.flows = newFlows(l)
	// The library's log lines quote what a stranger sent: count them, let few through.
	l.log = slog.New(newLogHandler(cfg.Logger, &l.count))
	l.tpl = sipgo.NewTransportLayer(net.DefaultResolver, l.parser, noTLS(),
		sipgo.WithTransportLayerLogger(l.log), sipgo.WithTransportLayerReadFilter(l.filter))
	l.tpl.OnMessage(cfg.Received)                                                     // before the transaction layer's own: order matters
	l.txl = sipgo.NewTransactionLayer(l.tpl, sipgo.WithTransactionLayerLogger(l.log)) // of requests only: see responded
	l.txl.OnRequest(cfg.Requested)
	return l, nil
}

// Open binds every socket and starts to serve. It is called once. It fails as a whole
// when one address cannot be had.
func (l *Layer) Open(listen []Listen) error {
	var serve []func()
	for _, at := range listen {
		start, err := l.bind(at)
		if err != nil {
			for _, open := range l.listeners {
				_ = open.close()
			}
			return err
		}
		serve = append(serve, start)
	}
	for _, start := range serve {
		l.serving.Go(start)
	}
	l.flows.serve()
	for _, reading := range l.ready {
		<-reading
	}
	return nil
}

// background runs f on a goroutine that Close waits for. It reports false, and runs
// nothing, when that waits already.
func (l *Layer) background(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.serving.Go(f)
	}
	return !l.closed
}

// AddProfile files by what a trunk's server proves itself, and returns the key under
// which the trunk's connections are kept apart from those of others. nil: the trunk
// makes no use of TLS.
func (l *Layer) AddProfile(p *Profile) (key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.profiles = append(l.profiles, p)
	return strconv.Itoa(len(l.profiles))
}

// profile returns the profile of a key, nil if there is none.
func (l *Layer) profile(key string) *Profile {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n, err := strconv.Atoi(key); err == nil && n > 0 && n <= len(l.profiles) {
		return l.profiles[n-1]
	}
	return nil
}

// EndTransactions ends every transaction. No other can be begun.
func (l *Layer) EndTransactions() {
	l.transactions.close()
	l.txl.Close()
}

// Close closes the sockets and connections. EndTransactions was called before.
func (l *Layer) Close() error {
	l.gate.Lock()
	l.deaf.Store(true)
	l.gate.Unlock()
	settle := time.NewTimer(settleTime)
	<-settle.C
	var err error
	for _, at := range l.listeners {
		err = errors.Join(err, at.close())
	}
	l.flows.close()
	_ = l.tpl.Close() // the connections; errors are of those that were closed already
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.serving.Wait()
	_ = l.tpl.Close()
	return err
}
