package store

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Do-not-call entries are numbers in E.164 with +, or prefixes of them with * at the
// end ("+8610*"). A campaign has its own, and a copy of the list for all campaigns
// in its own slot, so that the start script checks both at once:
//
//	{c:X}:dnc, dnc:prefix                                  its own
//	{c:X}:dnc:all, dnc:all:prefix, dnc:all:revision        the copy
//	{ringpace}:dnc, dnc:prefix, dnc:revision               the list for all
//
// A change of the list for all is made there first, then in each campaign that is
// registered. A crash in between leaves copies behind, whose revision tells it: the
// next campaign start or import copies the list anew.

const dncBatch = 1000 // entries in one script

// AddDNC puts entries on a campaign's do-not-call list, or with campaign "" on the
// list for all. Once it returns, no attempt to them starts.
func (s *Store) AddDNC(ctx context.Context, campaign string, entries ...string) error {
	return s.changeDNC(ctx, "add", campaign, entries)
}

// RemoveDNC takes entries off a list.
func (s *Store) RemoveDNC(ctx context.Context, campaign string, entries ...string) error {
	return s.changeDNC(ctx, "remove", campaign, entries)
}

func (s *Store) changeDNC(ctx context.Context, how, campaign string, entries []string) error {
	for _, e := range entries {
		if err := checkEntry(e); err != nil {
			return err
		}
	}
	for len(entries) > 0 {
		n := min(dncBatch, len(entries))
		args := make([]any, n)
		for i, e := range entries[:n] {
			args[i] = e
		}
		entries = entries[n:]
		change := s.changeForAll
		if campaign != "" {
			change = func(ctx context.Context, how string, args []any) error {
				return s.changeForOne(ctx, how, campaign, args)
			}
		}
		if err := change(ctx, how, args); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) changeForOne(ctx context.Context, how, campaign string, entries []any) error {
	sp, err := campaignSpace(campaign)
	if err != nil {
		return err
	}
	_, err = s.run(ctx, s.scripts.dncSet, sp.keys("dnc", "dnc:prefix", "dnc:revision"), append([]any{how}, entries...)...)
	return err
}

func (s *Store) changeForAll(ctx context.Context, how string, entries []any) error {
	revision, err := s.run(ctx, s.scripts.dncSet, []string{dncKey, dncPrefixKey, dncRevisionKey},
		append([]any{how}, entries...)...)
	if err != nil {
		return err
	}
	names, err := s.Campaigns(ctx)
	if err != nil || len(names) == 0 {
		return err
	}
	calls := make([]call, len(names))
	for i, name := range names {
		sp, err := campaignSpace(name)
		if err != nil {
			return err
		}
		calls[i] = call{
			s.scripts.dncCopy, sp.keys("dnc:all", "dnc:all:prefix", "dnc:all:revision"),
			append([]any{how, revision}, entries...),
		}
	}
	_, errs, err := s.runAll(ctx, calls)
	if err != nil {
		return err
	}
	return errors.Join(errs...)
}

// ListDNC returns the entries of a campaign's own list, or with "" of the list for
// all, prefixes first.
func (s *Store) ListDNC(ctx context.Context, campaign string) ([]string, error) {
	numbers, prefixes := dncKey, dncPrefixKey
	if campaign != "" {
		sp, err := campaignSpace(campaign)
		if err != nil {
			return nil, err
		}
		numbers, prefixes = sp.key("dnc"), sp.key("dnc:prefix")
	}
	exact, err := s.members(ctx, numbers)
	if err != nil {
		return nil, err
	}
	begin, err := s.members(ctx, prefixes)
	if err != nil {
		return nil, err
	}
	entries := make([]string, 0, len(exact)+len(begin))
	for _, p := range begin {
		entries = append(entries, p+"*")
	}
	return append(entries, exact...), nil
}

// CheckDNC returns the entry, of the campaign's list or the one for all, that
// forbids a number; "" if none does. Prefixes come back with their *.
func (s *Store) CheckDNC(ctx context.Context, campaign, number string) (entry string, err error) {
	sp, err := campaignSpace(campaign)
	if err != nil {
		return "", err
	}
	if err := s.reachable(); err != nil {
		return "", err
	}
	short, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	prefixes := make([]any, len(number))
	for i := range number {
		prefixes[i] = number[:i+1]
	}
	pipe := s.redis.Pipeline()
	exact := []*redis.BoolCmd{
		pipe.SIsMember(short, sp.key("dnc"), number), pipe.SIsMember(short, sp.key("dnc:all"), number),
	}
	var begins []*redis.BoolSliceCmd
	if len(prefixes) > 0 {
		begins = append(begins, pipe.SMIsMember(short, sp.key("dnc:prefix"), prefixes...),
			pipe.SMIsMember(short, sp.key("dnc:all:prefix"), prefixes...))
	}
	_, err = pipe.Exec(short)
	if err := s.outcome(ctx, err); err != nil {
		return "", err
	}
	for _, cmd := range exact {
		if cmd.Val() {
			return number, nil
		}
	}
	for _, cmd := range begins {
		for i, in := range cmd.Val() {
			if in {
				return number[:i+1] + "*", nil
			}
		}
	}
	return "", nil
}

// members reads a set in pages, sorted.
func (s *Store) members(ctx context.Context, key string) ([]string, error) {
	seen := make(map[string]bool)
	for cursor := uint64(0); ; {
		if err := s.reachable(); err != nil {
			return nil, err
		}
		short, cancel := context.WithTimeout(ctx, s.bulkTimeout())
		some, next, err := s.redis.SScan(short, key, cursor, "", dncBatch).Result()
		cancel()
		if err := s.outcome(ctx, err); err != nil {
			return nil, err
		}
		for _, m := range some {
			seen[m] = true
		}
		if cursor = next; cursor == 0 {
			break
		}
	}
	all := make([]string, 0, len(seen))
	for m := range seen {
		all = append(all, m)
	}
	sort.Strings(all)
	return all, nil
}

// copyDoNotCall brings a campaign's copy of the list for all to its revision. It
// fills sets beside the copy and puts them in its place; if the list has changed
// meanwhile, it begins again.
func (s *Store) copyDoNotCall(ctx context.Context, sp space) error {
	for {
		revision, copied, err := s.dncRevisions(ctx, sp)
		if err != nil || revision == copied {
			return err
		}
		pairs := [][2]string{{dncKey, sp.key("dnc:all")}, {dncPrefixKey, sp.key("dnc:all:prefix")}}
		for _, pair := range pairs {
			if err := s.copySet(ctx, pair[0], pair[1]); err != nil {
				return err
			}
		}
		short, cancel := context.WithTimeout(ctx, s.timeout)
		err = s.redis.Set(short, sp.key("dnc:all:revision"), revision, 0).Err()
		cancel()
		if err := s.outcome(ctx, err); err != nil {
			return err
		}
	}
}

func (s *Store) dncRevisions(ctx context.Context, sp space) (list, copied string, err error) {
	short, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	pipe := s.redis.Pipeline()
	a, b := pipe.Get(short, dncRevisionKey), pipe.Get(short, sp.key("dnc:all:revision"))
	if _, err := pipe.Exec(short); err != nil && !errors.Is(err, redis.Nil) {
		return "", "", s.outcome(ctx, err)
	}
	return a.Val(), b.Val(), nil
}

// copySet makes the set at to, of another slot, the same as the one at from.
func (s *Store) copySet(ctx context.Context, from, to string) error {
	members, err := s.members(ctx, from)
	if err != nil {
		return err
	}
	beside := to + ":" + s.boot
	long, cancel := context.WithTimeout(ctx, s.bulkTimeout())
	defer cancel()
	pipe := s.redis.Pipeline()
	pipe.Del(long, beside)
	for at := 0; at < len(members); at += dncBatch {
		some := members[at:min(at+dncBatch, len(members))]
		args := make([]any, len(some))
		for i, m := range some {
			args[i] = m
		}
		pipe.SAdd(long, beside, args...)
	}
	if len(members) > 0 {
		pipe.Rename(long, beside, to)
	} else {
		pipe.Del(long, to)
	}
	_, err = pipe.Exec(long)
	return s.outcome(ctx, err)
}

func checkEntry(entry string) error {
	number := strings.TrimSuffix(entry, "*")
	if number == "" || number == "+" || strings.ContainsAny(number, "* \r\n") {
		return fmt.Errorf("%w: do-not-call entry %q (want +4930123 or a prefix, +4930*)", ErrName, entry)
	}
	return nil
}
