package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/lab"
	"ringpace/pacing"
)

// floor is what the demo asks of the daemon: what a team lead and the agents do.
type floor interface {
	api.Overview
	api.CampaignDesk
	api.AgentDesk
	api.LeadDesk
}

// How people at a desk behave, in compressed time.
const (
	look       = 50 * time.Millisecond  // between two looks at the screen
	wrapUpTime = 500 * time.Millisecond // to write down the result
)

// crew are the agents: they talk, hang up, write down the result and take the next
// call. It belongs to one goroutine.
type crew struct {
	floor   floor
	seed    uint64
	talk    lab.Spread
	preview bool // they ask for each lead themselves
}

// login brings the agents to work, and returns when all are ready.
func (c *crew) login(ctx context.Context, agents []agentSetting) error {
	for _, a := range agents {
		if _, err := c.floor.Login(ctx, a.ID); err != nil {
			return fmt.Errorf("demo: log-in of %s: %w", a.Name, err)
		}
		if _, err := c.floor.Ready(ctx, a.ID); err != nil {
			return fmt.Errorf("demo: %s: %w", a.Name, err)
		}
	}
	return every(ctx, look, func() (bool, error) {
		now, err := c.floor.Agents(ctx)
		for _, a := range now {
			if a.State != api.AgentReady {
				return false, err
			}
		}
		return true, err
	})
}

// work lets them work until the context is done.
func (c *crew) work(ctx context.Context) error {
	err := every(ctx, look, func() (bool, error) {
		agents, err := c.floor.Agents(ctx)
		if err != nil {
			return false, fmt.Errorf("demo: agents: %w", err)
		}
		for _, a := range agents {
			switch err := c.act(ctx, a); {
			case errors.Is(err, api.ErrConflict): // the call went on meanwhile
			case errors.Is(err, api.ErrUnavailable): // later
			case err != nil:
				return false, fmt.Errorf("demo: %s, %s: %w", a.Name, a.State, err)
			}
		}
		return false, nil
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// act does what an agent does in that state.
func (c *crew) act(ctx context.Context, a api.AgentStatus) error {
	var err error
	switch a.State {
	case api.AgentTalking:
		if a.Call != nil && time.Since(a.Call.BridgedAt) >= c.talk.Of(c.seed, a.Call.Number, "agent") {
			_, err = c.floor.Hangup(ctx, a.ID)
		}
	case api.AgentGoodbye, api.AgentWrapUp:
		if a.Call != nil && time.Since(a.Since) >= wrapUpTime {
			_, err = c.floor.Dispose(ctx, a.ID, c.result(a.Call.Number))
		}
	case api.AgentPaused:
		_, err = c.floor.Ready(ctx, a.ID)
	case api.AgentReady:
		if c.preview {
			if _, err = c.floor.Preview(ctx, a.ID); errors.Is(err, api.ErrNotFound) {
				err = nil // the list is at its end
			}
		}
	case api.AgentReserved:
		if c.preview && a.Call == nil && time.Since(a.Since) >= wrapUpTime {
			_, err = c.floor.Dial(ctx, a.ID)
		}
	}
	return err
}

// result is how the conversation with that number went: one in four is a success.
func (c *crew) result(number string) api.Disposition {
	if lab.Chance(c.seed, number, "success", 0.25) {
		return api.Disposition{Name: "success", Note: "Card activated."}
	}
	return api.Disposition{Name: "no_interest"}
}

// talkSpread is the time that either side takes until it has said everything, such
// that the conversation, over when the first of them has, takes mean on average:
// the lesser of two lognormal times with this sigma has a mean of 0.855 medians.
func talkSpread(mean time.Duration) lab.Spread {
	return lab.Spread{Median: time.Duration(float64(mean) / 0.855), Sigma: 0.35, Least: mean / 4, Most: 4 * mean}
}

// previews reports whether agents ask for each lead in that mode.
func previews(mode string) bool { return pacing.Mode(mode) == pacing.Preview }

// every calls f now and at each interval until it returns true or an error, or the
// context is done.
func every(ctx context.Context, interval time.Duration, f func() (bool, error)) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if done, err := f(); done || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
