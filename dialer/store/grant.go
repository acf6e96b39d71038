package store

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// Nodes that share a campaign: its owner decides for all of them. Each of the others tells
// how it stands there (Report) and dials what it is granted; the owner gathers what they
// tell (Gather) and grants (Grant). What reports and grants hold is no business of the
// store's.

// Told is what a node has told.
type Told struct {
	Boot string        // the process; "" of news
	Age  time.Duration // by the Redis clock
	Text []byte
}

// Granted is what a node may dial.
type Granted struct {
	Boot string // the process that may
	Seq  int64  // above 0; no two grants of an epoch to a process have the same
	Dial int    // calls; each start takes one (Start.Grant)
	Text []byte // the rest
}

// mostNews is how many lots of news are kept while nobody owns the campaign.
const mostNews = 1000

// Report leaves a report of this node, in the place of the one before, and adds news, if
// any, to what the owner has yet to gather. It returns the owner's name and epoch ("", 0: the
// campaign has none) and the newest grant to this process (Seq 0: none that has not lapsed).
func (s *Store) Report(ctx context.Context, campaign string, report, news []byte) (owner string, epoch int64, g Granted, err error) {
	sp, err := campaignSpace(campaign)
	if err != nil {
		return "", 0, g, err
	}
	answer, err := s.run(ctx, s.scripts.report, sp.keys("campaign", "reports", "news", "grants"), s.boot, report, news, mostNews)
	if err != nil {
		return "", 0, g, err
	}
	list, _ := answer.([]any)
	at := func(i int) string {
		if i >= len(list) {
			return ""
		}
		text, _ := list[i].(string)
		return text
	}
	epoch, _ = strconv.ParseInt(at(0), 10, 64)
	g.Boot, g.Text = s.boot, []byte(at(3))
	g.Seq, _ = strconv.ParseInt(at(2), 10, 64)
	return at(1), epoch, g, nil
}

// Gather leaves a report of the owner and returns those of all processes, its own among
// them, and the news since the last time, oldest first. Processes that gone names are
// forgotten. ErrFenced.
func (s *Store) Gather(ctx context.Context, campaign string, epoch int64, report []byte, gone ...string) (reports, news []Told, err error) {
	sp, err := campaignSpace(campaign)
	if err != nil {
		return nil, nil, err
	}
	args := []any{s.boot, epoch, report}
	for _, boot := range gone {
		args = append(args, boot)
	}
	answer, err := s.run(ctx, s.scripts.gather, sp.keys("campaign", "reports", "news", "grants"), args...)
	if err != nil {
		return nil, nil, err
	}
	both, _ := answer.([]any)
	if len(both) != 2 {
		return nil, nil, fmt.Errorf("store: campaign %s: the reports are %v", campaign, answer)
	}
	told := func(flat any, width int) (all []Told) {
		list, _ := flat.([]any)
		for i := 0; i+width <= len(list); i += width {
			var t Told
			if width == 3 {
				t.Boot, _ = list[i].(string)
			}
			ms, _ := list[i+width-2].(int64)
			text, _ := list[i+width-1].(string)
			t.Age, t.Text = time.Duration(ms)*time.Millisecond, []byte(text)
			all = append(all, t)
		}
		return all
	}
	return told(both[0], 3), told(both[1], 2), nil
}

// Grant lets processes dial, until so long from now by the Redis clock. ErrFenced.
func (s *Store) Grant(ctx context.Context, campaign string, epoch int64, lapse time.Duration, grants ...Granted) error {
	if len(grants) == 0 {
		return nil
	}
	sp, err := campaignSpace(campaign)
	if err != nil {
		return err
	}
	args := []any{s.boot, epoch, lapse.Milliseconds()}
	for _, g := range grants {
		args = append(args, g.Boot, g.Seq, g.Dial, g.Text)
	}
	_, err = s.run(ctx, s.scripts.grant, sp.keys("campaign", "grants"), args...)
	return err
}
