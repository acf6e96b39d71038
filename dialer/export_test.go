package dialer

import (
	"context"
	"errors"
	"runtime"
)

// TransferAndLeave has an agent ask for a transfer and hang up, where the customer's actor
// runs only when both are done.
func (d *Daemon) TransferAndLeave(ctx context.Context, agentID, to string) error {
	_, err := d.command(ctx, agentID, func(a *agent) error {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		return errors.Join(a.transferTo(to), a.hangup())
	})
	return err
}

// TakesCalls reports whether the daemon takes calls, as it does soon after its start.
func (d *Daemon) TakesCalls() bool { return d.reception.Load() != nil }
