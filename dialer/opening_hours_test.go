package dialer_test

import (
	"fmt"
	"testing"
	"time"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/media"
)

// TestOutsideTheHours holds that callers outside the opening hours are told at once,
// though agents are free, and are called when it opens; somebody whom nobody knows
// becomes a lead.
func TestOutsideTheHours(t *testing.T) {
	t.Parallel()
	hour := time.Now().UTC().Hour()
	soon := time.Date(2000, 1, 1, (hour+3)%24, 0, 0, 0, time.UTC)
	h := build(t, plan{
		Agents: 1, NoCalls: true, Campaign: "time_zone: UTC\n    inbound: {callback: auto, hours: [\"" +
			soon.Format("15:04") + "-" + soon.Add(time.Hour).Format("15:04") + "\"]}",
	})
	h.awaitAgent("a1001", api.AgentReady)
	c := h.callIn(number(5))
	h.await("the announcement", func() bool { return !c.Heard().FirstSound.IsZero() })
	c.Hangup()
	r := h.awaitInbound()
	if r.Outcome != cdr.NoAnswer || r.Message != "closed" || r.Callback == nil || r.Queued || r.HungUpBy != cdr.Customer {
		t.Errorf("record %+v", r)
	}
	due := r.Callback.Due.UTC()
	if due.Hour() != soon.Hour() || due.Before(time.Now().Add(time.Hour)) {
		t.Errorf("due at %v, and it opens at %v", due, soon)
	}
	h.awaitLeads(1, "waiting")
	if counts, err := h.daemon.LeadCounts(t.Context(), "test"); err != nil || counts.Total != 1 {
		t.Errorf("leads %+v, %v", counts, err)
	}
}

// TestOpeningHoursAreSpoken holds that a caller out of the opening hours hears the times:
// the pieces of this announcement, from its beginning to its end.
func TestOpeningHoursAreSpoken(t *testing.T) {
	now := time.Now().UTC()
	opens := now.Truncate(time.Hour).Add(3 * time.Hour)
	closes := opens.Add(time.Hour)
	h := build(t, plan{
		Agents: 1, NoLogin: true, NoCalls: true,
		Campaign: "time_zone: UTC\n    inbound: {callback: auto, clock: 24h, prompts: {kept: off}, hours: [\"" + opens.Format("15:04") + "-" + closes.Format("15:04") + "\"]}",
	})
	day := "today"
	if opens.Day() != now.Day() {
		day = "tomorrow"
	}
	words := append([]string{"closed-now", "open-again", day, "from"}, fullHour(opens)...)
	want := media.Words(media.English, append(append(words, "to"), fullHour(closes)...)...).Duration()
	c := h.callIn(number(5))
	h.awaitOver(c)
	heard := c.Heard()
	if lasted := heard.LastSound.Sub(heard.FirstSound); (lasted - want).Abs() > 400*time.Millisecond {
		t.Errorf("the caller heard %v of words, want %v", lasted, want)
	}
	if r := h.awaitInbound(); r.Message != "closed" || r.Callback == nil || r.HungUpBy != cdr.Ringpace {
		t.Errorf("record %+v", r)
	}
}

// fullHour is how a full hour is spoken.
func fullHour(t time.Time) []string {
	hour := t.Hour()
	switch {
	case hour == 0:
		return []string{"midnight"}
	case hour > 20:
		return []string{"20", fmt.Sprint(hour - 20), "hundred"}
	}
	return []string{fmt.Sprint(hour), "hundred"}
}
