package registrar

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// shelf is a Keeper in memory.
type shelf struct {
	mu    sync.Mutex
	away  bool
	hangs bool // until ctx ends
	kept  map[string][]Contact
	saves int
}

func (s *shelf) Load(context.Context) ([]Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Entry
	for user, contacts := range s.kept {
		out = append(out, Entry{user, contacts})
	}
	return out, nil
}

func (s *shelf) Save(ctx context.Context, entries []Entry) error {
	s.mu.Lock()
	away, hangs := s.away, s.hangs
	s.mu.Unlock()
	if hangs {
		<-ctx.Done()
	}
	if away || hangs {
		return errors.New("away")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saves++
	for _, e := range entries {
		if len(e.Contacts) == 0 {
			delete(s.kept, e.User)
		} else {
			s.kept[e.User] = slices.Clone(e.Contacts)
		}
	}
	return nil
}

func (s *shelf) users() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.kept)
}

func (s *shelf) set(away, hangs bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away, s.hangs = away, hangs
}

// running runs a registrar until the test, or stop, ends it.
func (d *desk) running(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); d.Run(ctx) }()
	return func() { cancel(); <-done }
}

// Whoever was registered is so after a restart, unless only a connection led there.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keeper := &shelf{kept: map[string][]Contact{}}
		d := newDesk(t, Config{Keeper: keeper})
		stop := d.running(t)
		d.ok("100", "Contact: <sip:100@10.0.0.1>;q=0.3;expires=600", "Path: <sip:p;lr>")
		d.ok("200", "Contact: <sip:200@10.0.0.1>;expires=100")
		d.ok("300", "Contact: <sip:300@10.0.0.1>;expires=600")
		d.ok("400", "Contact: <sip:400@10.0.0.1>;expires=600")
		d.ok("400", "Contact: *", "Expires: 0")
		d.via = "TCP"
		d.ok("500", "Contact: <sip:500@10.0.0.1;transport=tcp>;expires=600")
		synctest.Wait() // a kill -9 from here on loses nothing
		stop()
		d.Close()
		time.Sleep(200 * time.Second)

		again := newDesk(t, Config{Keeper: keeper, Credentials: func(user string) (string, bool) { return "pw-" + user, user != "300" }})
		if err := again.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		entries := again.Entries()
		if len(entries) != 1 || entries[0].User != "100" {
			t.Fatalf("%+v", entries)
		}
		c := entries[0].Contacts[0]
		if c.URI != "sip:100@10.0.0.1" || c.Q != 300 || c.Path[0] != "sip:p;lr" || c.Source.String() != phone || time.Until(c.Expires) != 400*time.Second {
			t.Errorf("%+v", c)
		}
		// A REGISTER from before the restart changes nothing (RFC 3261 section 10.3).
		if a := again.register("100", "pw-100", "Contact: *", "Expires: 0"); a.Status != 500 {
			t.Error(a)
		}
		time.Sleep(400 * time.Second)
		again.uris()
	})
}

// No REGISTER waits for a slow Keeper, and what it missed it gets later.
func TestKeeperAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keeper := &shelf{kept: map[string][]Contact{}}
		d := newDesk(t, Config{Keeper: keeper})
		stop := d.running(t)
		defer stop()
		d.ok("1", "Contact: <sip:a@h>")
		synctest.Wait()
		for _, how := range []struct{ away, hangs bool }{{true, false}, {false, true}} {
			keeper.set(how.away, how.hangs)
			begin := time.Now()
			for i := range 1000 {
				d.callID = fmt.Sprint(how, i)
				d.ok(fmt.Sprint(100+i), "Contact: <sip:a@h>")
			}
			if took := time.Since(begin); took > 0 {
				t.Errorf("REGISTERs waited %s", took)
			}
			time.Sleep(time.Minute)
			keeper.set(false, false)
			time.Sleep(saveRarest + saveTimeout)
			synctest.Wait()
			if n := keeper.users(); n != 1001 {
				t.Errorf("%d users are kept", n)
			}
			d.Retain(func(user string) bool { return user == "1" })
			synctest.Wait()
			if n := keeper.users(); n != 1 {
				t.Errorf("%d users are kept", n)
			}
		}
	})
}
