package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/redis/go-redis/v9"

	"ringpace/dialer/cdr"
	"ringpace/dialer/store/journal"
	"ringpace/pacing/ledger"
)

// Config is how a store is opened. Zero durations and limits mean the default.
type Config struct {
	URL        string // see connect.go for its forms; OpenEmbedded ignores it
	Node       string // this node's name, the same after a restart
	Boot       string // ULID of this process; made if empty
	JournalDir string // of this node alone; locked
	Logger     *slog.Logger

	Timeout   time.Duration // of one round trip; 1 s. Bulk work may take ten times as long
	NodeLease time.Duration // a node that was not heard of for that long is dead; 10 s
	// Takeover is how long another process that goes by this node's name may give no
	// sign of life before it is taken for dead; 0: it is dead at once. A living one
	// gives a sign each second.
	Takeover time.Duration
	// Campaign says in which time zone a campaign's days begin and which windows bound its
	// abandoned calls; nil: UTC and the safe ones. It may be called from any goroutine.
	Campaign func(name string) ledger.Campaign
	CDRLimit int64 // records that a campaign's stream keeps, about; 1,000,000; < 0: all

	scriptHead string // tests: "#!lua\n" makes Redis 7 check that a script keeps to its slot
}

// Store is the floor's state. See the package documentation.
type Store struct {
	node, boot string
	timeout    time.Duration
	nodeLease  time.Duration
	takeover   time.Duration
	cdrLimit   int64
	log        *slog.Logger
	redis      redis.UniversalClient
	scripts    *scripts
	journal    *journal.Journal
	ledger     *ledger.Ledger
	health     *health
	outbox     *outbox
	trunks     trunks
	live       live

	leftMu sync.Mutex
	left   map[string]cdr.Record // attempts that a former process left open

	embedded func()             // ends what OpenEmbedded started
	cancel   context.CancelFunc // ends the goroutines
	running  sync.WaitGroup
	close    sync.Once
}

// Open opens the journal and starts to look for Redis. It does not wait for
// Redis to be there: Up tells, and until then every call returns ErrAway but for
// Finish, Skip and Progress, which need the journal only. ctx bounds the first
// attempt to reach it.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Timeout <= 0 {
		cfg.Timeout = time.Second
	}
	client, err := connect(cfg.URL, cfg.Timeout)
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, cfg, client)
	if err != nil {
		client.Close()
	}
	return s, err
}

func open(ctx context.Context, cfg Config, client redis.UniversalClient) (*Store, error) {
	if cfg.Node == "" || cfg.JournalDir == "" {
		return nil, errors.New("store: a node needs a name and a directory for its journal")
	}
	if cfg.Boot == "" {
		cfg.Boot = ulid.Make().String()
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = time.Second
	}
	if cfg.NodeLease <= 0 {
		cfg.NodeLease = 10 * time.Second
	}
	if cfg.CDRLimit == 0 {
		cfg.CDRLimit = 1_000_000
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	log, left, err := journal.Open(cfg.JournalDir)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	books, err := openLedger(cfg, client)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	s := &Store{
		node: cfg.Node, boot: cfg.Boot, timeout: cfg.Timeout, nodeLease: cfg.NodeLease, takeover: cfg.Takeover,
		cdrLimit: max(cfg.CDRLimit, 0), log: cfg.Logger,
		redis: client, scripts: loadScripts(cfg.scriptHead), journal: log, ledger: books,
		health: newHealth(), outbox: newOutbox(), left: make(map[string]cdr.Record),
		embedded: func() {},
	}
	s.takeOver(left)

	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	s.beat(ctx, "join")
	s.running.Go(func() { s.watch(run) })
	s.running.Go(func() { s.deliver(run) })
	return s, nil
}

// Close waits until the ends of attempts are delivered, as long as ctx allows and
// Redis is there; what remains stays in the journal for the next process. Then it
// ends the store's goroutines and unlocks the journal.
func (s *Store) Close(ctx context.Context) error {
	var err error
	s.close.Do(func() {
		if s.Up() {
			if drained := s.Drain(ctx); drained != nil {
				s.log.Warn("ends of attempts stay in the journal", "left", s.outbox.len(), "err", drained)
			}
		}
		if s.Up() {
			s.beat(ctx, "leave")
		}
		s.health.set(ErrClosed)
		s.cancel()
		s.running.Wait()
		err = errors.Join(s.ledger.Close(), s.journal.Close(), s.redis.Close())
		s.embedded()
	})
	return err
}

// Node returns the node's name.
func (s *Store) Node() string { return s.node }

// Boot returns the id of this process.
func (s *Store) Boot() string { return s.boot }

func (s *Store) bulkTimeout() time.Duration { return bulk * s.timeout }
