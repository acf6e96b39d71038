package dialer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/config"
	"ringpace/dialer/store"
	"ringpace/dialer/store/export"
	"ringpace/sip"
	"ringpace/sip/defence"
	"ringpace/sip/trace"
)

// Options are what a daemon is told besides its configuration.
type Options struct {
	Logger  *slog.Logger   // nil discards
	Level   *slog.LevelVar // of Logger; a reload may change it; may be nil
	Version string
	Path    string // of the configuration file, for Reload; "" where there is none
	// Store is used instead of the one that the configuration names; the daemon
	// closes it. The demo and tests bring an embedded one, whose Campaign is Windows.
	Store *store.Store
}

// Daemon is one node of the call floor. It implements api.Floor. Its exported
// methods may be called from any goroutine.
type Daemon struct {
	*equipment
	opts    Options
	log     *slog.Logger
	started time.Time

	endpoint *sip.Endpoint
	guard    *defence.Guard
	copies   *trace.Exporter // nil: no collector gets copies of messages
	trunks   *trunks
	peers    []*peer
	registry *registry  // nil: no telephone registers here
	local    *sip.Local // the way to those
	calls    *calls
	alarms   *alarms
	exporter *export.Exporter
	server   *api.Server
	listener net.Listener

	space *space // on the disks that records are written to

	reception atomic.Pointer[reception] // nil until Run, and then never changed

	draining atomic.Bool
	hurry    chan struct{} // closed: calls are hung up, not waited for
	hurryOne sync.Once

	reloading sync.Mutex // one reload at a time, and none before every actor runs
	mu        sync.Mutex // protects what a reload changes
	cfg       *config.Config
	campaigns map[string]*campaign
	agents    map[string]*agent
	spawn     func(*agent) // runs an agent's actor; set by Run, used under reloading
}

// Addr is where the API is served.
func (d *Daemon) Addr() net.Addr { return d.listener.Addr() }

// SIPAddr is where signalling of that transport is received.
func (d *Daemon) SIPAddr(transport string) (netip.AddrPort, bool) { return d.endpoint.Addr(transport) }

// peer returns the PBX of that name.
func (d *Daemon) peer(name string) *peer {
	for _, p := range d.peers {
		if p.Name() == name {
			return p
		}
	}
	return nil
}

// routes are all places that calls are sent to.
func (d *Daemon) routes() []*sip.Trunk {
	var list []*sip.Trunk
	for _, p := range d.peers {
		if p.Trunk != nil {
			list = append(list, p.Trunk)
		}
	}
	for _, t := range d.trunks.all {
		list = append(list, t.Trunk)
	}
	return list
}

// stopped says why nothing may be dialed by this node; "" if nothing forbids it.
func (d *Daemon) stopped() string {
	switch {
	case d.draining.Load():
		return "the daemon shuts down"
	case !d.store.Up():
		return "Redis is away"
	}
	if wrong := clocksDiffer(d.store.Skew()); wrong != "" {
		return wrong
	}
	if d.recorder != nil {
		if trouble := d.recorder.Trouble(); trouble != "" {
			return trouble
		}
	}
	return d.space.trouble()
}

// Run registers the trunks, logs in the agents that are to be, dials, and serves the
// API until ctx is done. Then it drains: no new call is made, and those that are
// up go on until they end or HangUp is called or the configuration's drain time
// is over. It returns when everything is closed.
func (d *Daemon) Run(ctx context.Context) error {
	dialing, stopDialing := context.WithCancel(context.WithoutCancel(ctx))
	calling, stopCalling := context.WithCancel(context.WithoutCancel(ctx))
	attending, sendHome := context.WithCancel(context.WithoutCancel(ctx))
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer func() { stopDialing(); stopCalling(); sendHome(); stopServing() }()

	var rooms, people, dialers sync.WaitGroup // end in the order: dialers, people, rooms
	d.spawn = func(a *agent) { people.Go(func() { a.run(attending) }) }
	failed := make(chan error, 1)
	rooms.Go(func() {
		if err := d.server.Serve(serving, d.listener); err != nil {
			failed <- fmt.Errorf("the API: %w", err)
		}
	})
	for _, t := range d.routes() {
		rooms.Go(func() {
			if err := t.Run(serving); err != nil {
				d.log.Error("trunk ended", "trunk", t.Name(), "error", err)
			}
		})
	}
	rooms.Go(func() { d.watch(serving) })
	rooms.Go(func() { d.space.run(serving) })
	if d.registry != nil {
		rooms.Go(func() { d.registry.Run(serving) })
		rooms.Go(func() { d.local.Run(serving) })
	}
	if d.copies != nil {
		rooms.Go(func() { _ = d.copies.Run(serving) }) // until serving is done
	}
	exporting, stopExporting := context.WithCancel(context.WithoutCancel(ctx))
	defer stopExporting()
	var exporter sync.WaitGroup
	exporter.Go(func() {
		if err := d.exporter.Run(exporting); err != nil && !errors.Is(err, context.Canceled) {
			d.log.Error("the file of call detail records is not written", "error", err)
			d.alarms.set("cdr_file", "call detail records are not written to the file: "+err.Error())
		}
	})
	for _, a := range d.allAgents() {
		d.spawn(a)
	}
	for _, c := range d.allCampaigns() {
		dialers.Go(func() { c.run(dialing, calling) })
	}
	d.reloading.Unlock()
	d.reception.Store(newReception(calling))
	people.Go(func() { d.autoLogin(attending) })

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	d.draining.Store(true)
	d.reception.Load().close()
	d.log.Info("draining: no new call is made", "calls", len(d.calls.all()))
	stopDialing()
	dialers.Wait()
	d.drain(stopCalling)
	sendHome()
	people.Wait()
	d.board.supervisions.calls.Wait()
	d.calls.wg.Wait()
	stopServing()
	rooms.Wait()

	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	d.flush(closing)
	stopExporting()
	exporter.Wait()
	return errors.Join(err, d.close(closing))
}
