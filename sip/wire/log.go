package wire

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"ringpace/sip/header"
)

// logInterval is how often a line about what a remote party did may appear.
const logInterval = time.Minute

// logHandler takes the log lines of sipgo. What a remote party can trigger is
// counted, and at most one line each interval is written, without the packet.
type logHandler struct {
	out   *slog.Logger
	count *counters

	mu         sync.Mutex // protects the fields below
	next       time.Time
	suppressed int
}

func newLogHandler(out *slog.Logger, count *counters) *logHandler {
	return &logHandler{out: out, count: count}
}

// Enabled drops the library's chatter.
func (w *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn
}

// Handle counts the record and perhaps writes it.
func (w *logHandler) Handle(ctx context.Context, r slog.Record) error {
	switch {
	case r.Message == "failed to parse", // not SIP
		r.Message == "Server tx failed to handle request": // no Via or no CSeq
		w.count.malformed.Add(1)
	case strings.HasPrefix(r.Message, "Failed to send stateless 400"):
		return nil
	}
	w.mu.Lock()
	now := time.Now()
	if now.Before(w.next) {
		w.suppressed++
		w.mu.Unlock()
		return nil
	}
	suppressed := w.suppressed
	w.next, w.suppressed = now.Add(logInterval), 0
	w.mu.Unlock()

	attrs := []slog.Attr{slog.Int("more_since_last", suppressed)}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "error" { // quotes at most a line of the packet
			attrs = append(attrs, slog.String("error", header.Clip(a.Value.String(), 200)))
		}
		return true
	})
	w.out.LogAttrs(ctx, slog.LevelWarn, "sip: "+r.Message, attrs...)
	return nil
}

// WithAttrs implements slog.Handler; the library's attributes say nothing we want.
func (w *logHandler) WithAttrs([]slog.Attr) slog.Handler { return w }

// WithGroup implements slog.Handler.
func (w *logHandler) WithGroup(string) slog.Handler { return w }
