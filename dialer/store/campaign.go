package store

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Desired is what operations want of a campaign. It outlives restarts.
type Desired string

// Desired states.
const (
	Stopped Desired = "stopped"
	Running Desired = "running"
)

// Ownership is who decides for a campaign, and what is wanted of it.
type Ownership struct {
	Node    string // "" if nobody owns it
	Boot    string
	Epoch   int64     // of the last owner
	Until   time.Time // the lease lapses then, by the Redis clock
	Desired Desired
}

// Acquire makes this node the owner of a campaign and returns the fencing epoch:
// attempts of any lower one can no longer start. ErrOwned while another node
// holds the lease. A former process of this node gives way at once.
func (s *Store) Acquire(ctx context.Context, campaign string, lease time.Duration) (epoch int64, err error) {
	sp, err := s.enter(ctx, campaign)
	if err != nil {
		return 0, err
	}
	answer, err := s.run(ctx, s.scripts.acquire, sp.keys("campaign", "claimed"), s.node, s.boot, lease.Milliseconds())
	if err != nil {
		return 0, err
	}
	epoch, _ = answer.(int64)
	return epoch, nil
}

// Renew renews the leases of campaigns that this node owns, in one batch, and
// returns those that another has taken. A lease that has lapsed is renewed as well
// if nobody has.
func (s *Store) Renew(ctx context.Context, lease time.Duration, campaigns ...string) (lost []string, err error) {
	return s.eachCampaign(ctx, s.scripts.renew, campaigns, s.boot, lease.Milliseconds())
}

// Release gives campaigns up. Their epochs are fenced from then on.
func (s *Store) Release(ctx context.Context, campaigns ...string) error {
	_, err := s.eachCampaign(ctx, s.scripts.release, campaigns, s.boot)
	return err
}

// eachCampaign runs a script for each of campaigns and returns those for which it
// said 0.
func (s *Store) eachCampaign(ctx context.Context, script *redis.Script, campaigns []string, args ...any) ([]string, error) {
	calls := make([]call, len(campaigns))
	for i, name := range campaigns {
		sp, err := campaignSpace(name)
		if err != nil {
			return nil, err
		}
		calls[i] = call{script, sp.keys("campaign"), args}
	}
	if len(calls) == 0 {
		return nil, nil
	}
	answers, errs, err := s.runAll(ctx, calls)
	if err != nil {
		return nil, err
	}
	var zero []string
	for i, answer := range answers {
		if n, _ := answer.(int64); n == 0 && errs[i] == nil {
			zero = append(zero, campaigns[i])
		}
	}
	return zero, errors.Join(errs...)
}

// SetDesired says what is wanted of a campaign.
func (s *Store) SetDesired(ctx context.Context, campaign string, desired Desired) error {
	sp, err := s.enter(ctx, campaign)
	if err != nil {
		return err
	}
	short, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return s.outcome(ctx, s.redis.HSet(short, sp.key("campaign"), "desired", string(desired)).Err())
}

// InitDesired says what is wanted of a campaign of which nobody has said it yet.
func (s *Store) InitDesired(ctx context.Context, campaign string, desired Desired) error {
	sp, err := s.enter(ctx, campaign)
	if err != nil {
		return err
	}
	short, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return s.outcome(ctx, s.redis.HSetNX(short, sp.key("campaign"), "desired", string(desired)).Err())
}

// Ownership tells who owns a campaign. One that the store has never seen is owned
// by nobody and Stopped.
func (s *Store) Ownership(ctx context.Context, campaign string) (Ownership, error) {
	sp, err := campaignSpace(campaign)
	if err != nil {
		return Ownership{}, err
	}
	if err := s.reachable(); err != nil {
		return Ownership{}, err
	}
	short, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	f, err := s.redis.HGetAll(short, sp.key("campaign")).Result()
	if err := s.outcome(ctx, err); err != nil {
		return Ownership{}, err
	}
	o := Ownership{Node: f["node"], Boot: f["boot"], Desired: Desired(f["desired"])}
	o.Epoch, _ = strconv.ParseInt(f["epoch"], 10, 64)
	if ms, err := strconv.ParseInt(f["until"], 10, 64); err == nil {
		o.Until = time.UnixMilli(ms)
	}
	if o.Desired == "" {
		o.Desired = Stopped
	}
	return o, nil
}

// Campaigns lists the campaigns that the store has seen, by name.
func (s *Store) Campaigns(ctx context.Context) ([]string, error) {
	if err := s.reachable(); err != nil {
		return nil, err
	}
	short, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	names, err := s.redis.SMembers(short, campaignsKey).Result()
	if err := s.outcome(ctx, err); err != nil {
		return nil, err
	}
	sort.Strings(names)
	return names, nil
}

// enter registers a campaign. Order: first its name, then its copy of the
// do-not-call list and of who calls just now, so that an entry which is added meanwhile
// either finds the name or is in the list that is copied.
func (s *Store) enter(ctx context.Context, campaign string) (space, error) {
	sp, err := campaignSpace(campaign)
	if err != nil {
		return "", err
	}
	if err := s.reachable(); err != nil {
		return "", err
	}
	short, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	fresh, err := s.redis.SAdd(short, campaignsKey, campaign).Result()
	if err := s.outcome(ctx, err); err != nil {
		return "", fmt.Errorf("campaign %s: %w", campaign, err)
	}
	if fresh > 0 {
		err = s.copyCalling(ctx, sp)
	}
	return sp, errors.Join(err, s.copyDoNotCall(ctx, sp))
}
