package dialer

import (
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata"

	"ringpace/dialer/config"
	"ringpace/dialer/gate"
	"ringpace/pacing"
)

func hoursOf(t *testing.T, windows ...string) (h gate.Hours) {
	t.Helper()
	for _, s := range windows {
		w, err := gate.ParseWindow(s)
		if err != nil {
			t.Fatal(err)
		}
		h = append(h, w)
	}
	return h
}

// TestShiftsEnd holds when agents are taken to leave: at the end of the shift that is on,
// earlier where they have announced it, and, for some minutes, at once when it is over.
func TestShiftsEnd(t *testing.T) {
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	day := hoursOf(t, "mon-fri 09:00-17:00")
	at := func(clock string) time.Time { // Monday, in summer
		when, err := time.ParseInLocation("2006-01-02 15:04:05", "2026-07-06 "+clock, london)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	for _, c := range []struct {
		name       string
		hours      gate.Hours
		asked, now string
		want       string // "": not known
	}{
		{"in the shift", day, "", "12:34:56", "17:00:00"},
		{"in its last minute", day, "", "16:59:59", "17:00:00"},
		{"just over", day, "", "17:00:00", "17:00:00"},
		{"over for some minutes", day, "", "17:04:59", "17:00:00"},
		{"overtime", day, "", "17:05:00", ""},
		{"before the shift", day, "", "08:30:00", ""},
		{"two shifts, in the second", hoursOf(t, "09:00-12:00", "13:00-17:00"), "", "13:00:00", "17:00:00"},
		{"two shifts that meet", hoursOf(t, "09:00-13:00", "13:00-17:00"), "", "12:59:30", "17:00:00"},
		{"always at work", gate.Always(), "", "12:00:00", ""},
		{"no shift is known", nil, "", "12:00:00", ""},
		{"a break is announced", day, "15:30:00", "12:00:00", "15:30:00"},
		{"announced for after the shift", day, "18:00:00", "12:00:00", "17:00:00"},
		{"announced, and no shift is known", nil, "15:30:00", "12:00:00", "15:30:00"},
	} {
		var s shift
		s.work(c.hours, london)
		if c.asked != "" {
			s.asked = at(c.asked)
		}
		var want time.Time
		if c.want != "" {
			want = at(c.want)
		}
		for range 2 { // what was found once holds
			if got := s.until(at(c.now)); !got.Equal(want) {
				t.Errorf("%s: %v, want %v", c.name, got, want)
			}
		}
	}

	var s shift
	s.work(day, london)
	for _, step := range []struct{ now, want string }{ // of a clock that steps
		{"08:59:59", ""},
		{"09:01:00", "17:00:00"},
		{"16:59:00", "17:00:00"},
		{"17:03:00", "17:00:00"},
		{"18:10:00", ""},
		{"16:10:00", "17:00:00"},
		{"08:00:00", ""},
	} {
		var want time.Time
		if step.want != "" {
			want = at(step.want)
		}
		if got := s.until(at(step.now)); !got.Equal(want) {
			t.Errorf("stepped to %s: %v, want %v", step.now, got, want)
		}
	}
}

// TestPacingKnowsWhenPeopleLeave holds that pacing is told of the ends of shifts and of what
// agents have announced, and dials ahead for nobody who will be gone.
func TestPacingKnowsWhenPeopleLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor()
		now := time.Now().UTC() // midnight
		for id, shift := range map[string]gate.Hours{"a": hoursOf(t, "00:00-08:00"), "b": nil} {
			f.sit(&agent{id: id, cfg: config.Agent{Shift: shift, TimeZone: "UTC"}}, []string{"x"})
			f.free(id)
		}
		until := func() (a, b time.Time) {
			v := f.snapshot("x", 2, time.Now())
			for _, s := range v.Agents {
				if s.Until.Equal(now.Add(8 * time.Hour)) {
					a = s.Until
				} else {
					b = s.Until
				}
			}
			return a, b
		}
		if a, b := until(); a.IsZero() || !b.IsZero() {
			t.Errorf("they leave at %v and %v", a, b)
		}
		soon := time.Now().Add(3 * time.Second)
		f.manner("b", false, false, soon)
		if a, b := until(); a.IsZero() || !b.Equal(soon) {
			t.Errorf("after an announcement they leave at %v and %v", a, b)
		}

		decide := func(c pacing.Config) pacing.Decision {
			p, err := pacing.New(c)
			if err != nil {
				t.Fatal(err)
			}
			s := f.snapshot("x", 2, time.Now()).Snapshot
			s.Limits = pacing.Limits{Leads: 100, Channels: 100, Rate: 100}
			s.Windows = []pacing.Window{{Name: "day", Ceiling: 0.03, Answered: 5000, Ends: time.Now().Add(20 * time.Hour)}}
			return p.Decide(s)
		}
		c := pacing.Config{Mode: pacing.Predictive, Patience: 2 * time.Second}
		with := decide(c)
		c.Ignore = pacing.OfLeaving
		if without := decide(c); with.Dial >= without.Dial || with.Dial == 0 {
			t.Errorf("%d calls are dialed, and %d where nobody leaves", with.Dial, without.Dial)
		}
		f.manner("b", false, false, time.Time{})
		if _, b := until(); !b.IsZero() {
			t.Errorf("who stays after all leaves at %v", b)
		}
	})
}
