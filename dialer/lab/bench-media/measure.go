package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"ringpace/dialer/lab/roles"
)

// plan is what is measured, and how long.
type plan struct {
	Cases    []string
	Loads    []int
	Headline int
	Rounds   int // of the headline load, of which the one with the least CPU time counts
	Window   time.Duration
	Tick     time.Duration // streams send at multiples of it; 0: each at its own instant
	Profile  string        // file; empty: none
}

// figures are the result. The keys are fixed: others read them.
type figures struct {
	USPerPacket     map[string]*float64 `json:"us_per_packet"`
	Calls           int                 `json:"calls"`
	Lost            int                 `json:"lost"`
	DelayP99MS      float64             `json:"delay_p99_ms"`
	DelayP999MS     float64             `json:"delay_p999_ms"`
	DelayP999GCMS   *float64            `json:"delay_p999_gc_ms"`
	StallDelayP99MS *float64            `json:"stall_delay_p99_ms"`

	AllocsPerPacket float64            `json:"allocs_per_packet"`
	CallsCarried    map[string]int     `json:"calls_carried"`
	CallsPerCore    map[string]float64 `json:"calls_per_core"`

	overrun map[string]bool // cases that did not carry the load
}

// subject is what a load is put on.
type subject interface {
	// Connect sets calls up between their far ends and returns where each of those
	// is to send.
	Connect(ctx context.Context, far farEnds) (nearEnds, error)
	PID() int
	Close() error
}

// bench is one case.
type bench struct {
	name string
	ours bool // a fault fails the run
	also also
	// start starts the subject. Dir is for its recordings. Errors that wrap
	// errNotInstalled leave the case out.
	start func(ctx context.Context, p start) (subject, error)
}

// also is what is asked of a case beyond that of its kind. Such a case is measured once,
// at the headline load.
type also struct {
	secure    bool // agents' legs are encrypted
	monitored bool // somebody listens to monitoredPart of all calls
	stalled   bool // the disk stalls for stalledFor
}

// monitoredPart is a twentieth.
const monitoredPart = 0.05

// start is what a subject needs to know.
type start struct {
	core    int
	dir     string
	profile string
}

var errNotInstalled = errors.New("is not installed; `.ci/deps media-peers` installs it")

func cases() []bench {
	role := func(name string, record bool) func(context.Context, start) (subject, error) {
		return func(ctx context.Context, s start) (subject, error) { return startProcess(ctx, name, record, s) }
	}
	return []bench{
		{"epoll_relay", false, also{}, role("epoll_relay", false)},
		{"go_relay", false, also{}, role("go_relay", false)},
		{"bridge", true, also{}, role("ringpace", false)},
		{"bridge_record", true, also{}, role("ringpace", true)},
		{"asterisk_record", false, also{}, startAsterisk},
		{"rtpengine_record", false, also{}, startRTPEngine},
		{"bridge_srtp", true, also{secure: true}, role("ringpace", false)},
		{"bridge_monitor", true, also{monitored: true}, role("ringpace", false)},
		{"record_stalled", true, also{stalled: true}, role("ringpace", true)},
	}
}

func caseNames() (names []string) {
	for _, c := range cases() {
		names = append(names, c.name)
	}
	return names
}

// measure puts each load on each subject in turn. The figures are as good as can be
// told also when there is an error.
func (p plan) measure(ctx context.Context) (figures, error) {
	f := figures{USPerPacket: map[string]*float64{}, Calls: p.Headline, CallsCarried: map[string]int{}, CallsPerCore: map[string]float64{}, overrun: map[string]bool{}}
	for _, c := range cases() {
		f.USPerPacket[c.name] = nil
	}
	for _, name := range p.Cases {
		if !slices.Contains(caseNames(), name) {
			return f, fmt.Errorf("no case %q; there are %s", name, strings.Join(caseNames(), ", "))
		}
	}
	cores, err := choose()
	if err != nil {
		return f, err
	}
	var faults []error
	before := map[string]result{} // at the load before
	reached := map[string]*reach{}
	for _, c := range cases() {
		reached[c.name] = newReach()
	}
	for _, calls := range p.Loads {
		rounds := 1
		if calls == p.Headline {
			rounds = p.Rounds
		}
		best := map[string]result{}
		for round := range rounds {
			for _, c := range cases() {
				if !slices.Contains(p.Cases, c.name) || c.also != (also{}) && (calls != p.Headline || round > 0) {
					continue
				}
				if use := before[c.name].perPacket() * float64(calls) * packetsPerCall / 1e6; calls > p.Headline && use > fullest {
					roles.Report("%-16s %4d calls: left out, they would take %.1f cores", c.name, calls, use)
					reached[c.name].failed[calls] = true
					continue
				}
				r, err := p.one(ctx, c, calls, cores)
				switch {
				case errors.Is(err, errNotInstalled), errors.Is(err, errNoStall):
					roles.Report("%-16s %v", c.name, err)
					continue
				case ctx.Err() != nil:
					return f, context.Cause(ctx)
				case err != nil:
					faults = append(faults, fmt.Errorf("%s with %d calls: %w", c.name, calls, err))
					continue
				}
				r.say(c, calls)
				reached[c.name].note(calls, r)
				if c.ours {
					f.Lost += r.lost()
					faults = append(faults, r.faults(c, calls))
				}
				if other, there := best[c.name]; !there || r.better(other) {
					best[c.name] = r
				}
			}
		}
		if calls == p.Headline {
			f.take(best)
		}
		before = best
	}
	for _, c := range cases() {
		if slices.Contains(recorded, c.name) {
			if err := p.search(ctx, c, reached[c.name], cores); err != nil {
				faults = append(faults, fmt.Errorf("%s: %w", c.name, err))
			}
			f.CallsCarried[c.name], f.CallsPerCore[c.name] = reached[c.name].most(), math.Round(reached[c.name].perCore())
		}
	}
	f.ratios()
	return f, errors.Join(faults...)
}

// recorded are the cases of which it is found how many calls they carry.
var recorded = []string{"bridge_record", "asterisk_record", "rtpengine_record"}

// take keeps the results of the headline load.
func (f *figures) take(best map[string]result) {
	for _, c := range cases() {
		r, measured := best[c.name]
		if !measured {
			continue
		}
		cost := roles.Round(r.perPacket(), 2)
		f.USPerPacket[c.name] = &cost
		f.overrun[c.name] = !r.carried()
		if c.ours && c.also == (also{}) {
			f.AllocsPerPacket = max(f.AllocsPerPacket, roles.Round(r.allocs, 3))
		}
		if c.name == "bridge_record" {
			f.DelayP99MS, f.DelayP999MS = roles.Round(milliseconds(r.P99), 3), roles.Round(milliseconds(r.P999), 3)
			if r.collecting != nil {
				delay := roles.Round(milliseconds(r.collecting.DuringP999), 3)
				f.DelayP999GCMS = &delay
			}
		}
		if c.also.stalled {
			delay := roles.Round(milliseconds(r.P99), 3)
			f.StallDelayP99MS = &delay
		}
	}
}

// fullest is the part of a core up to which a load above the headline is tried.
const fullest = 0.85

// result is what was found about one case under one load.
type result struct {
	findings
	allocs     float64       // per packet; NaN: not known
	finished   time.Duration // CPU time of completing the recordings
	collected  uint32        // collections of the heap in the window
	collecting *collected    // what packets felt where they were forced; nil: they were not
	exact      int           // recordings that hold every sample; -1: there are none
	inexact    []flaw        // those that do not
}

// mostLost is the part of the packets that may be lost before the load counts as too
// much. What is lost costs nothing, so that the cost of the others says little.
const mostLost = 0.01

func (r result) carried() bool { return float64(r.lost()) <= mostLost*float64(r.Sent) }

// better tells whether r rather than other is what the case can do.
func (r result) better(other result) bool {
	if r.carried() != other.carried() {
		return r.carried()
	}
	return r.perPacket() < other.perPacket()
}

// warmUp is how long calls flow before they are measured.
const warmUp = 1500 * time.Millisecond

// drain is how long sockets have at the end to be read.
const drain = time.Second

// one measures one case under one load.
func (p plan) one(ctx context.Context, c bench, calls int, on cores) (r result, err error) {
	dir, err := recordingDir()
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var disk *disk
	if c.also.stalled {
		if disk, err = newDisk(ctx, dir); err != nil {
			return r, err
		}
		defer func() { err = errors.Join(err, disk.close()) }()
		dir = disk.dir
	}
	s := start{core: on.measured, dir: dir}
	if c.name == "bridge_record" && calls == p.Headline {
		s.profile = p.Profile
	}
	measured, err := c.start(ctx, s)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, measured.Close()) }()
	var generator *roles.Process
	err = pinned(on.generator, urgent, func() (err error) {
		generator, err = roles.Start(ctx, "generator")
		return err
	})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, generator.End()) }()

	var opened, heard told
	far := setup{Calls: calls, Tick: p.Tick, Secure: c.also.secure}
	if c.also.monitored {
		far.Monitors = int(math.Ceil(monitoredPart * float64(calls)))
	}
	if err := generator.Order(traffic{Open: &far}, &opened); err != nil {
		return r, err
	}
	near, err := measured.Connect(ctx, opened.Far)
	if err != nil {
		return r, err
	}
	if err := generator.Order(traffic{Send: &near}, &heard); err != nil {
		return r, err
	}
	if err := roles.Pause(ctx, warmUp); err != nil {
		return r, err
	}
	process, ours := measured.(*process)
	var from, to done
	if ours {
		if err := process.Order(work{}, &from); err != nil {
			return r, err
		}
	}
	stalled := disk.stall(ctx)
	begin := time.Now()
	if err := generator.Order(traffic{Measure: p.Window, PID: measured.PID()}, &heard); err != nil {
		return r, err
	}
	if err := <-stalled; err != nil {
		return r, err
	}
	r.findings, r.exact, r.allocs = heard.Findings, -1, math.NaN()
	if !ours {
		return r, nil
	}
	if err := process.Order(work{}, &to); err != nil {
		return r, err
	}
	r.allocs = float64(to.Mallocs-from.Mallocs) / (time.Since(begin).Seconds() * packetsPerCall * float64(calls))
	r.collected = to.Collected - from.Collected
	if c.name == "bridge_record" && calls == p.Headline {
		if r.collecting, err = collecting(generator, process, p.Window); err != nil {
			return r, err
		}
		r.To = r.collecting.To
	}
	// Calls are over before their recordings are completed, and what waits in sockets is read.
	if err := errors.Join(generator.Order(traffic{Stop: true}, &heard), roles.Pause(ctx, drain)); err != nil {
		return r, err
	}
	return r, process.finish(&r)
}
