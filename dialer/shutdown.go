package dialer

import (
	"context"
	"errors"
	"time"

	"ringpace/dialer/cdr"
)

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
