package dialer

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/config"
	"ringpace/dialer/store"
	"ringpace/dialer/store/export"
	"ringpace/media"
	"ringpace/media/record"
	"ringpace/media/record/upload"
	"ringpace/sip"
	"ringpace/sip/resolve"
)

// nodeTakeover is how long a former process of this node may give no sign of life
// before it is taken for dead: more than two of its beats.
const nodeTakeover = 2500 * time.Millisecond

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
			Campaign: d.windowsNow,
		})
		if err != nil {
			return err
		}
		d.store = s
		if err := s.Join(ctx); err != nil {
			return fmt.Errorf("node.id %s: %w; each daemon of one Redis needs a name of its own", d.node, err)
		}
	}
	d.ledger = d.store.Ledger()
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
