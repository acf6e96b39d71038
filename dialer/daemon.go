package dialer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/config"
	"ringpace/dialer/store"
	"ringpace/dialer/store/export"
	"ringpace/media"
	"ringpace/media/record"
	"ringpace/media/record/upload"
	"ringpace/sip"
	"ringpace/sip/defence"
	"ringpace/sip/resolve"
	"ringpace/sip/trace"
)

// Options are what a daemon is told besides its configuration.
type Options struct {
	Logger  *slog.Logger   // nil discards
	Level   *slog.LevelVar // of Logger; a reload may change it; may be nil
	Version string
	Path    string // of the configuration file, for Reload; "" where there is none
	// Store is used instead of the one that the configuration names; the daemon
	// closes it. The demo and tests bring an embedded one.
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

// New opens everything that the configuration names: the store, the sockets of
// signalling and of the API, the directories. Nothing is dialed or registered
// before Run.
func New(ctx context.Context, cfg *config.Config, opts Options) (_ *Daemon, err error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	d := &Daemon{
		equipment: &equipment{
			node: cfg.Node.ID, store: opts.Store, floor: newFloor(),
			feed: api.NewFeed(), metrics: api.NewMetrics(opts.Version),
			keepUnbridged: cfg.Recording.Keep == config.KeepAnswered, mediaTimeout: cfg.Media.Timeout,
		},
		opts: opts, log: opts.Logger, started: time.Now(), calls: newCalls(), hurry: make(chan struct{}), cfg: cfg,
		campaigns: map[string]*campaign{}, agents: map[string]*agent{},
	}
	d.reloading.Lock() // Run unlocks it
	d.alarms = newAlarms(d.feed, d.log)
	d.board = newSwitchboard(d.peer, d.colleague)
	defer func() {
		if err != nil {
			d.close(ctx)
		}
	}()
	if err := d.openStore(ctx); err != nil {
		return nil, err
	}
	if err := d.openMedia(); err != nil {
		return nil, err
	}
	if err := d.openRegistrar(ctx); err != nil {
		return nil, err
	}
	if err := d.openSignalling(); err != nil {
		return nil, err
	}
	rules, err := loadPhones(cfg)
	if err != nil {
		return nil, err
	}
	d.board.phones.Store(rules)
	d.disclosure.Store(newDisclosure(&cfg.Recording))
	for _, c := range cfg.Campaigns {
		k, err := newCampaign(d.equipment, c, d.trunks, d.calls, d.stopped, d.log)
		if err != nil {
			return nil, err
		}
		d.campaigns[c.Name] = k
	}
	for _, c := range cfg.Agents {
		d.agents[c.ID] = d.newAgent(c)
	}
	return d, d.openAPI()
}

func (d *Daemon) newAgent(c config.Agent) *agent {
	return newAgent(c, d.equipment, d.log)
}

func (d *Daemon) openStore(ctx context.Context) error {
	if d.store == nil {
		s, err := store.Open(ctx, store.Config{
			URL: storeURL(d.cfg.Redis), Node: d.node, Logger: d.log,
			JournalDir: filepath.Join(d.cfg.Node.DataDir, "journal"), Takeover: nodeTakeover,
		})
		if err != nil {
			return err
		}
		d.store = s
		if err := s.Join(ctx); err != nil {
			return fmt.Errorf("node.id %s: %w; each daemon of one Redis needs a name of its own", d.node, err)
		}
	}
	keep := d.cfg.CDR.KeepFiles
	if keep == 0 {
		keep = -1 // all
	}
	var err error
	d.exporter, err = export.Open(d.store, export.Config{
		Dir: d.cfg.CDR.Dir, MaxBytes: int64(d.cfg.CDR.RotateSize), MaxFiles: keep, Logger: d.log,
	})
	d.space = newSpace(d.cfg.Node.DataDir, d.cfg.CDR.Dir)
	return err
}

func (d *Daemon) openMedia() error {
	m := d.cfg.Media
	var err error
	d.engine, err = media.NewEngine(media.Config{
		Addr: m.Address, Other: m.OtherAddress, PortMin: m.Ports.Min, PortMax: m.Ports.Max, Cooldown: m.Cooldown, Logger: d.log,
	})
	if err != nil || !d.cfg.Recording.Enabled {
		return err
	}
	r := d.cfg.Recording
	if err := os.MkdirAll(r.Dir, 0o750); err != nil {
		return fmt.Errorf("recording directory: %w", err)
	}
	d.recordings = r.Dir
	d.recorder, err = record.New(record.Config{
		Dir: r.Dir, Pattern: r.Pattern, Flush: r.Flush, MinFree: int64(r.MinFree), Retention: r.Retention,
		Linear: r.Format == config.FormatPCM16, EncryptTo: r.EncryptTo, Logger: d.log,
	})
	if err != nil {
		return err
	}
	return d.openUpload()
}

// openUpload begins to bring recordings to the object storage, if there is one.
func (d *Daemon) openUpload() error {
	c := d.cfg.Recording.Upload
	if c.Endpoint == "" {
		return nil
	}
	var err error
	d.uploader, err = upload.Start(upload.Config{
		Dir: d.recordings, Endpoint: c.Endpoint, Bucket: c.Bucket, Prefix: c.Keys(d.node), Region: c.Region,
		AccessKey: c.AccessKey.Reveal(), SecretKey: c.SecretKey.Reveal(), Style: c.Style, CAFile: c.CAFile, Parallel: c.Parallel,
		Clear: c.Local == config.LocalDelete, KeepLocal: c.KeepLocal, Logger: d.log,
	}, d.recorder)
	return err
}

// endpointConfig is what the file says of signalling as a whole.
func endpointConfig(c *config.Config) sip.Config {
	var listen []sip.Listen
	for _, l := range c.SIP.Listen {
		listen = append(listen, sip.Listen{Transport: l.Transport, Addr: l.Addr})
	}
	return sip.Config{
		Listen: listen, UserAgent: c.SIP.UserAgent, Node: c.Node.ID,
		CertFile: c.SIP.TLS.CertFile, KeyFile: c.SIP.TLS.KeyFile,
		Resolver: resolve.Config{Servers: c.SIP.DNSServers}, Origins: c.SIP.Registrar.Origins,
	}
}

func (d *Daemon) openSignalling() error {
	if err := d.openWire(); err != nil {
		return err
	}
	cfg := endpointConfig(d.cfg)
	cfg.Invite, cfg.Screen, cfg.Logger = d.incoming, d.admit, d.log
	cfg.Defence, cfg.Trace, cfg.Registrar = d.guard, d.wire, d.registrar()
	var err error
	if d.endpoint, err = sip.NewEndpoint(cfg); err != nil {
		return err
	}
	if d.trunks, err = newTrunks(d.store, d.endpoint, &d.cfg.Media, d.cfg.Trunks); err != nil {
		return err
	}
	d.board.dialog = d.endpoint.Find
	d.board.outside = func(trunk, callerID, number string) (*line, time.Duration) {
		return d.trunks.take(&config.Campaign{Trunks: []string{trunk}, CallerID: callerID}, number, callerID)
	}
	for _, c := range d.cfg.Peers {
		p, err := newPeer(d.endpoint, &d.cfg.Media, c)
		if err != nil {
			return err
		}
		d.peers = append(d.peers, p)
	}
	return d.openLocal()
}

func (d *Daemon) openAPI() error {
	l, err := net.Listen("tcp", d.cfg.HTTP.Listen)
	if err != nil {
		return fmt.Errorf("http.listen: %w", err)
	}
	d.listener = l
	host, _, _ := net.SplitHostPort(d.cfg.HTTP.Listen)
	ip := net.ParseIP(host)
	d.server, err = api.NewServer(api.Config{
		Floor: d, Feed: d.feed, Metrics: d.metrics, Tokens: tokensOf(d.cfg),
		OpenMetrics: ip != nil && ip.IsLoopback(), Version: d.opts.Version, Logger: d.log,
	})
	return err
}

func tokensOf(cfg *config.Config) []api.Token {
	var list []api.Token
	for _, t := range cfg.HTTP.Tokens {
		list = append(list, api.Token{Name: t.Name, Role: api.Role(t.Role), Agent: t.Agent, Secret: t.Token.Reveal()})
	}
	return list
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

// nodeTakeover is how long a former process of this node may give no sign of life
// before it is taken for dead: more than two of its beats.
const nodeTakeover = 2500 * time.Millisecond

// closeLimit is how long records may take to reach Redis at the end.
const closeLimit = 10 * time.Second

// HangUp ends a drain: calls that are up are hung up.
func (d *Daemon) HangUp() { d.hurryOne.Do(func() { close(d.hurry) }) }

// drain waits for the calls to end by themselves, and ends them when that takes too
// long.
func (d *Daemon) drain(stopCalling func()) {
	done := make(chan struct{})
	go func() {
		d.calls.wg.Wait()
		close(done)
	}()
	d.mu.Lock()
	limit := time.NewTimer(d.cfg.Node.Drain)
	d.mu.Unlock()
	defer limit.Stop()
	select {
	case <-done:
		return
	case <-limit.C:
	case <-d.hurry:
	}
	stopCalling()
	for _, a := range d.calls.all() {
		d.log.Warn("the call is hung up", "attempt", a.rec.ID)
		a.end(cdr.Ringpace)
	}
}

// flush gives the campaigns and agents back to other nodes and waits until the
// records are where they belong, as far as Redis lets it.
func (d *Daemon) flush(ctx context.Context) {
	if !d.store.Up() {
		return
	}
	if err := d.store.Release(ctx, d.campaignNames()...); err != nil {
		d.log.Warn("campaigns were not released; their leases lapse", "error", err)
	}
	if err := d.store.ReleaseAgents(ctx, agentPool, d.agentIDs()...); err != nil {
		d.log.Warn("agents were not released; their leases lapse", "error", err)
	}
	if err := d.exporter.Flush(ctx); err != nil {
		d.log.Warn("the file of call detail records goes on at the next start", "error", err)
	}
}

// close closes what was opened, in reverse.
func (d *Daemon) close(ctx context.Context) error {
	var errs []error
	if d.listener != nil {
		_ = d.listener.Close() // the server has closed it, if there was one
	}
	if d.endpoint != nil {
		errs = append(errs, d.endpoint.Close(ctx))
	}
	if d.registry != nil {
		d.registry.Close()
	}
	if d.uploader != nil {
		d.uploader.Close() // what is kept from now on is uploaded at the next start
	}
	if d.recorder != nil {
		errs = append(errs, d.recorder.Close())
	}
	if d.engine != nil {
		errs = append(errs, d.engine.Close())
	}
	if d.store != nil {
		errs = append(errs, d.store.Close(ctx))
	}
	return errors.Join(errs...)
}
