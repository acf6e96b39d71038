package cdr

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/clocktest"
)

func TestOutcomesAreClosed(t *testing.T) {
	seen := map[Outcome]bool{}
	for _, o := range All() {
		if seen[o] || !o.Valid() {
			t.Errorf("%s is in the set twice, or not at all", o)
		}
		seen[o] = true
		if back, err := Parse(string(o)); back != o || err != nil {
			t.Errorf("%s is parsed as %q, %v", o, back, err)
		}
	}
	for _, name := range []string{"", "Person", "answered", "person "} {
		if _, err := Parse(name); err == nil || Outcome(name).Valid() {
			t.Errorf("%q passes for an outcome", name)
		}
	}
	list := All()
	list[0] = "spoilt"
	if All()[0] == "spoilt" {
		t.Error("a caller of All can change the set")
	}
}

func TestAnswered(t *testing.T) {
	for o, want := range map[Outcome]bool{Person: true, Abandoned: true, Machine: true, Fax: true, Busy: false, Cancelled: false, Interrupted: false} {
		if o.Answered() != want {
			t.Errorf("%s: answered is %v", o, o.Answered())
		}
	}
}

func TestMarks(t *testing.T) {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	cases := []struct {
		name    string
		m       Marks
		wait    time.Duration
		waited  bool
		talk    time.Duration
		bridged bool
	}{
		{"never answered", Marks{Invite: noon}, 0, false, 0, false},
		{"answered and abandoned", Marks{Answered: noon, Ended: noon.Add(time.Minute)}, 0, false, 0, false},
		{"a conversation", Marks{Answered: noon, AgentAudio: noon.Add(time.Millisecond), TalkEnded: noon.Add(time.Second)}, time.Millisecond, true, 999 * time.Millisecond, true},
		{"bridged, and gone before a packet", Marks{Answered: noon, TalkEnded: noon.Add(time.Millisecond)}, 0, false, 0, true},
	}
	for _, c := range cases {
		wait, waited := c.m.AnswerToAgent()
		r := Record{Marks: c.m}
		if wait != c.wait || waited != c.waited || c.m.Talk() != c.talk || r.Bridged() != c.bridged {
			t.Errorf("%s: waited %v (%v), talked %v, bridged %v", c.name, wait, waited, c.m.Talk(), r.Bridged())
		}
	}
}

// TestJSON holds that marks which were not reached are absent, and that a record
// survives its journey.
func TestJSON(t *testing.T) {
	rec := Record{ID: "1", Outcome: Busy, Marks: Marks{Invite: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}}
	text, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "answered") || !strings.Contains(string(text), `"invite":"2026-03-02T12:00:00Z"`) {
		t.Errorf("the marks read %s", text)
	}
	var back Record
	if err := json.Unmarshal(text, &back); err != nil || back.ID != rec.ID || !back.Marks.Invite.Equal(rec.Marks.Invite) || back.Outcome != Busy {
		t.Errorf("%+v, %v", back, err)
	}
}

// TestMarksAreByOneClock holds that what lies between two marks is right in a record that was
// written and read again, where the clock was set between them.
func TestMarksAreByOneClock(t *testing.T) {
	now := time.Now()
	for _, step := range []time.Duration{time.Hour, -time.Hour} {
		invited := clocktest.SetForward(t, now.Add(-30*time.Second), step)
		rec := Record{ID: "1", Outcome: Busy, Marks: Marks{Claimed: invited, Invite: invited.Add(time.Second), Ringing: now.Add(-10 * time.Second), Ended: now}}
		rec.Marks = rec.Marks.Steady()
		text, err := json.Marshal(rec)
		if err != nil {
			t.Fatal(err)
		}
		var got Record
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		m := got.Marks
		if !m.Claimed.Equal(invited.Round(0)) || m.Ringing.Sub(m.Invite) != 19*time.Second || m.Ended.Sub(m.Ringing) != 10*time.Second || !m.Answered.IsZero() {
			t.Errorf("%+v", m)
		}
	}
}
