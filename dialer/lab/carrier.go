package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"ringpace/media"
	"ringpace/sip"
	"ringpace/sip/registrar"
)

// CarrierConfig is what a carrier demands and what its callees are like.
type CarrierConfig struct {
	Addr               netip.Addr // where it is; default 127.0.0.1
	Realm              string     // of its digest challenges; default "carrier.example"
	Username, Password string     // the one account
	ChallengeInvites   bool       // demand digest on every INVITE, not the registration alone

	CallerIDs []string // the official numbers, E.164 with +; none: every caller ID is allowed

	Mix    Mix                           // default DefaultMix
	Seed   uint64                        // picks each callee's behaviour and times
	Behave func(number string) Behaviour // overrides the mix where it returns one that is not ""

	Ring         Spread        // until an answer, a decline or the end of early media; default 0.8 s
	SlowRing     Spread        // until a SlowPerson answers; default 3 s
	Talk         Spread        // of callees that hang up by themselves, from the first sound that they hear; default 5 s
	CustomerEnds float64       // share, 0 to 1, of callees that hang up by themselves; the rest wait for the caller's BYE
	Patience     time.Duration // after which a callee that hears nothing hangs up; default 10 s

	Transport string // "udp" (default) or "tcp"
	NoEvents  bool   // callees take no telephone events (RFC 4733)

	Voice func(number string) *media.Prompt // default: one of a few CalleeVoices, by number

	Logger *slog.Logger
}

// Carrier is a trunk's far end and everybody who can be called through it.
type Carrier struct {
	cfg       CarrierConfig
	log       *slog.Logger
	registrar *registrar.Registrar
	endpoint  *sip.Endpoint
	engine    *media.Engine
	busyTone  *media.Prompt
	announce  *media.Prompt

	ctx    context.Context // done: the carrier closes
	cancel context.CancelFunc
	calls  calls
	bell   bell

	mu           sync.Mutex // protects what follows
	records      []*record
	refused      map[string]int
	unauthorised int
}

// voices is how many different CalleeVoices a carrier has.
const voices = 6

// NewCarrier starts a carrier on a free port of the loopback interface.
func NewCarrier(cfg CarrierConfig) (*Carrier, error) {
	if cfg.Mix == nil {
		cfg.Mix = DefaultMix()
	}
	if err := cfg.Mix.Validate(); err != nil {
		return nil, err
	}
	cfg.Realm = cmp.Or(cfg.Realm, "carrier.example")
	cfg.Ring = cmp.Or(cfg.Ring, Spread{Median: 800 * time.Millisecond, Sigma: 0.5, Most: 3 * time.Second})
	cfg.SlowRing = cmp.Or(cfg.SlowRing, Spread{Median: 3 * time.Second, Sigma: 0.1})
	cfg.Talk = cmp.Or(cfg.Talk, Spread{Median: 5 * time.Second, Sigma: 0.5})
	cfg.Transport, cfg.Addr = cmp.Or(cfg.Transport, "udp"), cmp.Or(cfg.Addr, loopback)
	cfg.Patience = cmp.Or(cfg.Patience, 10*time.Second)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Voice == nil {
		cfg.Voice = someVoices(voices, cfg.Seed)
	}
	c := &Carrier{
		cfg:      cfg,
		log:      cfg.Logger,
		busyTone: busyTone(),
		announce: announcement(),
		refused:  make(map[string]int),
	}
	var err error
	c.registrar, err = registrar.New(registrar.Config{
		Realm: cfg.Realm, Credentials: c.credentials, Changed: func(string) { c.bell.ring() },
	})
	if err != nil {
		return nil, fmt.Errorf("lab: carrier: %w", err)
	}
	if c.engine, err = loopbackEngine(cfg.Addr, cfg.Logger); err != nil {
		return nil, err
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.endpoint, err = sip.NewEndpoint(sip.Config{
		Listen:    []sip.Listen{{Transport: cfg.Transport, Addr: netip.AddrPortFrom(cfg.Addr, 0)}},
		UserAgent: "Ringpace lab carrier",
		Logger:    cfg.Logger,
		Invite:    c.invited,
		Registrar: c.registrar,
	})
	if err != nil {
		c.cancel()
		return nil, errors.Join(fmt.Errorf("lab: carrier: %w", err), c.engine.Close())
	}
	return c, nil
}

// loopback is where the lab is unless told otherwise.
var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

func loopbackEngine(addr netip.Addr, log *slog.Logger) (*media.Engine, error) {
	engine, err := media.NewEngine(media.Config{Addr: addr, Logger: log})
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	return engine, nil
}

// answering answers the far side's offers during a call, or makes one where it
// asks for it (RFC 3261 section 14.2).
func answering(session *media.Session) sip.OnOffer {
	return func(offer []byte) ([]byte, error) {
		if offer == nil {
			return session.Offer(), nil
		}
		return session.Answer(offer)
	}
}

// someVoices gives each number one of n voices.
func someVoices(n int, seed uint64) func(string) *media.Prompt {
	made := make([]*media.Prompt, n)
	for i := range made {
		made[i] = CalleeVoice(uint64(i))
	}
	return func(number string) *media.Prompt { return made[dice(seed, number, "voice").IntN(n)] }
}

// Addr is where the carrier listens.
func (c *Carrier) Addr() netip.AddrPort {
	addr, _ := c.endpoint.Addr(c.cfg.Transport)
	return addr
}

// Close hangs up what is up, waits for every call to be over and frees the sockets.
func (c *Carrier) Close(ctx context.Context) error {
	c.calls.close()
	c.cancel()
	return errors.Join(c.calls.wait(ctx), c.endpoint.Close(ctx), c.engine.Close())
}

func (c *Carrier) credentials(user string) (string, bool) {
	return c.cfg.Password, user == c.cfg.Username
}

// Registered reports whether the account is registered now.
func (c *Carrier) Registered() bool { return len(c.registrar.Contacts(c.cfg.Username)) > 0 }

// invited serves one INVITE from its arrival to the end of its call.
func (c *Carrier) invited(in *sip.Incoming) {
	if !c.calls.enter() {
		in.Reject(503, "Service Unavailable")
		return
	}
	defer c.calls.leave()
	if !c.Registered() {
		c.count(func() { c.unauthorised++ })
		in.Reject(403, "Not registered")
		return
	}
	if c.cfg.ChallengeInvites {
		if err := in.Authorize(c.credentials); err != nil {
			c.log.Debug("lab: carrier: INVITE without authority", "err", err)
			return // Authorize has answered it
		}
	}
	shown, ok := official(c.cfg.CallerIDs, userOf(in.Header(headerFrom)), userOf(in.Header(headerAsserted)))
	if !ok {
		c.count(func() { c.refused[shown]++ })
		in.Reject(403, "Caller ID is not yours")
		return
	}
	newCallee(c, in, shown).serve()
}

// count changes what the mutex protects and tells whoever waits for it.
func (c *Carrier) count(change func()) {
	c.mu.Lock()
	change()
	c.mu.Unlock()
	c.bell.ring()
}

// Await waits until the report is as wished, or for the context's end.
func (c *Carrier) Await(ctx context.Context, wished func(Report) bool) error {
	return c.bell.await(ctx, func() bool { return wished(c.Report()) })
}
