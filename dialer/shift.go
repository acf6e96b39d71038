package dialer

import (
	"time"

	"ringpace/dialer/gate"
)

// shift is when an agent is at work, as far as it is known.
type shift struct {
	hours gate.Hours     // none: not known
	zone  *time.Location // in which they are
	asked time.Time      // when the agent leaves, as they have announced; zero: they have not

	ends       time.Time // of hours: when the shift ends that is on, or has just been
	from, till time.Time // the times at which that is so
}

const (
	// Who is past the end of their shift is about to go home; after that long they are
	// taken to have stayed.
	overtime = 5 * time.Minute
	// Where no end is near one is looked for again after that long.
	lookAgain = time.Minute
)

// until is when the agent leaves; zero where it is not known.
func (s *shift) until(now time.Time) time.Time {
	if len(s.hours) > 0 && (now.Before(s.from) || !now.Before(s.till)) {
		s.look(now)
	}
	if !s.asked.IsZero() && (s.ends.IsZero() || s.asked.Before(s.ends)) {
		return s.asked
	}
	return s.ends
}

// work has the agent at work in those hours, by the clock of a time zone.
func (s *shift) work(hours gate.Hours, zone *time.Location) {
	*s = shift{hours: hours, zone: zone, asked: s.asked}
}

// look finds the end of the shift.
func (s *shift) look(now time.Time) {
	s.from, s.ends = now, time.Time{}
	minute := now.In(s.zone).Truncate(time.Minute)
	if length := s.hours.OpenFor(minute); length > 0 {
		s.till = minute.Add(length)
		if length < 24*time.Hour {
			s.ends = s.till
		} else {
			s.till = minute.Add(time.Hour)
		}
		return
	}
	for ago := time.Duration(0); ago < overtime; ago += time.Minute {
		if s.hours.Open(minute.Add(-ago - time.Minute)) {
			s.ends = minute.Add(-ago)
			s.till = s.ends.Add(overtime)
			return
		}
	}
	s.till = now.Add(lookAgain)
}
