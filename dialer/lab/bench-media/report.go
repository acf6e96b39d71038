package main

import (
	"errors"
	"fmt"

	"ringpace/dialer/lab/roles"
)

// say reports it.
func (r result) say(c bench, calls int) {
	more := ""
	if c.ours {
		more = fmt.Sprintf("; %.4f allocations a packet, %d collections", r.allocs, r.collected)
	}
	if r.exact >= 0 {
		more += fmt.Sprintf("; %d of %d recordings sample-exact, completing them took %.2f ms of CPU each",
			r.exact, calls, milliseconds(r.finished)/float64(calls))
	}
	roles.Report("%-16s %4d calls: %v%s", c.name, calls, r.findings, more)
	if r.collecting != nil {
		roles.Report("%-16s %4d calls while the heap is collected each %v: %v", c.name, calls, collectEvery, *r.collecting)
	}
	for _, line := range tell(r.inexact) {
		roles.Report("%-16s %s", "", line)
	}
	if r.Late > packetTime/4 {
		roles.Report("%-16s the generator fell %.1f ms behind: something else used its core", "", milliseconds(r.Late))
	}
}

// faults are what must not be in a case of our own.
func (r result) faults(c bench, calls int) error {
	var errs []error
	if !r.clean() {
		errs = append(errs, fmt.Errorf("%s with %d calls: not every packet came as it was sent", c.name, calls))
	}
	if c.also.monitored && r.Monitored == 0 {
		errs = append(errs, fmt.Errorf("%s with %d calls: monitors hear nothing", c.name, calls))
	}
	if r.collecting != nil && !r.collecting.clean() {
		errs = append(errs, fmt.Errorf("%s with %d calls: not every packet came as it was sent while the heap was collected", c.name, calls))
	}
	if len(r.inexact) > 0 {
		errs = append(errs, fmt.Errorf("%s with %d calls: %d recordings are exact: %w", c.name, calls, r.exact, r.inexact[0].err))
	}
	return errors.Join(errs...)
}

// ratios reports how the cases compare.
func (f figures) ratios() {
	ours := f.USPerPacket["bridge_record"]
	if ours == nil {
		return
	}
	for _, name := range []string{"epoll_relay", "go_relay", "rtpengine_record"} {
		if cost := f.USPerPacket[name]; cost != nil && *cost > 0 && !f.overrun[name] {
			roles.Report("bridge_record costs %.2f times %s", *ours / *cost, name)
		}
	}
	for _, c := range cases() {
		if f.overrun[c.name] {
			roles.Report("%s lost more than %.0f %% of the packets: the load is too much for it, and its cost no measure", c.name, 100*mostLost)
		}
	}
	for _, name := range recorded {
		if f.CallsCarried[name] == 0 {
			continue
		}
		roles.Report("%s carries %d calls without loss; by its cost with so many %.0f fill a core", name, f.CallsCarried[name], f.CallsPerCore[name])
		if name != "bridge_record" && f.CallsPerCore["bridge_record"] > 0 {
			roles.Report("bridge_record carries %.1f times the calls per core of %s", f.CallsPerCore["bridge_record"]/f.CallsPerCore[name], name)
		}
	}
}
