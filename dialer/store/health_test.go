package store

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/cdr"
	"ringpace/pacing/ledger/redistest"
)

// Redis goes while calls are up, and comes back: no new calls meanwhile, the ends
// of the others are written once.
func TestRedisGoesAndComes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "redis")
	server, err := redistest.Start(dir, 0, "--appendfsync", "always")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { server.Stop() }()
	b := backend{url: "redis://" + server.Addr}
	s := b.open(t, Config{Timeout: 2 * time.Second})
	f := newFloor(t, s)
	f.add(people(5)...)
	leads := f.claim(4)
	first, second, third := f.mustStart(leads[0]), f.mustStart(leads[1]), f.mustStart(leads[2])
	f.finish(first, cdr.Busy, Next{Final: true})
	f.drain()

	changed := s.Changed()
	server.Stop()
	f.finish(second, cdr.Person, Next{Final: true}) // nobody has told the store yet
	_, err = f.start(leads[3])
	wantErr(t, err, ErrAway)
	select {
	case <-changed:
	case <-time.After(patience):
		t.Fatal("nobody was told that redis went")
	}
	if _, away := s.Status(); s.Up() || away == nil {
		t.Errorf("up %v, %v", s.Up(), away)
	}
	began := time.Now()
	for range 1000 { // fail fast: no waiting for timeouts
		_, err := f.s.Claim(t.Context(), f.campaign, f.epoch, 1, time.Minute)
		wantErr(t, err, ErrAway)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("1000 calls failed in %v", took)
	}
	f.finish(third, cdr.NoAnswer, Next{})
	// Two ends; and the start, if it was what found redis away.
	if got := s.Stats().Pending; got < 2 || got > 3 {
		t.Errorf("%d pending, want 2 or 3", got)
	}

	changed = s.Changed()
	server, err = redistest.Start(dir, server.Port, "--appendfsync", "always")
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	case <-time.After(patience):
		t.Fatal("nobody was told that redis is back")
	}
	waitFor(t, "redis to be there", s.Up)
	f.drain()
	if got := f.stats(); got.Written != 3 || got.Repeats != 0 {
		t.Errorf("stats %+v", got)
	}
	outcomes := make(map[string]cdr.Outcome)
	for _, rec := range f.cdrs() {
		outcomes[rec.ID] = rec.Outcome
	}
	if len(outcomes) != 3 || outcomes[second.ID] != cdr.Person || outcomes[third.ID] != cdr.NoAnswer {
		t.Errorf("records %v", outcomes)
	}
	if got := f.lead(leads[3].ID); got.State == Dialing || got.Lead.Attempts != 0 {
		t.Errorf("the lead whose start got no answer: %+v", got)
	}
}

func TestWarnings(t *testing.T) {
	cases := []struct {
		name string
		args []string
		want []string
	}{
		{"well", []string{"--appendonly", "yes"}, nil},
		{"snapshots", []string{"--appendonly", "no", "--save", "60 1"}, nil},
		{
			"nothing is kept, and leads may be evicted",
			[]string{"--appendonly", "no", "--maxmemory-policy", "allkeys-lru"},
			[]string{"keeps nothing on disk", "noeviction"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server, err := redistest.Start(filepath.Join(t.TempDir(), "redis"), 0, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			defer server.Stop()
			s := backend{url: "redis://" + server.Addr}.open(t, Config{})
			got := s.Warnings()
			if len(got) != len(c.want) {
				t.Fatalf("warnings %q, want %q", got, c.want)
			}
			for i := range got {
				if !strings.Contains(got[i], c.want[i]) {
					t.Errorf("warning %q, want %q", got[i], c.want[i])
				}
			}
		})
	}
}

// A Redis that refuses to write is as good as away.
func TestRedisThatRefusesWrites(t *testing.T) {
	server, err := redistest.Start(filepath.Join(t.TempDir(), "redis"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	s := backend{url: "redis://" + server.Addr}.open(t, Config{})
	f := newFloor(t, s)
	f.add(people(2)...)
	leads := f.claim(2)
	rec := f.mustStart(leads[0])
	if err := s.redis.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	// A script that runs out of memory does so at its first write: all or nothing.
	_, err = f.start(leads[1])
	wantErr(t, err, ErrAway)
	f.finish(rec, cdr.Busy, Next{Final: true})
	if err := s.redis.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "redis to take writes", s.Up)
	f.drain()
	if got := f.cdrs(); len(got) != 1 {
		t.Errorf("%d records", len(got))
	}
	f.mustStart(leads[1])
}

func TestConnectForms(t *testing.T) {
	for _, url := range []string{
		"redis://h:6379/0", "rediss://u:p@h:6379", "unix:///run/redis.sock",
		"redis+cluster://h:6379?addr=h2:6379", "redis+sentinel://h:26379?master_name=m",
	} {
		client, err := connect(url, time.Second)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		client.Close()
	}
	for _, url := range []string{"", "http://h", "redis://u:secret@h:port", "://secret"} {
		client, err := connect(url, time.Second)
		if err == nil {
			client.Close()
			t.Errorf("%s was taken", url)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the password is in the message: %v", err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{URL: "redis://127.0.0.1:1", Node: "n", JournalDir: dir}
	first, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close(t.Context())
	if _, err := Open(t.Context(), cfg); err == nil {
		t.Error("two stores share a journal")
	}
	for _, bad := range []Config{{}, {URL: cfg.URL}, {URL: cfg.URL, Node: "n"}, {URL: "?", Node: "n", JournalDir: dir}} {
		if s, err := Open(t.Context(), bad); err == nil {
			s.Close(t.Context())
			t.Errorf("%+v was taken", bad)
		}
	}
}

func TestEmbeddedLeavesNothingBehind(t *testing.T) {
	s, err := OpenEmbedded(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	if !s.Up() || len(s.Warnings()) != 0 {
		t.Errorf("up %v, warnings %v", s.Up(), s.Warnings())
	}
	f := newFloor(t, s)
	f.add(person(1))
	f.finish(f.mustStart(f.claim(1)[0]), cdr.Person, Next{Final: true})
	before, _ := filepath.Glob(filepath.Join(os.TempDir(), "ringpace-journal-*"))
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if after, _ := filepath.Glob(filepath.Join(os.TempDir(), "ringpace-journal-*")); len(after) != len(before)-1 {
		t.Errorf("journals before %v, after %v", before, after)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Errorf("second Close: %v", err)
	}
	_, err = s.Campaigns(context.Background())
	wantErr(t, err, ErrClosed)
}
