package record

import (
	"fmt"
	"time"
)

const (
	// missSlack is how far apart packets that found no room may have arrived to be told
	// of as one stretch, and how far the place of a packet may be from its arrival. In
	// samples.
	missSlack = 200 * 8
	// maxMissed bounds these stretches, of each channel; the last then takes in all
	// that follow.
	maxMissed = 256
)

// miss notes that an entry found no room in memory. It runs on the packet path; mu is
// held.
func (r *Recording) miss(e entry) {
	r.dropped++
	r.recorder.dropped.Add(1)
	if e.kind != entryAudio || e.muted {
		return
	}
	list, at := r.missed[e.channel], sampleCount(e.arrival)
	end := at + int64(e.size)
	if n := len(list); n > 0 && (at <= list[n-1].end()+missSlack || n == maxMissed) {
		list[n-1].length = max(list[n-1].length, end-list[n-1].at)
		return
	}
	r.missed[e.channel] = append(list, span{at, int64(e.size)})
}

// account sees that the time line reaches as far as packets came, also where there was no
// room for them, and that their absence is not told as the party's.
func (r *Recording) account() {
	s := &r.sheet
	r.mu.Lock()
	missed, until := r.missed, r.until
	r.mu.Unlock()
	if !s.begun && (len(missed[left]) > 0 || len(missed[right]) > 0) {
		s.beginAt(earliestOf(missed), r.base)
	}
	for channel, list := range missed {
		for _, m := range list {
			end := m.end()
			if until > 0 {
				end = min(end, sampleCount(until))
			}
			at := max(m.at-s.zero, 0)
			end -= s.zero
			if end <= at {
				continue
			}
			if end > s.timeline.front() {
				s.timeline.put(uint8(channel), end-1, nil, 1, 0)
			}
			s.missed = s.missed.with(span{at, min(end, s.timeline.front()) - at})
			for _, gap := range s.tracks[channel].gaps.cut(at-missSlack, end-at+2*missSlack) {
				s.missed = s.missed.with(gap)
			}
		}
	}
}

// earliestOf is where the first of the stretches of either channel begins.
func earliestOf(missed [channels][]span) int64 {
	first := int64(never)
	for _, list := range missed {
		if len(list) > 0 {
			first = min(first, list[0].at)
		}
	}
	return first
}

// unwritten are the stretches of which something came that the file does not have.
func (s *sheet) unwritten() stretches {
	var all stretches
	for _, list := range []stretches{s.timeline.lost, s.missed} {
		for _, one := range list {
			all = all.with(one)
		}
	}
	return all
}

// tellUnwritten counts and logs what a recording that is over lacks.
func (r *Recorder) tellUnwritten(sum Summary) {
	lacks := sum.UnwrittenTotal()
	if lacks == 0 {
		return
	}
	r.unwritten.Add(int64(lacks))
	r.log.Error("a recording lacks audio that the disk did not take", "id", sum.ID, "path", sum.Path, "lacks", lacks, "dropped_packets", sum.Dropped)
}

// whyLacking is what the chain says of a recording that is kept and not whole.
func whyLacking(lacks time.Duration) string {
	if lacks == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f s that the disk did not take are silence", lacks.Seconds())
}
