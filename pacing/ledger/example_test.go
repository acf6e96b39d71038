package ledger_test

import (
	"context"
	"fmt"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"ringpace/pacing/ledger"
)

// One node of a campaign. It tells what becomes of its calls as it happens, settles each
// before its end is delivered, and once a second asks what it may still do.
func Example() {
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		panic(err)
	}
	defer server.Close()
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer client.Close()

	books, err := ledger.Open(ledger.Config{
		Redis: client, Node: "node-1", Boot: "01KAVQ1B1N4XJ0Z1TS2Y8GQ5RA",
		Campaign: func(string) ledger.Campaign {
			return ledger.Campaign{Windows: []ledger.WindowRule{{Kind: ledger.Month, Ceiling: 0.05}}}
		},
	})
	if err != nil {
		panic(err)
	}
	defer books.Close()

	ctx := context.Background()
	for _, attempt := range []string{"01KAVQ2C7Y3M8V5D9R0W6T1XKE", "01KAVQ2D4H6N2B8F0S5Z3Y7QJM"} {
		books.Count(ledger.Entry{Campaign: "renewals", Attempt: attempt, Verdict: ledger.Answered})
	}
	const lost = "01KAVQ2D4H6N2B8F0S5Z3Y7QJM"
	books.Count(ledger.Entry{Campaign: "renewals", Attempt: lost, Verdict: ledger.Abandoned})
	for _, err := range books.Settle(ctx, ledger.Entry{Campaign: "renewals", Attempt: lost, Verdict: ledger.Abandoned}) {
		if err != nil {
			panic(err) // the end of the attempt must wait
		}
	}

	windows, err := books.Sync(ctx, "renewals", 0.4)
	if err != nil {
		panic(err) // nothing may be dialed
	}
	for _, w := range windows {
		fmt.Println(w.Name, w.Ceiling, w.Answered, w.Abandoned, w.Reserved)
	}
	// Output: month 0.05 2 1 0
}
