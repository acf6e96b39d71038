package store

import (
	"context"
	"fmt"
	"time"
)

// LeaseAgents takes and renews the leases of agents of a pool, in one round trip:
// an agent belongs to one node at a time. It returns those that belong to another,
// with its name. A former process of this node gives way at once; a lease that is
// not renewed lapses.
func (s *Store) LeaseAgents(ctx context.Context, pool string, lease time.Duration, agents ...string) (refused map[string]string, err error) {
	if len(agents) == 0 {
		return nil, nil
	}
	sp, err := poolSpace(pool)
	if err != nil {
		return nil, err
	}
	args := []any{s.node, s.boot, lease.Milliseconds()}
	for _, a := range agents {
		args = append(args, a)
	}
	answer, err := s.run(ctx, s.scripts.agents, sp.keys("leases"), args...)
	if err != nil {
		return nil, err
	}
	return flatMap(answer), nil
}

// ReleaseAgents gives up the leases of agents that are this node's.
func (s *Store) ReleaseAgents(ctx context.Context, pool string, agents ...string) error {
	if len(agents) == 0 {
		return nil
	}
	sp, err := poolSpace(pool)
	if err != nil {
		return err
	}
	args := []any{s.boot}
	for _, a := range agents {
		args = append(args, a)
	}
	_, err = s.run(ctx, s.scripts.agentsRelease, sp.keys("leases"), args...)
	return err
}

// Nodes returns the living nodes by name, each with the id of its process.
func (s *Store) Nodes(ctx context.Context) (map[string]string, error) {
	s.health.beating.Lock()
	answer, err := s.run(ctx, s.scripts.nodes, []string{nodesKey})
	s.health.beating.Unlock()
	if err != nil {
		return nil, err
	}
	nodes := flatMap(answer)
	if nodes[s.node] != s.boot {
		// Our own beat is late: what it says of the others is not to be relied on.
		return nil, fmt.Errorf("%w: this node's own lease has lapsed", ErrAway)
	}
	return nodes, nil
}
