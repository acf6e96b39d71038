package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/lab"
	"ringpace/pacing"
)

// Bounds of what the demo waits for.
const (
	startLimit = 20 * time.Second // for the registration, and for the agents' legs
	drainLimit = 15 * time.Second // for calls that are up when the demo is stopped
	closeLimit = 10 * time.Second // for the daemon and the lab to let go
	stallLimit = 3 * maxTalk      // without any change on the floor
	frameTime  = 200 * time.Millisecond
)

// play runs the demo and shows its scenes. When stop is closed it makes no new
// call and lets those that are up come to their end; when ctx is done it ends
// them.
func play(ctx context.Context, stop <-chan struct{}, o Options, show func(scene)) (_ *Result, err error) {
	s := &stage{options: o, agents: staff(o.Agents)}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	r := &Result{
		Leads: o.Leads, Mode: o.Mode, Agents: o.Agents, Wished: rounded(mix().Outcomes()), Dir: o.Dir,
		RecordingIn: s.cfg.Recording.Dir, CDRIn: s.cfg.CDR.Dir, Faults: []string{},
	}
	if c := s.cfg.Campaign(campaign); c.Mode == pacing.Predictive {
		r.Ceiling = float64(c.Abandonment.Ceiling)
	}
	if err := s.call(ctx, stop, r, show); err != nil {
		return nil, err
	}
	if err := s.afterwards(ctx, stop, r); err != nil {
		return nil, err
	}
	if err := s.close(); err != nil {
		return nil, err
	}
	return r, r.examine(s.carrier.Calls(), s.carrier.Report())
}

// call has the list called, from the log-in of the agents to the end of the last
// call.
func (s *stage) call(ctx context.Context, stop <-chan struct{}, r *Result, show func(scene)) error {
	f := s.daemon
	if err := s.prepare(ctx, r); err != nil {
		return err
	}
	shift, endShift := context.WithCancel(ctx)
	defer endShift()
	team := &crew{floor: f, seed: s.options.Seed, talk: talkSpread(s.options.Talk), preview: previews(s.options.Mode)}
	if err := within(ctx, startLimit, "the agents to log in", func(ctx context.Context) error { return team.login(ctx, s.agents) }); err != nil {
		return err
	}
	if _, err := f.StartCampaign(ctx, campaign); err != nil {
		return fmt.Errorf("demo: start: %w", err)
	}
	began := time.Now()
	worked := make(chan error, 1)
	go func() { worked <- team.work(shift) }()
	err := s.follow(ctx, stop, newWatcher(f, s.options.Leads, began), r, show)
	endShift()
	if workErr := <-worked; err == nil {
		err = workErr
	}
	r.DurationS = time.Since(began).Round(time.Millisecond).Seconds()
	return err
}

// afterwards takes the ladder of one call, and lets the daemon go on for as long as
// somebody wants to look at it.
func (s *stage) afterwards(ctx context.Context, stop <-chan struct{}, r *Result) error {
	if !s.options.Trace && !s.options.Linger {
		return nil
	}
	id, err := s.connected(ctx)
	if err != nil {
		return err
	}
	if s.options.Trace && id != "" {
		if r.Trace, err = s.daemon.Trace(ctx, id); err != nil {
			return fmt.Errorf("demo: trace: %w", err)
		}
	}
	if !s.options.Linger {
		return nil
	}
	if !s.options.JSON {
		if _, err := fmt.Fprint(s.options.Out, lingering(id, s.daemon.Addr())); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
	select {
	case <-stop:
	case <-ctx.Done():
	}
	return nil
}

// lingering tells how to look at the daemon that listens at that address, and at the call
// with that id; "" is none.
func lingering(id string, at net.Addr) string {
	ladder := fmt.Sprintf("  ringpace trace %s --server http://%s\n", id, at)
	if id == "" {
		ladder = ""
	}
	text := fmt.Sprintf("\nThe daemon goes on until you interrupt it. In another terminal:\n\n%s  ringpace status --server http://%s\n\n", ladder, at)
	if id == "" {
		text += noLadder + "\n"
	}
	return text
}

// noLadder is said where a ladder was asked for.
const noLadder = "No call has reached an agent, so there is no ladder to show.\n"

// connected is the first call that reached an agent; "" if none did.
func (s *stage) connected(ctx context.Context) (string, error) {
	for after := ""; ; {
		page, err := s.daemon.CDRs(ctx, campaign, after, 100)
		if err != nil {
			return "", fmt.Errorf("demo: call records: %w", err)
		}
		for _, rec := range page.Records {
			if !rec.Marks.AgentAudio.IsZero() {
				return rec.ID, nil
			}
		}
		if after = page.Next; after == "" || len(page.Records) == 0 {
			return "", nil
		}
	}
}

// prepare waits for the trunk and imports the list.
func (s *stage) prepare(ctx context.Context, r *Result) error {
	err := within(ctx, startLimit, "the registration at the carrier", func(ctx context.Context) error {
		return s.carrier.Await(ctx, func(r lab.Report) bool { return r.Registered })
	})
	if err != nil {
		return err
	}
	list := people(s.options.Leads, s.options.Seed)
	var rejected []string
	watch := api.ImportWatch{
		Header: func([]string) {}, Progress: func(api.ImportProgress) {},
		Reject: func(row api.RejectedRow) {
			rejected = append(rejected, fmt.Sprintf("line %d: %s", row.Line, row.Reason))
		},
	}
	got, err := s.daemon.ImportLeads(ctx, campaign, bytes.NewReader(list), api.ImportOptions{List: "households"}, watch)
	if err != nil {
		return fmt.Errorf("demo: import: %w", err)
	}
	if got.Added != s.options.Leads {
		return fmt.Errorf("demo: import: %d of %d rows taken: %s", got.Added, s.options.Leads, rejected)
	}
	r.Leads = got.Added
	return nil
}

// follow shows the floor until every lead has its record and the agents have
// finished with the last call, or until it was told to stop and no call is up.
func (s *stage) follow(ctx context.Context, stop <-chan struct{}, w *watcher, r *Result, show func(scene)) error {
	var since, moved time.Time // of the stop, and of the last change
	var before [2]int
	r.Ended = complete
	return every(ctx, frameTime, func() (bool, error) {
		now, err := w.look(ctx)
		if errors.Is(err, api.ErrUnavailable) {
			return false, nil // the store is late; look again
		} else if err != nil {
			return false, err
		}
		select {
		case <-stop:
			stop, since, r.Ended = nil, time.Now(), stopped
			if _, err := s.daemon.StopCampaign(ctx, campaign); err != nil {
				return false, fmt.Errorf("demo: stop: %w", err)
			}
		default:
		}
		if !since.IsZero() {
			now.closing = fmt.Sprintf("stopping, %d calls to end", len(now.calls))
		}
		show(now)
		r.Utilisation = utilisation(now.agents)
		if at := [2]int{now.campaign.Dials, now.over}; at != before || moved.IsZero() {
			before, moved = at, time.Now()
		}
		switch {
		case now.over >= s.options.Leads, !since.IsZero() && len(now.calls) == 0:
			return true, nil
		case !since.IsZero() && time.Since(since) > drainLimit:
			return true, nil // close hangs up
		case time.Since(moved) > stallLimit:
			return false, s.stalled(ctx)
		}
		return false, nil
	})
}

// stalled says why nothing happens on the floor.
func (s *stage) stalled(ctx context.Context) error {
	why, err := s.daemon.Explain(ctx, campaign)
	if err != nil {
		return fmt.Errorf("demo: nothing happens: %w", err)
	}
	return fmt.Errorf("demo: nothing has happened for %v: %s", stallLimit, why.Summary)
}

func utilisation(agents []api.AgentStatus) Utilisation {
	var u Utilisation
	var online float64
	for _, a := range agents {
		u.Talking += a.Today.TalkS + a.Today.HoldS
		u.WrapUp += a.Today.WrapUpS
		u.Waiting += a.Today.WaitS
		online += a.Today.OnlineS
	}
	if online > 0 {
		u.Talking, u.WrapUp, u.Waiting = round(u.Talking/online), round(u.WrapUp/online), round(u.Waiting/online)
	}
	return u
}

// round keeps four digits of a share, as many as anyone reads.
func round(share float64) float64 { return math.Round(1e4*share) / 1e4 }

func rounded[K comparable](shares map[K]float64) map[K]float64 {
	for k, share := range shares {
		shares[k] = round(share)
	}
	return shares
}

// within gives f a time limit, and says what was waited for when it is over.
func within(ctx context.Context, limit time.Duration, what string, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := f(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("demo: waited %v in vain for %s", limit, what)
	}
	return err
}
