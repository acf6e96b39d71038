package store

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/redis/go-redis/v9"

	"ringpace/dialer/cdr"
	"ringpace/dialer/lead"
)

// Whatever forbids an attempt forbids it in the instant before the INVITE, and
// leaves no trace of it.
func TestStartAttemptRefuses(t *testing.T) {
	cases := []struct {
		name  string
		want  error
		state State // of the lead afterwards
		spoil func(t *testing.T, f *floor, l *lead.Lead)
	}{
		{"changed", ErrLeadChanged, Ready, func(t *testing.T, f *floor, l *lead.Lead) {
			if _, err := f.s.UpdateLead(t.Context(), f.campaign, *l); err != nil {
				t.Fatal(err)
			}
		}},
		{"changed and claimed anew, by its former version", ErrLeadChanged, Claimed, func(t *testing.T, f *floor, l *lead.Lead) {
			if _, err := f.s.UpdateLead(t.Context(), f.campaign, *l); err != nil {
				t.Fatal(err)
			}
			f.claim(1)
		}},
		{"withdrawn", ErrLeadWithdrawn, Withdrawn, func(t *testing.T, f *floor, l *lead.Lead) {
			if err := f.s.WithdrawLead(t.Context(), f.campaign, l.ID); err != nil {
				t.Fatal(err)
			}
		}},
		{"on the campaign's list", ErrDoNotCall, Claimed, func(t *testing.T, f *floor, l *lead.Lead) {
			if err := f.s.AddDNC(t.Context(), f.campaign, l.Number()); err != nil {
				t.Fatal(err)
			}
		}},
		{"prefix on the campaign's list", ErrDoNotCall, Claimed, func(t *testing.T, f *floor, l *lead.Lead) {
			if err := f.s.AddDNC(t.Context(), f.campaign, "+4931*", l.Number()[:6]+"*"); err != nil {
				t.Fatal(err)
			}
		}},
		{"stopped", ErrStopped, Claimed, func(t *testing.T, f *floor, _ *lead.Lead) {
			if err := f.s.SetDesired(t.Context(), f.campaign, Stopped); err != nil {
				t.Fatal(err)
			}
		}},
		{"released", ErrFenced, Claimed, func(t *testing.T, f *floor, _ *lead.Lead) {
			if err := f.s.Release(t.Context(), f.campaign); err != nil {
				t.Fatal(err)
			}
		}},
		{"another owner", ErrFenced, Claimed, func(t *testing.T, f *floor, _ *lead.Lead) {
			if err := f.s.Release(t.Context(), f.campaign); err != nil {
				t.Fatal(err)
			}
			old := f.epoch
			f.acquire()
			f.epoch = old
		}},
		{"given back", ErrUnclaimed, Ready, func(t *testing.T, f *floor, l *lead.Lead) {
			if err := f.s.Unclaim(t.Context(), f.campaign, f.epoch, Deferral{LeadID: l.ID}); err != nil {
				t.Fatal(err)
			}
		}},
		{"being dialed", ErrUnclaimed, Dialing, func(_ *testing.T, f *floor, l *lead.Lead) { f.mustStart(*l) }},
		{"not in the campaign", ErrUnclaimed, Claimed, func(_ *testing.T, _ *floor, l *lead.Lead) { l.ID = "nobody" }},
	}
	onEach(t, func(t *testing.T, b backend) {
		s := b.open(t, Config{})
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				f := newFloor(t, s)
				f.add(person(1))
				l := f.claim(1)[0]
				c.spoil(t, f, &l)
				before := f.lead("L00001").Lead.Attempts
				_, err := f.start(l)
				wantErr(t, err, c.want)
				st := f.lead("L00001")
				if st.State != c.state || st.Lead.Attempts != before {
					t.Errorf("afterwards %s with %d attempts, want %s with %d", st.State, st.Lead.Attempts, c.state, before)
				}
			})
		}
	})
}

func TestStartAttemptAgain(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		f := newFloor(t, b.open(t, Config{}))
		f.add(person(1))
		l := f.claim(1)[0]
		start := Start{ID: ulid.Make().String(), Campaign: f.campaign, Epoch: f.epoch, Lead: l, Number: l.Number(), Today: 1}
		for range 3 {
			if ordinal, err := f.s.StartAttempt(t.Context(), start); ordinal != 1 || err != nil {
				t.Fatalf("ordinal %d, %v", ordinal, err)
			}
		}
		counters, err := f.s.Counters(t.Context(), f.campaign)
		if err != nil || counters["started"] != 1 {
			t.Errorf("counters %v, %v", counters, err)
		}
		f.finish(cdr.Record{ID: start.ID, Campaign: f.campaign, LeadID: l.ID, Ordinal: 1}, cdr.Busy, Next{})
		f.drain()
		f.claim(1)
		_, err = f.s.StartAttempt(t.Context(), start) // a ghost of the first
		wantErr(t, err, ErrUnclaimed)
	})
}

// trips counts round trips.
type trips struct{ n atomic.Int64 }

func (*trips) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmd)
	}
}

func (c *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmds)
	}
}

// The promise of the design: one round trip before an INVITE, one for a batch of
// claims, none for an end on the caller's side.
func TestRoundTrips(t *testing.T) {
	s := backend{url: servers.real}.open(t, Config{NodeLease: time.Hour})
	f := newFloor(t, s)
	f.add(people(20)...)
	count := new(trips)
	s.redis.AddHook(count)
	// measure counts the trips of an act apart from the store's own beat, one a second.
	measure := func(what string, want int64, act func()) {
		t.Helper()
		for range 3 {
			count.n.Store(0)
			act()
			if count.n.Load() == want {
				return
			}
		}
		t.Errorf("%s took %d round trips, want %d", what, count.n.Load(), want)
	}
	var leads []lead.Lead
	measure("a claim of 5", 1, func() { leads = append(leads, f.claim(5)...) })
	at := 0
	measure("a start", 1, func() {
		f.mustStart(leads[at])
		at++
	})
	measure("a refused start", 1, func() { _, _ = f.start(leads[0]) })
	measure("progress", 0, func() {
		if err := s.Progress(cdr.Record{ID: "X", Campaign: f.campaign}); err != nil {
			t.Error(err)
		}
	})
	measure("shares of two trunks", 1, func() {
		if _, err := s.Allot(t.Context(), TrunkWant{Trunk: f.campaign, Channels: 1}, TrunkWant{Trunk: f.campaign + "b"}); err != nil {
			t.Error(err)
		}
	})
	measure("renewal of two campaigns", 1, func() {
		if _, err := s.Renew(t.Context(), time.Minute, f.campaign, f.campaign); err != nil {
			t.Error(err)
		}
	})
}

// BenchmarkStartAttempt measures the start script against a real Redis, with the
// round trips it takes.
func BenchmarkStartAttempt(b *testing.B) {
	ctx := context.Background()
	s, err := Open(ctx, Config{URL: servers.real, Node: name("node"), JournalDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close(ctx)
	campaign := name("campaign")
	epoch, err := s.Acquire(ctx, campaign, time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	leads := people(b.N)
	if _, _, err := s.AddLeads(ctx, campaign, leads); err != nil {
		b.Fatal(err)
	}
	for at := 0; at < b.N; at += 1000 {
		if _, err := s.Claim(ctx, campaign, epoch, 1000, time.Hour); err != nil {
			b.Fatal(err)
		}
	}
	count := new(trips)
	s.redis.AddHook(count)
	b.ResetTimer()
	for i := range b.N {
		leads[i].Version = 1
		_, err := s.StartAttempt(ctx, Start{
			ID: ulid.Make().String(), Campaign: campaign, Epoch: epoch, Lead: leads[i], Number: leads[i].Number(),
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(count.n.Load())/float64(b.N), "trips/op")
}

// deaf loses the answer to commands that hold a text, after Redis has carried them
// out (late) or before (early).
type deaf struct {
	text string
	late bool
	off  atomic.Bool
}

func (*deaf) DialHook(next redis.DialHook) redis.DialHook { return next }

func (d *deaf) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		for _, arg := range cmd.Args() {
			if text, ok := arg.(string); ok && !d.off.Load() && strings.Contains(text, d.text) {
				if d.late {
					_ = next(ctx, cmd)
				}
				err := &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}
				cmd.SetErr(err)
				return err
			}
		}
		return next(ctx, cmd)
	}
}

func (*deaf) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// A start whose answer is lost is taken back, whether or not it was carried out:
// nothing was dialed, the lead is free, and a late copy of it is refused.
func TestLostAnswerOfAStart(t *testing.T) {
	onEach(t, func(t *testing.T, b backend) {
		for _, late := range []bool{false, true} {
			s := b.open(t, Config{})
			f := newFloor(t, s)
			f.add(person(1))
			l := f.claim(1)[0]
			start := Start{ID: ulid.Make().String(), Campaign: f.campaign, Epoch: f.epoch, Lead: l, Number: l.Number(), Today: 1}
			d := &deaf{text: start.ID, late: late}
			s.redis.AddHook(d)
			_, err := s.StartAttempt(t.Context(), start)
			wantErr(t, err, ErrAway)
			waitFor(t, "redis to be there again", s.Up)
			f.drain() // in a pipeline, which is not deaf
			d.off.Store(true)
			st := f.lead(l.ID)
			if late && st.State != Ready || st.State == Dialing || st.Lead.Attempts != 0 || st.Attempt != "" {
				t.Errorf("late %v: afterwards %+v", late, st)
			}
			_, err = s.StartAttempt(t.Context(), start) // what was stuck in the network arrives
			wantErr(t, err, ErrUnclaimed)
			if late {
				f.mustStart(f.claim(1)[0])
			}
			if got := f.cdrs(); len(got) != 0 {
				t.Errorf("late %v: %d records of a call that was not made", late, len(got))
			}
		}
	})
}
