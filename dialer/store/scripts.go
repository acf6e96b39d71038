package store

import (
	"context"
	"embed"
	"fmt"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var luaFiles embed.FS

// scripts are the Lua files, ready to be run.
type scripts struct {
	add, update, withdraw              *redis.Script
	claim, unclaim, peek, turn         *redis.Script
	start, finish, abort, restore      *redis.Script
	reroute                            *redis.Script
	acquire, renew, release            *redis.Script
	node, nodes, agents, agentsRelease *redis.Script
	allot                              *redis.Script
	dncSet, dncCopy                    *redis.Script
	open, finishIn, calling            *redis.Script
	contacts                           *redis.Script
	report, gather, grant              *redis.Script
	all                                []*redis.Script
}

// loadScripts reads the embedded files. head is put before each of them: in
// tests the line that makes Redis check that a script keeps to its slot.
func loadScripts(head string) *scripts {
	s := new(scripts)
	read := func(name string) string {
		text, err := luaFiles.ReadFile("lua/" + name + ".lua")
		if err != nil {
			panic(fmt.Sprintf("store: embedded script: %v", err)) // cannot happen: go:embed
		}
		return string(text)
	}
	prelude := read("prelude")
	for name, place := range map[string]**redis.Script{
		"add": &s.add, "update": &s.update, "withdraw": &s.withdraw,
		"claim": &s.claim, "unclaim": &s.unclaim, "peek": &s.peek, "turn": &s.turn,
		"start": &s.start, "reroute": &s.reroute, "finish": &s.finish, "abort": &s.abort, "restore": &s.restore,
		"acquire": &s.acquire, "renew": &s.renew, "release": &s.release,
		"node": &s.node, "nodes": &s.nodes, "agents": &s.agents, "agents_release": &s.agentsRelease,
		"open": &s.open, "finish_in": &s.finishIn, "calling": &s.calling,
		"allot": &s.allot, "dnc_set": &s.dncSet, "dnc_copy": &s.dncCopy,
		"contacts": &s.contacts,
		"report":   &s.report, "gather": &s.gather, "grant": &s.grant,
	} {
		*place = redis.NewScript(head + prelude + read(name))
		s.all = append(s.all, *place)
	}
	return s
}

// run runs one script in one round trip. Its error is explained.
func (s *Store) run(ctx context.Context, script *redis.Script, keys []string, args ...any) (any, error) {
	if err := s.reachable(); err != nil {
		return nil, err
	}
	short, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	answer, err := script.Run(short, s.redis, keys, args...).Result()
	return answer, s.outcome(ctx, err)
}

// call is one script of a batch.
type call struct {
	script *redis.Script
	keys   []string
	args   []any
}

// runAll runs scripts in one pipeline: one round trip for each node of the
// cluster that they touch. The results are theirs, in order; err is set only when
// Redis was away for all of them.
func (s *Store) runAll(ctx context.Context, calls []call) ([]any, []error, error) {
	if err := s.reachable(); err != nil {
		return nil, nil, err
	}
	return s.pipeline(ctx, calls)
}

// pipeline is runAll, whether Redis is known to be there or not.
func (s *Store) pipeline(ctx context.Context, calls []call) ([]any, []error, error) {
	short, cancel := context.WithTimeout(ctx, s.bulkTimeout())
	defer cancel()
	pipe := s.redis.Pipeline()
	cmds := make([]*redis.Cmd, len(calls))
	for i, c := range calls {
		cmds[i] = c.script.EvalSha(short, pipe, c.keys, c.args...)
	}
	_, _ = pipe.Exec(short) // each command has its own error
	answers, errs := make([]any, len(calls)), make([]error, len(calls))
	away := 0
	for i, cmd := range cmds {
		answer, err := cmd.Result()
		if err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
			answer, err = calls[i].script.Eval(short, s.redis, calls[i].keys, calls[i].args...).Result()
		}
		answers[i], errs[i] = answer, s.outcome(ctx, err)
		if isAway(errs[i]) {
			away++
		}
	}
	if away > 0 && away == len(calls) {
		return nil, nil, errs[0]
	}
	return answers, errs, nil
}
