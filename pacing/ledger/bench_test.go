package ledger

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// BenchmarkSync is what a campaign costs each second: 30 days of four nodes.
func BenchmarkSync(b *testing.B) {
	client := redis.NewClient(&redis.Options{Addr: servers.one, Protocol: 2, DisableIdentity: true})
	defer client.Close()
	l, err := Open(Config{Redis: client, Node: "a", Boot: "a", Campaign: func(string) Campaign {
		return Campaign{Windows: []WindowRule{{Kind: Day}, {Kind: Days30}, {Kind: Month}}}
	}})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	ctx, campaign := context.Background(), name("bench")
	sp, _ := spaceOf(campaign)
	today := dateAt(l.Now(), time.UTC)
	for d := today - 31; d <= today; d++ {
		for _, node := range []string{"a", "b", "c", "d"} {
			for _, count := range []string{answeredCount, abandonedCount, machineCount} {
				if err := client.HSet(ctx, sp.day(d), count+":"+node, 12345).Err(); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Sync(ctx, campaign, 0.5); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCount is one answered call, to its end.
func BenchmarkCount(b *testing.B) {
	client := redis.NewClient(&redis.Options{Addr: servers.one, Protocol: 2, DisableIdentity: true})
	defer client.Close()
	l, err := Open(Config{Redis: client, Node: "a", Boot: "a"})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	ctx, campaign := context.Background(), name("bench")
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Settle(ctx, Entry{Campaign: campaign, Attempt: call(), Verdict: Abandoned})[0]; err != nil {
			b.Fatal(err)
		}
	}
}
