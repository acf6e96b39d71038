package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"ringpace/media"
	"ringpace/sip"
)

// PBXConfig is the extensions of a PBX.
type PBXConfig struct {
	Addr       netip.Addr                           // where it is; default 127.0.0.1
	Extensions []string                             // user parts: "1001"
	RingFor    time.Duration                        // before a softphone answers; 0: at once
	Voice      func(extension string) *media.Prompt // default: AgentVoice, another for each extension
	Logger     *slog.Logger
}

// PBX is a peer with softphones that answer by themselves and speak without a
// pause, as agents do all day.
type PBX struct {
	cfg        PBXConfig
	log        *slog.Logger
	endpoint   *sip.Endpoint
	engine     *media.Engine
	extensions map[string]*Extension
	trunk      atomic.Pointer[sip.Trunk] // where extensions' calls go; set by Connect

	ctx    context.Context // done: the PBX closes
	cancel context.CancelFunc
	calls  calls
}

// NewPBX starts a PBX on a free UDP port of the loopback interface.
func NewPBX(cfg PBXConfig) (*PBX, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Addr = cmp.Or(cfg.Addr, loopback)
	p := &PBX{cfg: cfg, log: cfg.Logger, extensions: make(map[string]*Extension, len(cfg.Extensions))}
	for i, name := range cfg.Extensions {
		if _, ok := p.extensions[name]; ok {
			return nil, fmt.Errorf("lab: extension %q twice", name)
		}
		var voice *media.Prompt
		if cfg.Voice != nil {
			voice = cfg.Voice(name)
		} else {
			voice = AgentVoice(uint64(i))
		}
		p.extensions[name] = &Extension{pbx: p, name: name, voice: voice}
	}
	var err error
	if p.engine, err = loopbackEngine(cfg.Addr, cfg.Logger); err != nil {
		return nil, err
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.endpoint, err = sip.NewEndpoint(sip.Config{
		Listen:    []sip.Listen{{Transport: "udp", Addr: netip.AddrPortFrom(cfg.Addr, 0)}},
		UserAgent: "Ringpace lab PBX",
		Logger:    cfg.Logger,
		Invite:    p.invited,
	})
	if err != nil {
		p.cancel()
		return nil, errors.Join(fmt.Errorf("lab: PBX: %w", err), p.engine.Close())
	}
	return p, nil
}

// Addr is where the PBX listens, by UDP.
func (p *PBX) Addr() netip.AddrPort {
	addr, _ := p.endpoint.Addr("udp")
	return addr
}

// Extension is the softphone with that user part, or nil.
func (p *PBX) Extension(name string) *Extension { return p.extensions[name] }

// Connect tells the PBX where calls of its extensions to numbers outside go.
func (p *PBX) Connect(to netip.AddrPort) error {
	trunk, err := sip.NewTrunk(p.endpoint, sip.TrunkConfig{Name: "out", Server: to.String()})
	if err != nil {
		return fmt.Errorf("lab: PBX: %w", err)
	}
	p.trunk.Store(trunk)
	return nil
}

// Register has the extension be a telephone of that registrar, which its calls then go
// to: no longer one behind a PBX. It returns once the telephone is registered, and lasts
// until Close.
func (p *PBX) Register(ctx context.Context, at netip.AddrPort, extension, password string) error {
	trunk, err := sip.NewTrunk(p.endpoint, sip.TrunkConfig{
		Name: "registrar", Server: at.String(), Username: extension, Password: password, Register: true,
	})
	if err != nil {
		return fmt.Errorf("lab: PBX: %w", err)
	}
	if !p.calls.enter() {
		return ErrIdle
	}
	p.trunk.Store(trunk)
	go func() {
		defer p.calls.leave()
		_ = trunk.Run(p.ctx)
	}()
	for trunk.Status().State != sip.StateRegistered {
		select {
		case <-trunk.Changed():
		case <-ctx.Done():
			return fmt.Errorf("lab: PBX: %s: %w", trunk.Status().Reason, context.Cause(ctx))
		}
	}
	return nil
}

// Close hangs up what is up, waits for every call to be over and frees the sockets.
func (p *PBX) Close(ctx context.Context) error {
	p.calls.close()
	p.cancel()
	return errors.Join(p.calls.wait(ctx), p.endpoint.Close(ctx), p.engine.Close())
}

func (p *PBX) invited(in *sip.Incoming) {
	if !p.calls.enter() {
		in.Reject(503, "Service Unavailable")
		return
	}
	defer p.calls.leave()
	extension := p.extensions[in.To()]
	if extension == nil {
		in.Reject(404, "No such extension")
		return
	}
	extension.serve(in)
}
