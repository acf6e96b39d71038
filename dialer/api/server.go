package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

const (
	headerTimeout   = 5 * time.Second   // for a request's header to arrive
	requestTimeout  = 30 * time.Second  // for an ordinary request, whole
	streamTimeout   = 60 * time.Second  // without any progress, for a stream
	idleTimeout     = 120 * time.Second // of a kept connection
	shutdownTimeout = 5 * time.Second   // for requests under way when the server ends
	maxHeader       = 32 << 10          // bytes
	maxBody         = 1 << 20           // bytes, of an ordinary request
	defaultImport   = 1 << 30           // bytes, of an imported file
)

// Config is what a Server is made of. Floor, Feed and Metrics are required.
type Config struct {
	Floor   Floor
	Feed    *Feed
	Metrics *Metrics
	// Tokens let callers in. With none, every caller on this machine (from and to a
	// loopback address) is admin and nobody else gets in.
	Tokens []Token

	// OpenMetrics serves /metrics to anyone who can reach the port; else it needs a
	// token of role supervisor. Right where the API listens on loopback only.
	OpenMetrics bool
	// MaxImport bounds an imported file, in bytes; 0 is 1 GiB.
	MaxImport int64
	// Heartbeat is how often an idle event stream says that it lives; 0 is 15 s.
	Heartbeat time.Duration

	Version string
	Logger  *slog.Logger
}

// Server answers HTTP on behalf of a Floor. It is an http.Handler.
type Server struct {
	floor      Floor
	feed       *Feed
	metrics    http.Handler
	keys       *keyring
	guard      *guard
	maxImport  int64
	heartbeat  time.Duration
	openScrape bool
	log        *slog.Logger
	streams    atomic.Int64 // event streams that are open

	mux    *http.ServeMux
	huma   huma.API
	origin *http.CrossOriginProtection
}

// NewServer makes the routes and registers the floor with the metrics, so it can be
// called once for each Metrics.
func NewServer(cfg Config) (*Server, error) {
	if cfg.Floor == nil || cfg.Feed == nil || cfg.Metrics == nil {
		return nil, errors.New("api: a server needs a floor, a feed and metrics")
	}
	s := &Server{
		floor: cfg.Floor, feed: cfg.Feed, metrics: cfg.Metrics.handler(),
		keys: newKeyring(), guard: newGuard(),
		maxImport: cfg.MaxImport, heartbeat: cfg.Heartbeat, openScrape: cfg.OpenMetrics,
		log: cfg.Logger, mux: http.NewServeMux(), origin: http.NewCrossOriginProtection(),
	}
	if s.maxImport <= 0 {
		s.maxImport = defaultImport
	}
	if s.heartbeat <= 0 {
		s.heartbeat = 15 * time.Second
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.keys.set(cfg.Tokens); err != nil {
		return nil, err
	}
	if err := cfg.Metrics.attach(cfg.Floor); err != nil {
		return nil, fmt.Errorf("api: metrics: %w", err)
	}
	s.routes(cfg.Version)
	return s, nil
}

// routes registers every operation; each goes through huma, so that the OpenAPI
// document is the whole truth.
func (s *Server) routes(version string) {
	config := huma.DefaultConfig("Ringpace", version)
	config.Info.Description = apiText
	config.DocsPath = "" // huma's page loads scripts from the net, and it renders the document without a lock; see docs.go
	config.OpenAPIPath = ""
	config.SchemasPath = ""
	config.CreateHooks = nil // no $schema links in answers
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", Description: "A token of the configuration, with its role."},
	}
	s.huma = humago.New(s.mux, config)
	s.huma.UseMiddleware(s.limit, s.authorise, s.audit)

	s.nodeRoutes()
	s.campaignRoutes()
	s.agentRoutes()
	s.leadRoutes()
	s.importRoute()
	s.doNotCallRoutes()
	s.wireRoutes()
	s.eventRoute()
	s.docsRoute()
}

const apiText = "The HTTP API of the Ringpace dialer. Errors are problem documents (RFC 9457). " +
	"Times are RFC 3339; durations are seconds in fields that end in _s."

// SetTokens replaces all tokens, as a reload does; on an error the old ones stay.
func (s *Server) SetTokens(tokens []Token) error { return s.keys.set(tokens) }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cache-Control", "no-store")
	if err := s.origin.Check(r); err != nil {
		http.Error(w, "A web page of another site may not command this daemon.", http.StatusForbidden)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// Serve answers on l until ctx is done, then gives requests under way a few
// seconds; event streams are closed at once. It owns l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      requestTimeout + headerTimeout, // so that a request that ran out of time is told so
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // a stranger can trigger these
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("api: %w", err)
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := server.Shutdown(limit)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	<-failed // http.ErrServerClosed
	if err != nil {
		return fmt.Errorf("api: shutdown: %w", err)
	}
	return nil
}

// access is what an operation demands of its caller; it sits in the operation's
// metadata and in its description.
type access struct {
	role   Role // least role; "" is everyone, without a token
	self   bool // an agent passes where the path names that agent
	stream bool // longer than requestTimeout by design
}

const accessKey = "access"

// op describes one operation.
func op(method, path, id, tag, summary, text string, a access) huma.Operation {
	o := huma.Operation{
		Method: method, Path: path, OperationID: id, Tags: []string{tag},
		Summary: summary, Description: text,
		MaxBodyBytes: maxBody,
		Metadata:     map[string]any{accessKey: a},
	}
	if a.role != "" {
		o.Security = []map[string][]string{{"token": {}}}
		needs := "Needs role " + string(a.role) + "."
		if a.self {
			needs = "Needs role supervisor, or the token of the agent itself."
		}
		o.Description = joinSentences(text, needs)
		o.Errors = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests}
	}
	return o
}

func joinSentences(a, b string) string {
	if a == "" {
		return b
	}
	return a + " " + b
}

// limit bounds the time of an ordinary request.
func (s *Server) limit(ctx huma.Context, next func(huma.Context)) {
	if a, _ := ctx.Operation().Metadata[accessKey].(access); a.stream {
		next(ctx)
		return
	}
	limited, cancel := context.WithTimeout(ctx.Context(), requestTimeout)
	defer cancel()
	next(huma.WithContext(ctx, limited))
}

// authorise lets a request through to its handler if its token may do that.
func (s *Server) authorise(ctx huma.Context, next func(huma.Context)) {
	a, ok := ctx.Operation().Metadata[accessKey].(access)
	if ok && a.role == "" {
		next(ctx)
		return
	}
	caller, given := s.identify(ctx)
	if !given {
		return
	}
	self := a.self && caller.Role == RoleAgent && caller.Agent == ctx.Param("agent")
	if !self && caller.Role.rank() < a.role.rank() {
		s.refuse(ctx, http.StatusForbidden, refusalText(a, caller))
		return
	}
	next(huma.WithContext(ctx, WithCaller(ctx.Context(), caller)))
}

// identify tells who asks, or refuses the request and says false.
func (s *Server) identify(ctx huma.Context) (Caller, bool) {
	if s.keys.none() && local(ctx.RemoteAddr(), ctx.Host()) {
		return Caller{Name: "local", Role: RoleAdmin}, true
	}
	now := time.Now()
	if wait := s.guard.wait(ctx.RemoteAddr(), now); wait > 0 {
		ctx.SetHeader("Retry-After", fmt.Sprint(int(wait.Seconds())+1))
		s.refuse(ctx, http.StatusTooManyRequests, "Too many wrong tokens from this address; wait.")
		return Caller{}, false
	}
	secret, given := bearer(ctx.Header("Authorization"))
	if !given {
		ctx.SetHeader("WWW-Authenticate", `Bearer realm="ringpace"`)
		s.refuse(ctx, http.StatusUnauthorized, "This needs a token: Authorization: Bearer TOKEN.")
		return Caller{}, false
	}
	caller, known := s.keys.find(secret)
	if !known {
		s.guard.failed(ctx.RemoteAddr(), now) // and so bounds what is logged here
		s.log.WarnContext(ctx.Context(), "wrong api token", "remote", ctx.RemoteAddr())
		ctx.SetHeader("WWW-Authenticate", `Bearer realm="ringpace", error="invalid_token"`)
		s.refuse(ctx, http.StatusUnauthorized, "That token is not known.")
		return Caller{}, false
	}
	return caller, true
}

func refusalText(a access, c Caller) string {
	if a.self {
		return fmt.Sprintf("The token %q acts as agent %s only.", c.Name, c.Agent)
	}
	return fmt.Sprintf("This needs role %s; the token %q has role %s.", a.role, c.Name, c.Role)
}

// refuse writes a problem document. huma has told of a failed write by itself.
func (s *Server) refuse(ctx huma.Context, status int, detail string) {
	_ = huma.WriteErr(s.huma, ctx, status, detail)
}

// audit logs who commanded what.
func (s *Server) audit(ctx huma.Context, next func(huma.Context)) {
	next(ctx)
	level := slog.LevelInfo
	if ctx.Method() == http.MethodGet {
		level = slog.LevelDebug
	}
	caller, _ := CallerFrom(ctx.Context())
	u := ctx.URL()
	s.log.LogAttrs(ctx.Context(), level, "api request",
		slog.String("operation", ctx.Operation().OperationID), slog.String("path", u.Path),
		slog.String("caller", caller.Name), slog.String("remote", ctx.RemoteAddr()), slog.Int("status", ctx.Status()))
}
