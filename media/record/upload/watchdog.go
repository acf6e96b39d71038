package upload

import (
	"context"
	"errors"
	"io"
	"time"
)

// stallAfter is how long a request may go on without an octet.
const stallAfter = time.Minute

var errStalled = errors.New("the storage took nothing for too long")

// watchdog ends a request that does not get on, however long one that does may take.
type watchdog struct {
	ctx    context.Context // of the request, to tell why it ended
	cancel context.CancelCauseFunc
	timer  *time.Timer
	after  time.Duration
}

// watch returns a context that ends when nothing gets on for so long.
func watch(ctx context.Context, after time.Duration) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watchdog{ctx: ctx, cancel: cancel, after: after}
	w.timer = time.AfterFunc(after, func() { cancel(errStalled) })
	return ctx, w
}

// progress tells that it gets on.
func (w *watchdog) progress() { w.timer.Reset(w.after) }

// stop ends the watch, and the context.
func (w *watchdog) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// cause is err, or why the watchdog made it so.
func (w *watchdog) cause(err error) error {
	if err != nil && errors.Is(context.Cause(w.ctx), errStalled) {
		return errStalled
	}
	return err
}

// reader is r, each read of which is progress.
func (w *watchdog) reader(r io.Reader) io.Reader { return &watched{r, w} }

type watched struct {
	io.Reader
	w *watchdog
}

func (r *watched) Read(p []byte) (int, error) {
	r.w.progress()
	return r.Reader.Read(p)
}
