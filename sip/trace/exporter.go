package trace

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"sync/atomic"
	"time"
)

// queueLength is how many messages may wait for the collector.
const queueLength = 4096

// How long a collector that cannot be reached is left alone, and how long one write
// to it may take.
const (
	redialAfter  = 10 * time.Second
	writeTimeout = 5 * time.Second
)

// HEPConfig says where copies of the messages are sent.
type HEPConfig struct {
	Address   string // host:port
	Transport string // "udp" (default) or "tcp"
	NodeID    uint32 // capture agent id; 0: a random one
	NodeName  string // may be empty
	Password  string // authentication key; may be empty
	Logger    *slog.Logger
}

// Exporter sends messages to a HEP collector. It never makes anybody wait: what does
// not fit into its queue is counted and gone.
type Exporter struct {
	cfg     HEPConfig
	log     *slog.Logger
	queue   chan *packet
	spare   chan *packet // packets to use again
	sent    atomic.Uint64
	dropped atomic.Uint64
}

type packet struct{ data []byte }

// NewExporter returns an exporter; Run sends.
func NewExporter(cfg HEPConfig) (*Exporter, error) {
	if _, _, err := net.SplitHostPort(cfg.Address); err != nil {
		return nil, fmt.Errorf("trace: HEP collector %q: %w", cfg.Address, err)
	}
	switch cfg.Transport {
	case "":
		cfg.Transport = "udp"
	case "udp", "tcp":
	default:
		return nil, fmt.Errorf("trace: HEP over %q: use udp or tcp", cfg.Transport)
	}
	for cfg.NodeID == 0 {
		n, err := rand.Int(rand.Reader, big.NewInt(1<<31))
		if err != nil {
			return nil, fmt.Errorf("trace: node id: %w", err)
		}
		cfg.NodeID = uint32(n.Int64())
	}
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Exporter{
		cfg: cfg, log: log, queue: make(chan *packet, queueLength), spare: make(chan *packet, queueLength),
	}, nil
}

// Export makes the recorder offer everything that it records from now on.
func (r *Recorder) Export(x *Exporter) { r.export.Store(x) }

// offer queues one message, or drops it.
func (x *Exporter) offer(e *entry, data, correlation []byte) {
	var p *packet
	select {
	case p = <-x.spare:
	default:
		p = &packet{}
	}
	p.data = encodeHEP(p.data[:0], &x.cfg, e, data, correlation)
	select {
	case x.queue <- p:
	default:
		x.dropped.Add(1)
		x.reuse(p)
	}
}

func (x *Exporter) reuse(p *packet) {
	select {
	case x.spare <- p:
	default:
	}
}

// Run sends until ctx is done. A collector that is away is tried again and again;
// what comes meanwhile is dropped once the queue is full.
func (x *Exporter) Run(ctx context.Context) error {
	complained := false
	for ctx.Err() == nil {
		err := x.connected(ctx)
		if ctx.Err() != nil {
			break
		}
		if !complained {
			x.log.Warn("the HEP collector cannot be reached; calls go on, copies of messages are lost",
				"address", x.cfg.Address, "transport", x.cfg.Transport, "error", err)
			complained = true
		}
		retry := time.NewTimer(redialAfter)
		select {
		case <-retry.C:
		case <-ctx.Done():
			retry.Stop()
		}
	}
	return context.Cause(ctx)
}

// connected sends over one connection until it breaks.
func (x *Exporter) connected(ctx context.Context) error {
	dialer := net.Dialer{Timeout: writeTimeout}
	conn, err := dialer.DialContext(ctx, x.cfg.Transport, x.cfg.Address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	for {
		select {
		case p := <-x.queue:
			if err := x.send(conn, p); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (x *Exporter) send(conn net.Conn, p *packet) error {
	err := conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err == nil {
		_, err = conn.Write(p.data)
	}
	x.reuse(p)
	if err != nil && x.cfg.Transport == "udp" {
		// Nobody listens there just now, or the message is too long for a datagram: the
		// next one may pass.
		x.dropped.Add(1)
		return nil
	}
	if err != nil {
		x.dropped.Add(1)
		return err
	}
	x.sent.Add(1)
	return nil
}
