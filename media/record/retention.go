package record

import (
	"errors"
	"fmt"
	"time"

	"ringpace/media/record/chain"
)

// retainInterval is how often recordings that are past their time are looked for.
const retainInterval = time.Hour

// retain removes recordings that are past their time, at once and every hour, until
// the recorder is closed.
func (r *Recorder) retain() {
	reaper := chain.NewReaper(r.cfg.Dir)
	ticker := time.NewTicker(retainInterval)
	defer ticker.Stop()
	for {
		removed, err := r.expire(reaper, time.Now())
		if err != nil {
			r.log.Error("recordings that are past their time cannot be removed", "error", err)
		}
		if removed > 0 {
			r.log.Info("recordings that were past their time are removed", "removed", removed, "retention", r.cfg.Retention)
		}
		select {
		case <-r.stop:
			return
		case <-ticker.C:
		}
	}
}

// expire removes what is past its time now, those under legal hold left out. Each has
// its line in the chain before it goes.
func (r *Recorder) expire(reaper *chain.Reaper, now time.Time) (removed int, err error) {
	list, astray := reaper.Expired(now.Add(-r.cfg.Retention))
	for _, e := range list {
		select {
		case <-r.stop:
			return removed, astray
		default:
		}
		err := r.chain.Remove(chain.Entry{
			Kind: chain.Deleted, ID: e.ID, Path: e.Path,
			Why: fmt.Sprintf("older than %g days", r.cfg.Retention.Hours()/24),
		})
		switch {
		case errors.Is(err, chain.ErrHeld):
		case err != nil:
			return removed, errors.Join(astray, err)
		default:
			removed++
		}
	}
	return removed, astray
}
