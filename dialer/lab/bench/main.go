// Command bench measures what signalling costs: `make bench-sip`.
//
// It reports, and ends with one JSON object:
//
//   - cpu_ms_per_call, calls, failed, calls_per_s: calls from INVITE to BYE, as
//     their caller, at 300 calls/s against SIPp. The CPU time, user and system,
//     is of a process that holds a [sip.Endpoint] with one trunk and a driver of a
//     few lines, and nothing else. Calls begin as campaigns begin them, each of
//     which is paced once a second: some at once, 15 every 50 ms. Evenly spread,
//     with a wake-up for every packet, a call costs more; that figure is printed
//     beside, and what the same packets cost a program that does not speak SIP at
//     all (see bare).
//   - rss_growth_mb: how much more memory that process holds after 100,000 calls
//     than after 10,000, both times when all timers have run off.
//   - refresh_core_share: the part of one core that a process with a registrar
//     uses while 10,000 contacts refresh once a minute, with digest.
//   - flood_failed: calls that failed, of 50 a second, while 20,000 packets of
//     junk a second came from one stranger's address.
//
// # Processes
//
// This process directs the others and makes the load: it plays the contacts and
// the stranger. SIPp is the carrier. Each process that is measured is this
// program again, with a role in its arguments; it takes orders on its standard
// input and answers each on its standard output, as one JSON value per line.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"ringpace/dialer/lab/roles"
)

// plan is what is measured, and how long.
type plan struct {
	Rate, Calls         int           // of the measured calls: a second, in all
	Tick                time.Duration // how often those that are due are begun
	FastRate            int           // calls a second on the way to the totals below
	Warm, Total         int           // calls at which memory is looked at
	Hold, Settle        time.Duration
	Contacts            int
	Refresh             time.Duration // of each contact
	Window              time.Duration // in which refreshing is measured
	Flood               int           // packets a second
	FloodRate, FloodRun int           // good calls meanwhile: a second, in all
	Profile             string        // file for a CPU profile of the calls; empty: none
}

// figures are the result. The keys are fixed: others read them.
type figures struct {
	CPUMsPerCall     float64 `json:"cpu_ms_per_call"`
	Calls            int     `json:"calls"`
	Failed           int     `json:"failed"`
	CallsPerS        float64 `json:"calls_per_s"`
	RSSGrowthMB      float64 `json:"rss_growth_mb"`
	RefreshCoreShare float64 `json:"refresh_core_share"`
	FloodFailed      int     `json:"flood_failed"`
}

func main() {
	var p plan
	role := flag.String("role", "", "for the program's own use: the process to be")
	listen := flag.String("listen", "", "for the program's own use: address of the role's endpoint")
	server := flag.String("server", "", "for the program's own use: the carrier's address")
	profile := flag.String("profile", "", "file for a CPU profile of the calling process")
	flag.IntVar(&p.Rate, "rate", 300, "calls a second")
	flag.IntVar(&p.Calls, "calls", 6000, "calls at that rate")
	flag.DurationVar(&p.Tick, "tick", 50*time.Millisecond, "how often calls that are due are begun")
	flag.IntVar(&p.FastRate, "fast", 300, "calls a second on the way to -total")
	flag.IntVar(&p.Warm, "warm", 10_000, "calls before memory is looked at first")
	flag.IntVar(&p.Total, "total", 100_000, "calls before it is looked at again")
	flag.DurationVar(&p.Hold, "hold", time.Second, "time from the answer to BYE")
	flag.DurationVar(&p.Settle, "settle", 35*time.Second, "pause before memory is looked at; transactions last up to 32 s")
	flag.IntVar(&p.Contacts, "contacts", 10_000, "registered contacts")
	flag.DurationVar(&p.Refresh, "refresh", time.Minute, "time in which each contact refreshes once")
	flag.DurationVar(&p.Window, "window", time.Minute, "time for which refreshing is measured")
	flag.IntVar(&p.Flood, "flood", 20_000, "junk packets a second")
	flag.IntVar(&p.FloodRate, "flood-rate", 50, "good calls a second meanwhile")
	flag.IntVar(&p.FloodRun, "flood-calls", 1500, "good calls meanwhile")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *role, *listen, *server, *profile, p); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, role, listen, server, profile string, p plan) error {
	switch role {
	case "":
		p.Profile = profile
		f, err := p.measure(ctx)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(f)
	case "caller":
		return beCaller(listen, server, profile)
	case "bare":
		return beBare(listen, server)
	case "registrar":
		return beRegistrar(listen)
	}
	return fmt.Errorf("no role %q", role)
}

// measure does all parts in turn: at once they would disturb each other.
func (p plan) measure(ctx context.Context) (f figures, err error) {
	if err := p.measureCalls(ctx, &f); err != nil {
		return f, fmt.Errorf("calls: %w", err)
	}
	if err := p.measureRefresh(ctx, &f); err != nil {
		return f, fmt.Errorf("refresh: %w", err)
	}
	if err := p.measureFlood(ctx, &f); err != nil {
		return f, fmt.Errorf("flood: %w", err)
	}
	return f, nil
}

// measureCalls measures the cost of a call in time, and of many in memory.
func (p plan) measureCalls(ctx context.Context, f *figures) (err error) {
	carrier, err := startCarrier(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, carrier.end()) }()
	caller, err := startRole(ctx, "caller", "-server", carrier.addr, "-profile", p.Profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, caller.end()) }()

	measured, err := caller.order(order{Calls: p.Calls, Rate: p.Rate, Tick: p.Tick, Hold: p.Hold})
	if err != nil {
		return err
	}
	f.Calls, f.Failed = measured.Calls, measured.Failed
	f.CPUMsPerCall = roles.Round(measured.perCall(), 4)
	f.CallsPerS = roles.Round(measured.Rate(), 1)
	roles.Report("%d calls at %.1f a second, %d failed%s: %.3f ms of CPU each",
		f.Calls, f.CallsPerS, f.Failed, measured.Why.text(), f.CPUMsPerCall)
	if err := p.compare(ctx, caller, carrier.addr, f); err != nil {
		return err
	}

	for _, until := range []int{p.Warm, p.Total} {
		more, err := caller.order(order{Calls: max(0, until-f.Calls), Rate: p.FastRate, Tick: p.Tick, Hold: p.Hold})
		if err != nil {
			return err
		}
		f.Calls += more.Calls
		f.Failed += more.Failed
		if err := roles.Pause(ctx, p.Settle); err != nil {
			return err
		}
		now, err := caller.order(order{Memory: true})
		if err != nil {
			return err
		}
		f.RSSGrowthMB = now.RSS - f.RSSGrowthMB // of the first: nothing before it
		roles.Report("%d calls, %d failed%s (the last %d at %.1f a second, %.3f ms of CPU each): %.1f MB resident, %.1f MB of live objects, %d goroutines",
			f.Calls, f.Failed, more.Why.text(), more.Calls, more.Rate(), more.perCall(),
			now.RSS, now.Live, now.Run)
	}
	f.RSSGrowthMB = roles.Round(f.RSSGrowthMB, 2)
	return nil
}

// spread is a tick at which no two calls of a usual rate begin at once.
const spread = 2 * time.Millisecond

// compare measures calls that are evenly spread, and what the packets alone cost, both
// ways.
func (p plan) compare(ctx context.Context, caller *role, carrier string, f *figures) (err error) {
	calls := order{Calls: p.Calls / 3, Rate: p.Rate, Tick: spread, Hold: p.Hold}
	even, err := caller.order(calls)
	if err != nil {
		return err
	}
	f.Calls += even.Calls
	f.Failed += even.Failed
	packets, err := startRole(ctx, "bare", "-server", carrier)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, packets.end()) }()
	evenPackets, err := packets.order(calls)
	if err != nil {
		return err
	}
	calls.Tick = p.Tick
	some, err := packets.order(calls)
	if err != nil {
		return err
	}
	roles.Report("evenly spread: %.3f ms each, %d failed%s; the packets alone: %.3f ms a call, %.3f ms evenly spread",
		even.perCall(), even.Failed, even.Why.text(), some.perCall(), evenPackets.perCall())
	return nil
}

// measureRefresh measures what registered contacts cost.
func (p plan) measureRefresh(ctx context.Context, f *figures) (err error) {
	registrar, err := startRole(ctx, "registrar")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, registrar.end()) }()
	phones, err := newPhones(ctx, registrar.addr, p.Contacts)
	if err != nil {
		return err
	}
	defer phones.close()

	// The first registrations, with a challenge each, at 300 a second.
	if err := phones.refresh(ctx, time.Duration(p.Contacts)*time.Second/300, p.Contacts); err != nil {
		return err
	}
	begin, err := registrar.order(order{})
	if err != nil {
		return err
	}
	from := time.Now()
	if err := phones.refresh(ctx, p.Refresh, int(int64(p.Contacts)*int64(p.Window)/int64(p.Refresh))); err != nil {
		return err
	}
	end, err := registrar.order(order{})
	if err != nil {
		return err
	}
	f.RefreshCoreShare = roles.Round((end.CPU-begin.CPU).Seconds()/time.Since(from).Seconds(), 4)
	roles.Report("%d contacts registered refresh every %s: %d requests, %.2f %% of a core",
		end.Contacts, p.Refresh, end.Requests-begin.Requests, 100*f.RefreshCoreShare)
	if end.Contacts != p.Contacts {
		return fmt.Errorf("%d of %d contacts are registered at the end", end.Contacts, p.Contacts)
	}
	return nil
}

// measureFlood measures what a flood of junk does to calls.
func (p plan) measureFlood(ctx context.Context, f *figures) (err error) {
	carrier, err := startCarrier(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, carrier.end()) }()
	caller, err := startRole(ctx, "caller", "-server", carrier.addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, caller.end()) }()

	flooding, stop := context.WithCancel(ctx)
	defer stop()
	sent := make(chan floodSent, 1)
	go func() { sent <- flood(flooding, caller.addr, p.Flood) }()
	good, err := caller.order(order{Calls: p.FloodRun, Rate: p.FloodRate, Tick: p.Tick, Hold: p.Hold})
	stop()
	junk := <-sent
	if err = errors.Join(err, junk.err); err != nil {
		return err
	}
	f.FloodFailed = good.Failed
	roles.Report("%d calls at %.1f a second under %.0f junk packets a second, %d failed%s; the endpoint used %.1f %% of a core",
		good.Calls, good.Rate(), float64(junk.packets)/junk.took.Seconds(), good.Failed, good.Why.text(),
		100*good.CPU.Seconds()/good.Took.Seconds())
	return nil
}
