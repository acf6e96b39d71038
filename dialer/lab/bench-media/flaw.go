package main

import (
	"fmt"
	"time"

	"ringpace/media/record"
)

// kept is a recording that is complete, and what it says of what it lacks.
type kept struct {
	Path      string
	Received  int64         // packets, of both channels, as all of these
	Lost      int64         // packets that never came
	Gaps      int           // of silence for those
	Gap       time.Duration // all of it
	Cut       time.Duration // what came when its place was taken
	Dropped   int64         // packets that found no room in memory
	Unwritten time.Duration // what the disk did not take
}

func keptAs(path string, s record.Summary) kept {
	return kept{
		Path: path, Received: s.Left.Received + s.Right.Received, Lost: s.Left.Lost + s.Right.Lost,
		Gaps: len(s.Left.Gaps) + len(s.Right.Gaps), Gap: s.Gaps(), Cut: s.CutTotal(), Dropped: s.Dropped, Unwritten: s.UnwrittenTotal(),
	}
}

// add takes what another says in.
func (k *kept) add(other kept) {
	k.Received += other.Received
	k.Lost += other.Lost
	k.Gaps += other.Gaps
	k.Gap += other.Gap
	k.Cut += other.Cut
	k.Dropped += other.Dropped
	k.Unwritten += other.Unwritten
}

// whole tells whether the recording knows of nothing that it lacks.
func (k kept) whole() bool {
	return k.Lost == 0 && k.Gaps == 0 && k.Cut == 0 && k.Dropped == 0 && k.Unwritten == 0
}

func (k kept) String() string {
	return fmt.Sprintf("%d packets received, %d lost, %d gaps of %v, %v cut, %d dropped, %v unwritten", k.Received, k.Lost, k.Gaps, k.Gap, k.Cut, k.Dropped, k.Unwritten)
}

// flaw is a recording that does not hold every sample.
type flaw struct {
	err  error
	says kept
}

// mostFlaws is how many are told of one by one.
const mostFlaws = 3

// tell says in lines what is wrong with recordings, and what they know of it themselves.
func tell(flaws []flaw) (lines []string) {
	if len(flaws) == 0 {
		return nil
	}
	var all kept
	unaware := 0
	for i, f := range flaws {
		if i < mostFlaws {
			lines = append(lines, fmt.Sprintf("%v; the recording says: %v", f.err, f.says))
		}
		all.add(f.says)
		if f.says.whole() {
			unaware++
		}
	}
	return append(lines, fmt.Sprintf("%d recordings are not exact, %d of which know of nothing; all together say: %v", len(flaws), unaware, all))
}
