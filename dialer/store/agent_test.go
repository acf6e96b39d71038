package store

import (
	"maps"
	"testing"
	"time"
)

func TestAnAgentBelongsToOneNode(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		nodeA, dirA := name("a"), t.TempDir()
		a, other := b.open(t, Config{Node: nodeA, JournalDir: dirA}), b.open(t, Config{Node: name("node with spaces")})
		pool := name("pool")
		lease := func(s *Store, d time.Duration, want map[string]string, agents ...string) {
			t.Helper()
			refused, err := s.LeaseAgents(t.Context(), pool, d, agents...)
			if err != nil || !maps.Equal(refused, want) {
				t.Errorf("refused %v, %v, want %v", refused, err, want)
			}
		}
		lease(a, time.Minute, nil)
		lease(a, time.Minute, nil, "1001", "1002")
		lease(a, time.Minute, nil, "1001") // renewed
		lease(other, time.Minute, map[string]string{"1002": nodeA}, "1002", "1003")
		lease(a, time.Minute, map[string]string{"1003": other.Node()}, "1003")
		if err := other.ReleaseAgents(t.Context(), pool, "1002", "1003"); err != nil { // 1002 is not its own
			t.Error(err)
		}
		if err := other.ReleaseAgents(t.Context(), pool); err != nil {
			t.Error(err)
		}
		lease(a, time.Minute, nil, "1003")
		lease(other, time.Minute, map[string]string{"1002": nodeA}, "1002")

		die(t, a)
		reborn := b.open(t, Config{Node: nodeA, JournalDir: dirA})
		lease(reborn, 30*time.Millisecond, nil, "1001", "1002")
		waitFor(t, "the leases to lapse", func() bool {
			refused, err := other.LeaseAgents(t.Context(), pool, time.Minute, "1001", "1002")
			return err == nil && len(refused) == 0
		})
		_, err := other.LeaseAgents(t.Context(), "a{b}", time.Minute, "x")
		wantErr(t, err, ErrName)
	})
}
