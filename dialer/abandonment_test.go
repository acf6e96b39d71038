package dialer

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ringpace/dialer/config"
	"ringpace/pacing"
	"ringpace/pacing/ledger"
)

// shelf is a ledger that says what a test wants.
type shelf struct {
	windows  []pacing.Window
	fault    error
	reserved float64
	saved    *pacing.Model
	epoch    int64
}

func (s *shelf) Count(ledger.Entry) {}

func (s *shelf) Sync(_ context.Context, _ string, reserve float64) ([]pacing.Window, error) {
	s.reserved = reserve
	return append([]pacing.Window(nil), s.windows...), s.fault
}

func (s *shelf) Save(_ context.Context, _ string, epoch int64, m pacing.Model) error {
	s.saved, s.epoch = &m, epoch
	return s.fault
}

func (s *shelf) Today(string) (string, int) { return "", 0 }

func (s *shelf) Load(context.Context, string) (pacing.Model, bool, error) {
	if s.saved == nil {
		return pacing.Model{}, false, s.fault
	}
	return *s.saved, true, s.fault
}

// bookkeeper is a campaign of that mode as far as its budget goes.
func bookkeeper(t *testing.T, s *shelf, mode pacing.Mode) *campaign {
	t.Helper()
	c := &campaign{equipment: &equipment{floor: newFloor(), ledger: s}, name: "x", epoch: 7}
	adopt(t, c, mode)
	return c
}

func adopt(t *testing.T, c *campaign, mode pacing.Mode) {
	t.Helper()
	cfg := config.DefaultCampaign()
	cfg.Mode, cfg.Abandonment.Target = mode, 0.029
	p, err := pacing.New(cfg.Pacing())
	if err != nil {
		t.Fatal(err)
	}
	c.cfg = &cfg
	c.replacePacer(p)
}

// TestNothingIsDialedWithoutTheLedger holds that mode predictive waits until the windows
// are read and stops when they have not been for some seconds, and that no other mode does.
func TestNothingIsDialedWithoutTheLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{windows: []pacing.Window{{Name: "day", Ceiling: 0.03, Answered: 100, Abandoned: 2}}}
		c := bookkeeper(t, s, pacing.Predictive)
		if why := c.unread(); !strings.Contains(why, "not read yet") {
			t.Errorf("before the first reading: %q", why)
		}
		c.reserve = 1.5
		c.balance(t.Context())
		if why := c.unread(); why != "" || s.reserved != 1.5 {
			t.Errorf("after it: %q; reserved %v", why, s.reserved)
		}
		s.fault = errors.New("redis is away")
		time.Sleep(pulse) // virtual
		c.balance(t.Context())
		if why := c.unread(); why != "" {
			t.Errorf("after one that failed: %q", why)
		}
		time.Sleep(windowsAge) // virtual
		c.balance(t.Context())
		if why := c.unread(); !strings.Contains(why, "cannot be read: redis is away") {
			t.Errorf("after some that failed: %q", why)
		}
		s.fault = nil
		c.balance(t.Context())
		if why := c.unread(); why != "" {
			t.Errorf("when it is back: %q", why)
		}
		time.Sleep(time.Hour) // virtual
		adopt(t, c, pacing.Power)
		if why := c.unread(); why != "" {
			t.Errorf("in mode power: %q", why)
		}
	})
}

// happened has a call of the campaign rung for so long, answered, and abandoned or not.
func happened(f *floor, rings time.Duration, abandoned bool) {
	_, _, ids := looked(f, 1)
	f.dialed(ids[0], somebody, nothing)
	f.advance(ids[0], pacing.Ringing)
	time.Sleep(rings) // virtual
	f.advance(ids[0], pacing.Waiting)
	if abandoned {
		f.abandoned(ids[0])
	} else {
		f.landed(ids[0])
	}
}

// TestWindowsCountAtOnce holds that what happens counts in the windows before the ledger
// is read again.
func TestWindowsCountAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{windows: []pacing.Window{{Name: "day", Answered: 100, Abandoned: 2}, {Name: "30_days", Answered: 900, Abandoned: 20}}}
		c := bookkeeper(t, s, pacing.Predictive)
		c.balance(t.Context())
		for _, abandoned := range []bool{false, true, false} {
			happened(c.floor, 5*time.Second, abandoned)
			c.observe(c.floor.catchUp("x"))
		}
		if day, month := c.windows[0], c.windows[1]; day.Answered != 103 || day.Abandoned != 3 || month.Answered != 903 || month.Abandoned != 21 {
			t.Errorf("%+v", c.windows)
		}
		if c.balance(t.Context()); c.windows[0] != s.windows[0] {
			t.Errorf("%+v after the ledger was read, which knows better", c.windows)
		}
	})
}

// TestWhatWasLearnedOutlivesThePacer holds that a reload, a stay in another mode and the
// next process go on with what was learned, with what had not been told yet in it.
func TestWhatWasLearnedOutlivesThePacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		c := bookkeeper(t, s, pacing.Predictive)
		model := func() pacing.Model { return c.pacer.(pacing.Keeper).Model() }
		cold := model()
		happened(c.floor, 5*time.Second, true)
		first := c.pacer
		adopt(t, c, pacing.Predictive)
		learned := model()
		if c.pacer == first || reflect.DeepEqual(learned, cold) || learned.Calibration.Abandoned != 1 {
			t.Fatalf("a reload has lost what was not told yet: %+v", learned.Calibration)
		}
		adopt(t, c, pacing.Progressive)
		adopt(t, c, pacing.Predictive)
		if !reflect.DeepEqual(model(), learned) {
			t.Error("a stay in mode progressive has cost what was learned")
		}
		c.save(t.Context())
		if s.epoch != 7 {
			t.Errorf("saved under epoch %d", s.epoch)
		}
		next := bookkeeper(t, s, pacing.Predictive)
		if err := next.recall(t.Context()); err != nil || !reflect.DeepEqual(next.pacer.(pacing.Keeper).Model(), learned) {
			t.Errorf("the next process begins anew: %v", err)
		}
		s.saved = nil
		c.epoch = 0
		if c.save(t.Context()); s.saved != nil {
			t.Error("saved without owning the campaign")
		}
	})
}

// TestWindowsOfALaw holds that the ledger bounds abandonment over the windows of the
// campaign's profile, in the campaign's time zone, at the campaign's ceiling.
func TestWindowsOfALaw(t *testing.T) {
	for profile, want := range map[string][]ledger.WindowRule{
		"safe": {{Kind: ledger.Day, Ceiling: 0.02}, {Kind: ledger.Days30, Ceiling: 0.02}},
		"us":   {{Kind: ledger.Days30, Ceiling: 0.02}},
		"uk":   {{Kind: ledger.Day, Ceiling: 0.02}},
		"ca":   {{Kind: ledger.Month, Ceiling: 0.02}},
		"au":   {{Kind: ledger.Day, Ceiling: 0.02}, {Kind: ledger.Days30, Ceiling: 0.02}},
	} {
		c := config.DefaultCampaign()
		c.Compliance.Profile, c.Abandonment.Ceiling, c.TimeZone = profile, 0.02, "America/Toronto"
		if got := windowsOf(&c); !reflect.DeepEqual(got.Windows, want) || got.Zone.String() != c.TimeZone {
			t.Errorf("%s: %+v", profile, got)
		}
	}
}
