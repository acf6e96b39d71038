// Command bench-media measures what the media path costs: `make bench-media`.
//
// Calls of G.711 A-law at 20 ms are connected through each of these in turn, on one
// core of its own, while a generator and a sink use another:
//
//   - epoll_relay and go_relay: bare relays that look at nothing, one thread with an
//     epoll and a goroutine for each socket: what the kernel costs, and what Go's
//     sockets cost. They are the limits.
//   - bridge and bridge_record: a [ringpace/media.Engine] with its bridges, without
//     and with stereo recordings.
//   - asterisk_record: Asterisk with MixMonitor on each call.
//   - rtpengine_record: rtpengine in user space, recording to pcap.
//   - bridge_srtp and bridge_monitor: as bridge, with SRTP on the agents' legs; with one
//     who listens to each of 5 % of the calls.
//   - record_stalled: as bridge_record, on a disk that stalls for two seconds of the
//     window: a file system of its own, frozen (needs root and a loop device).
//
// The last three are measured once, at the headline load.
//
// For each it reports the CPU time, user and system, of the measured process per
// packet that it sent on, and how many calls of 100 packets a second fill a core with
// that. The load of 1,000 calls is left out where the cost at the load before says
// that a core does not suffice.
//
// Every packet is checked where it arrives: that it is the other leg's, as it was
// sent, in order and once, and that SSRC, sequence numbers and timestamps go on
// without a break; those missing are counted. Its delay is the time from the
// generator's send to the instant at which the kernel put it into the sink's socket.
// Streams begin at random within the 20 ms, as those of strangers do, on ticks of a
// millisecond: networks deliver several packets at once. With -tick 0 each has its own
// instant, which costs every case a wake-up for each packet. All recordings of
// Ringpace must hold, on the channel of each leg, every packet of that leg, sample by
// sample. What monitors are sent must go on from packet to packet. A fault in a case of Ringpace's own
// fails the run; what peers lose is reported.
//
// Of a recording that is not exact it is told what it knows of that itself: the packets
// that it misses, its gaps, and what found no room in memory or was not written.
//
// With bridge_record at the headline load a second window follows the first, in which the
// process collects its heap twice a second. The delay of the packets that were under
// way during a collection is told apart from that of the others.
//
// The load of the headline is measured in three rounds through all cases. Of each
// case the round with the least CPU time counts, as the one that others on the
// machine disturbed least; faults count in all.
//
// How many calls a core carries is found for the three that record. Of the loads, and of
// some between the highest that was carried and the lowest that was not, it is the highest
// at which no packet was lost and all but 1 % came within 20 ms. That is what was seen
// (calls_carried). Where the loads end before the core is full, how many would fill it is
// told by the cost of a packet at that load (calls_per_core), each by its own: what loses
// packets does less work for the rest, and what is idle works more for each wake-up.
//
// The last line is one JSON object: us_per_packet by case, of the headline load of
// 250 calls, null for a peer that is not installed; calls, that load; lost, packets
// that Ringpace lost, at all loads; delay_p99_ms, of bridge_record at the headline
// load; stall_delay_p99_ms, that of record_stalled, null where it was left out;
// allocs_per_packet, the most of bridge and bridge_record there; calls_carried and
// calls_per_core by case, 0 where no load was carried, or none measured.
//
// # Processes
//
// This process directs the others. Generator, sink and relays are this program
// again, with a role in its arguments (package roles); the peers run in the small
// Debian system of package chroot.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"
)

func main() {
	role := flag.String("role", "", "for the program's own use: the process to be")
	flag.String("listen", "", "for the program's own use")
	var p plan
	flag.Func("loads", "calls that are up at once, by commas (default 50,250,1000)", func(text string) (err error) {
		p.Loads, err = numbers(text)
		return err
	})
	flag.IntVar(&p.Headline, "headline", 250, "the load whose figures the last line holds")
	cases := flag.String("cases", strings.Join(caseNames(), ","), "what to measure, by commas")
	flag.IntVar(&p.Rounds, "rounds", 3, "how often the headline load is measured; the round with the least CPU time counts")
	flag.DurationVar(&p.Window, "window", 5*time.Second, "how long each is measured")
	flag.DurationVar(&p.Tick, "tick", time.Millisecond, "at multiples of which streams send; 0: each at an instant of its own")
	flag.StringVar(&p.Profile, "profile", "", "file for a CPU profile of bridge_record at the headline load")
	flag.Parse()
	p.Cases = strings.Split(*cases, ",")
	if p.Loads == nil {
		p.Loads = []int{50, 250, 1000}
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *role, p); err != nil {
		fmt.Fprintln(os.Stderr, "bench-media:", err)
		os.Exit(1)
	}
}

func numbers(text string) ([]int, error) {
	var all []int
	for one := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(one)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is no number of calls", one)
		}
		all = append(all, n)
	}
	return all, nil
}

func run(ctx context.Context, role string, p plan) error {
	switch role {
	case "":
		if err := manyFiles(); err != nil {
			return err
		}
		f, err := p.measure(ctx)
		return errors.Join(err, json.NewEncoder(os.Stdout).Encode(f))
	case "generator":
		return beGenerator()
	case "go_relay":
		return beGoRelay()
	case "epoll_relay":
		return beEpollRelay()
	case "ringpace":
		return beRingpace(p.Profile)
	}
	return fmt.Errorf("no role %q", role)
}
