package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Config is how a ledger is opened. Zero durations mean the default.
type Config struct {
	Redis redis.UniversalClient // is not closed with the ledger; must not retry by itself
	Node  string                // this node's name, the same after a restart
	Boot  string                // of this process alone
	Dir   string                // of this node alone, where its memory is kept; "": it is not

	// Campaign says what a campaign is like at the moment; nil: none has a zone or
	// windows of its own. It may be called from any goroutine.
	Campaign func(name string) Campaign

	Timeout time.Duration // of one round trip; 1 s
	// Lease is how long a reservation stands that is not renewed: longer than it takes
	// until a dead node's calls are recovered; 15 s.
	Lease  time.Duration
	Logger *slog.Logger

	scriptHead string           // tests: "#!lua\n" makes Redis 7 check that a script keeps to its slot
	wall       func() time.Time // tests: this node's clock
}

// Ledger is one node's way to the ledgers of all campaigns. See the package documentation.
type Ledger struct {
	cfg     Config
	log     *slog.Logger
	scripts scripts
	memory  *memory
	queue   queue

	clockMu sync.Mutex
	clock   reading

	stop    context.CancelFunc // ends the goroutines
	done    <-chan struct{}    // closed when they are told to end
	running sync.WaitGroup
	close   sync.Once
}

// reading is what the Redis clock showed once.
type reading struct{ redis, here time.Time }

// Open reads what a former process of the node remembered. It does not wait for Redis.
func Open(cfg Config) (*Ledger, error) {
	if cfg.Redis == nil || cfg.Node == "" || cfg.Boot == "" {
		return nil, errors.New("ledger: needs Redis, and the names of the node and of its process")
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = time.Second
	}
	if cfg.Lease <= 0 {
		cfg.Lease = 15 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Campaign == nil {
		cfg.Campaign = func(string) Campaign { return Campaign{} }
	}
	if cfg.wall == nil {
		cfg.wall = time.Now
	}
	l := &Ledger{cfg: cfg, log: cfg.Logger, scripts: loadScripts(cfg.scriptHead), queue: newQueue()}
	campaigns := make(map[string]*seen)
	if cfg.Dir != "" {
		if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
			return nil, fmt.Errorf("ledger: %w", err)
		}
		var damage, err error
		if campaigns, damage, err = readFile(cfg.Dir); err != nil {
			return nil, fmt.Errorf("ledger: %w", err)
		}
		if damage != nil {
			l.log.Warn("what this node remembered of abandonment counts cannot be read; redis has them", "err", damage)
		}
	}
	l.memory = newMemory(campaigns)
	run, stop := context.WithCancel(context.Background())
	l.stop, l.done = stop, run.Done()
	l.running.Go(func() { l.deliver(run) })
	if cfg.Dir != "" {
		l.running.Go(func() { l.keep(run) })
	}
	return l, nil
}

// Close ends the goroutines and writes the memory a last time. What was told by Count
// and is not counted yet is left to the ends of those attempts.
func (l *Ledger) Close() error {
	var err error
	l.close.Do(func() {
		l.stop()
		l.running.Wait()
		l.queue.refuse(ErrClosed)
		err = l.write()
	})
	return err
}

// keep is the goroutine that writes the memory. It returns when ctx is done.
func (l *Ledger) keep(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	well := true
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := l.write()
		if err != nil && well {
			l.log.Error("abandonment counts cannot be kept on the disk; redis alone has them", "err", err)
		}
		well = err == nil
	}
}

func (l *Ledger) write() error {
	if l.cfg.Dir == "" {
		return nil
	}
	text, err := l.memory.text()
	if err == nil && text != nil {
		if err = writeFile(l.cfg.Dir, text); err != nil {
			l.memory.stale()
		}
	}
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	return nil
}

// Now is the time by the Redis clock, as far as this node knows it: by its own clock
// until Redis has been heard of, and undisturbed by steps of that clock from then on.
func (l *Ledger) Now() time.Time {
	l.clockMu.Lock()
	defer l.clockMu.Unlock()
	if l.clock.here.IsZero() {
		return l.cfg.wall()
	}
	return l.clock.redis.Add(time.Since(l.clock.here))
}

// hear notes what the Redis clock shows, in ms.
func (l *Ledger) hear(ms int64) time.Time {
	l.clockMu.Lock()
	defer l.clockMu.Unlock()
	l.clock = reading{time.UnixMilli(ms), time.Now()}
	return l.clock.redis
}

// Today is how many of a campaign's calls of this day are known to be abandoned, and the key
// of the hash that counts them, for a script that looks again where a call is about to be
// dialed.
func (l *Ledger) Today(campaign string) (key string, abandoned int) {
	zone, _ := l.rules(campaign)
	today := dateAt(l.Now(), zone)
	return space("{c:" + campaign + "}:").day(today), int(l.memory.day(campaign, today).Abandoned)
}

// rules are a campaign's zone and windows.
func (l *Ledger) rules(campaign string) (*time.Location, []WindowRule) {
	c := l.cfg.Campaign(campaign)
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if len(c.Windows) == 0 {
		c.Windows = SafeWindows()
	}
	return c.Zone, c.Windows
}

// space is the keys of one campaign: all have its hash tag and so live in one slot.
type space string

// A brace in a name would end the hash tag early.
func spaceOf(campaign string) (space, error) {
	if campaign == "" || strings.ContainsAny(campaign, "{}\r\n") {
		return "", fmt.Errorf("%w: %q (it may not be empty nor hold braces)", ErrName, campaign)
	}
	return space("{c:" + campaign + "}:"), nil
}

func (s space) ledger() string              { return string(s) + "ledger" }
func (s space) day(d date) string           { return string(s) + "ledger:" + d.String() }
func (s space) calls(attempt string) string { return string(s) + "ledger:calls:" + callsDay(attempt) }
func (s space) reserved() string            { return string(s) + "ledger:reserved" }
func (s space) learned() string             { return string(s) + "learned" }
func (s space) campaign() string            { return string(s) + "campaign" }

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
