package dialer

import "testing"

// TestProcs: beside what reads packets on each processor, and what the disk may hold up at
// the same moment, there is as much as there are processors for the rest.
func TestProcs(t *testing.T) {
	const blocked = 3 // the writer, the sealer, the look at the disk
	for processors := 1; processors <= 64; processors++ {
		if rest := procs(processors) - processors; rest < blocked || rest < processors {
			t.Errorf("%d processors: %d for others than the readers", processors, rest)
		}
	}
}
