package ledger

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/oklog/ulid/v2"
	"github.com/redis/go-redis/v9"

	"ringpace/pacing/ledger/redistest"
)

// backends are the addresses of the servers that every script is tested against.
type backends struct{ one, cluster string }

var servers backends // set once, by TestMain

func TestMain(m *testing.M) {
	os.Exit(redistest.Main(m, func(one, cluster string) { servers = backends{one, cluster} }))
}

// name is unique in the shared servers, and holds waits until what it is given is so.
var (
	name  = redistest.Name
	holds = redistest.Holds
)

// floor is one campaign in one Redis.
type floor struct {
	*testing.T
	campaign string
	client   redis.UniversalClient
	head     string
	mini     *miniredis.Miniredis // the embedded store's server, of which time is virtual
}

// onEach runs a test against a single server, a cluster (where Redis checks that scripts
// keep to one slot) and the embedded store's server.
func onEach(t *testing.T, test func(f *floor)) {
	t.Run("redis", func(t *testing.T) {
		test(&floor{T: t, campaign: name("camp"), client: clientOf(t, servers.one)})
	})
	t.Run("cluster", func(t *testing.T) {
		client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{servers.cluster}, Protocol: 2, MaxRedirects: 3})
		t.Cleanup(func() { client.Close() })
		test(&floor{T: t, campaign: name("camp"), client: client, head: "#!lua\n"})
	})
	t.Run("embedded", func(t *testing.T) { test(virtual(t)) })
}

// virtual is a floor whose Redis has a clock that stands where it is put.
func virtual(t *testing.T) *floor {
	mini := miniredis.RunT(t)
	return &floor{T: t, campaign: "camp", client: clientOf(t, mini.Addr()), mini: mini}
}

func clientOf(t *testing.T, addr string) redis.UniversalClient {
	client := redis.NewClient(&redis.Options{
		Addr: addr, Protocol: 2, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true, DisableIdentity: true,
	})
	t.Cleanup(func() { client.Close() })
	return client
}

// node opens a node's ledger, closed with the test.
func (f *floor) node(name string, change ...func(*Config)) *Ledger {
	f.Helper()
	cfg := Config{Redis: f.client, Node: name, Boot: name + "-boot", Timeout: 10 * time.Second, scriptHead: f.head}
	if f.mini != nil {
		cfg.wall = func() time.Time {
			t, err := f.client.Time(context.Background()).Result()
			if err != nil {
				return time.Now()
			}
			return t
		}
	}
	for _, c := range change {
		c(&cfg)
	}
	l, err := Open(cfg)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := l.Close(); err != nil {
			f.Errorf("Close: %v", err)
		}
	})
	return l
}

// now is what the Redis clock shows.
func (f *floor) now() time.Time {
	f.Helper()
	t, err := f.client.Time(context.Background()).Result()
	if err != nil {
		f.Fatal(err)
	}
	return t
}

// tell settles verdicts on one call after the other.
func (f *floor) tell(l *Ledger, attempt string, verdicts ...Verdict) {
	f.Helper()
	for _, v := range verdicts {
		if err := l.Settle(f.Context(), Entry{Campaign: f.campaign, Attempt: attempt, Verdict: v})[0]; err != nil {
			f.Fatal(err)
		}
	}
}

func call() string { return ulid.Make().String() }

// sums are the counts of all nodes on all dates, as Redis has them.
func (f *floor) sums() (c Counts) {
	f.Helper()
	sp, err := spaceOf(f.campaign)
	if err != nil {
		f.Fatal(err)
	}
	today := dateAt(f.now(), time.UTC)
	for d := today - 40; d <= today+1; d++ {
		flat, err := f.client.HGetAll(f.Context(), sp.day(d)).Result()
		if err != nil {
			f.Fatal(err)
		}
		var list []any
		for k, v := range flat {
			list = append(list, k, v)
		}
		fields, err := parseFields(list)
		if err != nil {
			f.Fatal(err)
		}
		c = c.plus(fields.counts())
	}
	return c
}

// wantSums compares the counts in Redis.
func (f *floor) wantSums(want Counts) {
	f.Helper()
	if got := f.sums(); got != want {
		f.Errorf("redis has %+v, want %+v", got, want)
	}
}
