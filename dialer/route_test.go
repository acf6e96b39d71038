package dialer

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/config"
	"ringpace/dialer/lab/peers"
	"ringpace/dialer/store"
	"ringpace/sip"
)

// waysOut returns trunks to which nothing is ever sent, with all of their channels.
func waysOut(t *testing.T, cfgs ...config.Trunk) *trunks {
	t.Helper()
	s, err := store.OpenEmbedded(t.Context(), store.Config{Node: "test", JournalDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	ts, wanted := waysOf(t, s, cfgs...)
	if err := ts.allot(t.Context(), wanted); err != nil {
		t.Fatal(err)
	}
	return ts
}

// waysOf is waysOut for a node that has asked for no channels yet.
func waysOf(t *testing.T, s *store.Store, cfgs ...config.Trunk) (ts *trunks, wanted map[string]bool) {
	t.Helper()
	ep, err := sip.NewEndpoint(sip.Config{Listen: []sip.Listen{{Transport: "udp", Addr: netip.MustParseAddrPort("127.0.0.1:0")}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := ep.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	wanted = map[string]bool{}
	for i := range cfgs {
		c := config.DefaultTrunk()
		c.Server, c.Channels, c.CallsPerSecond = "127.0.0.1:9", 100_000, 0
		over(&c, cfgs[i])
		cfgs[i], wanted[c.Name] = c, true
	}
	if ts, err = newTrunks(s, ep, &config.Default().Media, cfgs); err != nil {
		t.Fatal(err)
	}
	return ts, wanted
}

// over sets what a test says about a trunk.
func over(c *config.Trunk, set config.Trunk) {
	c.Name, c.CallerIDs, c.Prefixes = set.Name, set.CallerIDs, set.Prefixes
	if c.CallerIDs == nil {
		c.CallerIDs = []string{one}
	}
	for _, n := range []struct{ to, from *int }{{&c.Priority, &set.Priority}, {&c.Weight, &set.Weight}, {&c.Channels, &set.Channels}} {
		if *n.from != 0 {
			*n.to = *n.from
		}
	}
	if set.CallsPerSecond != 0 {
		c.CallsPerSecond = set.CallsPerSecond
	}
}

const (
	one, two, three = "+12025550101", "+12025550102", "+12025550103"
	callee          = "+493012345678"
)

func named(name string) config.Trunk { return config.Trunk{Link: config.Link{Name: name}} }

// Of trunks of one priority each gets its share of the calls by weight; those of a
// later priority get none while the first have room.
func TestWeights(t *testing.T) {
	light, heavy, spare := named("light"), named("heavy"), named("spare")
	light.Weight, heavy.Weight, spare.Priority, spare.Weight = 1, 3, 2, 1000
	ts := waysOut(t, spare, light, heavy)
	c := &config.Campaign{Trunks: []string{"spare", "light", "heavy"}, CallerID: one}
	const calls = 4000
	got := map[string]int{}
	for range calls {
		line, _ := ts.take(c, callee, "")
		got[line.trunk.Name()]++
	}
	// Five standard deviations of a binomial spread.
	if want := calls / 4; got["light"] < want-140 || got["light"] > want+140 || got["spare"] != 0 {
		t.Errorf("calls by trunk %v, want about %d over light, %d over heavy", got, want, 3*want)
	}
}

// A full trunk leaves its calls to the next, whether of its priority or later.
func TestFullTrunksAreFollowed(t *testing.T) {
	first, second := named("first"), named("second")
	first.Channels, second.Channels, second.Priority = 2, 1, 2
	ts := waysOut(t, first, second)
	c := &config.Campaign{Trunks: []string{"second", "first"}, CallerID: one}
	var got []string
	var lines []*line
	for {
		line, _ := ts.take(c, callee, "")
		if line == nil {
			break
		}
		got, lines = append(got, line.trunk.Name()), append(lines, line)
	}
	if !slices.Equal(got, []string{"first", "first", "second"}) {
		t.Errorf("calls went over %v", got)
	}
	if channels, rate, _, why := ts.room(c); channels != 0 || rate != 0 || why != "" {
		t.Errorf("room for %d, %d now (%s), and all is full", channels, rate, why)
	}
	for _, o := range ts.against(c, callee) {
		if !strings.Contains(o.why, "in use") {
			t.Errorf("trunk %s: %q", o.trunk.Name(), o.why)
		}
	}
	lines[2].release()
	lines[2].release() // only the first counts
	if line, _ := ts.take(c, callee, ""); line == nil || line.trunk.Name() != "second" {
		t.Errorf("took %+v once the second had room", line)
	}
}

func TestPrefixes(t *testing.T) {
	all, germany, berlin, spare := named("all"), named("germany"), named("berlin"), named("spare")
	all.Priority = 1
	germany.Prefixes, germany.Priority = []string{"+43", "+49"}, 5
	berlin.Prefixes, berlin.Priority = []string{"+4930"}, 9
	spare.Prefixes, spare.Priority = []string{"+49"}, 6
	ts := waysOut(t, all, germany, berlin, spare)
	names := []string{"all", "germany", "berlin", "spare"}
	for number, want := range map[string][]string{
		"+493012345678": {"berlin", "germany", "spare", "all"},
		"+498912345678": {"germany", "spare", "all"},
		"+431123456789": {"germany", "all"},
		"+12025550199":  {"all"},
	} {
		c := &config.Campaign{Trunks: names, CallerID: one}
		var got []string
		for _, w := range ts.ways(c, number) {
			got = append(got, w.trunk.Name())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s goes over %v, want %v", number, got, want)
		}
	}
	c := &config.Campaign{Trunks: []string{"germany", "berlin"}, CallerID: one}
	if why := ts.unserved(c, "+12025550199"); !strings.Contains(why, "trunk germany serves only numbers that begin with +43, +49") {
		t.Errorf("why +1 is not dialed: %q", why)
	}
	if why := ts.unserved(c, callee); why != "" {
		t.Errorf("+4930 is not dialed: %q", why)
	}
	if !ts.only(c, "+4989") || ts.only(c, callee) {
		t.Error("which numbers only some trunks take is not known")
	}
}

// The caller ID is chosen by the rule for the number, rotates within the pool, and is
// never one that the trunk does not own.
func TestCallerIDs(t *testing.T) {
	first, second := named("first"), named("second")
	first.CallerIDs, second.CallerIDs, second.Priority = []string{one, two}, []string{two, three}, 2
	ts := waysOut(t, first, second)
	shown := func(c *config.Campaign, number, like string, tried ...*trunk) string {
		line, _ := ts.take(c, number, like, tried...)
		if line == nil {
			return ""
		}
		if !slices.Contains(line.trunk.callerIDs, line.callerID) {
			t.Errorf("trunk %s presents %s, which is not its own", line.trunk.Name(), line.callerID)
		}
		return line.trunk.Name() + " " + line.callerID
	}
	both := []string{"first", "second"}
	pool := &config.Campaign{Trunks: both, CallerIDs: []string{one, two, three}}
	var got []string
	for range 4 {
		got = append(got, shown(pool, callee, ""))
	}
	if want := []string{"first " + one, "first " + two, "first " + one, "first " + two}; !slices.Equal(got, want) {
		t.Errorf("shown %v, want %v", got, want)
	}
	if id := shown(pool, callee, two, ts.all[0]); id != "second "+two {
		t.Errorf("after the first trunk failed: %s, want the same number again", id)
	}
	if id := shown(pool, callee, one, ts.all[0]); id != "second "+three {
		t.Errorf("after the first trunk failed: %s, want a number of the second", id)
	}
	ruled := &config.Campaign{
		Trunks: both, CallerID: one,
		CallerIDRules: []config.CallerIDRule{{Prefixes: []string{"+49"}, CallerIDs: []string{two}}, {Prefixes: []string{"+4930"}, CallerIDs: []string{three}}},
	}
	for number, want := range map[string]string{callee: "second " + three, "+498912345678": "first " + two, "+12025550199": "first " + one} {
		if id := shown(ruled, number, ""); id != want {
			t.Errorf("%s is shown %s, want %s", number, id, want)
		}
	}
	foreign := &config.Campaign{Trunks: both, CallerID: "+12025550999"}
	if id := shown(foreign, callee, ""); id != "" {
		t.Errorf("shown %s, which no trunk owns", id)
	}
	if _, _, _, why := ts.room(foreign); !strings.Contains(why, "+12025550999") {
		t.Errorf("why nothing is dialed: %q", why)
	}
}

// A trunk at its calls per second keeps the call waiting, and says how long.
func TestCallsPerSecondWait(t *testing.T) {
	slow := named("slow")
	slow.CallsPerSecond = 2
	ts := waysOut(t, slow)
	c := &config.Campaign{Trunks: []string{"slow"}, CallerID: one}
	if line, _ := ts.take(c, callee, ""); line == nil {
		t.Fatal("the first call was refused")
	}
	line, soon := ts.take(c, callee, "")
	if line != nil || soon <= 0 || soon > 500*time.Millisecond {
		t.Errorf("the second got %+v, to wait %v", line, soon)
	}
	if _, rate, wait, why := ts.room(c); rate != 0 || wait <= 0 || why != "" {
		t.Errorf("room for %d now, to wait %v (%s)", rate, wait, why)
	}

	// Where no further instants were given out yet, it is worth while to ask again.
	rare := named("rare")
	rare.CallsPerSecond = 0.5
	ts = waysOut(t, rare)
	c = &config.Campaign{Trunks: []string{"rare"}, CallerID: one}
	if line, _ := ts.take(c, callee, ""); line == nil {
		t.Fatal("the first call was refused")
	}
	if line, soon := ts.take(c, callee, ""); line != nil || soon != untilShared {
		t.Errorf("the second got %+v, to wait %v", line, soon)
	}

	// A later trunk does not take what the first will have in a moment; one of the
	// same priority does.
	first, second := named("first"), named("second")
	first.CallsPerSecond, second.Priority = 2, 2
	ts = waysOut(t, first, second)
	c = &config.Campaign{Trunks: []string{"first", "second"}, CallerID: one}
	if line, _ := ts.take(c, callee, ""); line == nil || line.trunk.Name() != "first" {
		t.Fatalf("took %+v", line)
	}
	if line, soon := ts.take(c, callee, ""); line != nil || soon <= 0 {
		t.Errorf("took %+v, to wait %v", line, soon)
	}
	if _, rate, wait, _ := ts.room(c); rate != 0 || wait <= 0 {
		t.Errorf("room for %d now, to wait %v", rate, wait)
	}
	if line, _ := ts.take(c, callee, "", ts.all[0]); line == nil {
		t.Error("the second trunk does not follow one that failed")
	}
	same := []config.Trunk{ts.all[0].cfg, ts.all[1].cfg}
	same[1].Priority = 1
	ts.configure(same)
	if line, _ := ts.take(c, callee, ""); line == nil || line.trunk.Name() != "second" {
		t.Errorf("took %+v", line)
	}
}

// A trunk whose carrier says Retry-After gets no call for that time and is told to be
// slowed, not down; the others take its calls.
func TestSlowedTrunk(t *testing.T) {
	first, second := named("first"), named("second")
	second.Priority = 2
	ts := waysOut(t, first, second)
	c := &config.Campaign{Trunks: []string{"first", "second"}, CallerID: one}
	ts.hear(ts.all[0], sip.Failure{Class: sip.Congestion, Status: 503, Phrase: "Service Unavailable", RetryAfter: 30 * time.Second})
	for range 3 {
		if line, _ := ts.take(c, callee, ""); line == nil || line.trunk.Name() != "second" {
			t.Errorf("took %+v", line)
		}
	}
	s := ts.status()[0]
	if !s.Usable || s.State != "up" || time.Until(s.SlowedUntil) < 25*time.Second || !strings.Contains(s.SlowedBy, "503") {
		t.Errorf("status %+v", s)
	}
	only := &config.Campaign{Trunks: []string{"first"}, CallerID: one}
	if _, rate, soon, why := ts.room(only); rate != 0 || soon < 25*time.Second || why != "" {
		t.Errorf("room for %d, to wait %v (%s)", rate, soon, why)
	}
	facts := fmt.Sprint(ts.explain(c, callee))
	if !strings.Contains(facts, "slowed down, since its carrier said: 503") || !strings.Contains(facts, "takes calls") {
		t.Errorf("explanation %s", facts)
	}
}

// What a reload changes of a trunk counts from then on.
func TestTrunksAreReconfigured(t *testing.T) {
	first, second := named("first"), named("second")
	second.Priority = 2
	ts := waysOut(t, first, second)
	c := &config.Campaign{Trunks: []string{"first", "second"}, CallerID: one}
	changed := []config.Trunk{ts.all[0].cfg, ts.all[1].cfg}
	changed[0].Priority, changed[0].Weight, changed[0].Prefixes, changed[0].Channels = 3, 7, []string{"+4"}, 9
	ts.configure(changed)
	if line, _ := ts.take(c, "+12025550199", ""); line.trunk.Name() != "second" {
		t.Errorf("took %s", line.trunk.Name())
	}
	if s := ts.status()[0]; s.Priority != 3 || s.Weight != 7 || !slices.Equal(s.Prefixes, []string{"+4"}) || s.ChannelsLimit != 9 {
		t.Errorf("status %+v", s)
	}
}

// Two nodes over one Redis have a trunk's channels and calls per second between them.
func TestNodesShareATrunk(t *testing.T) {
	const channels, cps = 10, 50
	url := peers.Redis(t).URL()
	var nodes []*trunks
	var wanted map[string]bool
	for _, name := range []string{"a", "b"} {
		s, err := store.Open(t.Context(), store.Config{URL: url, Node: name, JournalDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		shared := named("shared")
		shared.Channels, shared.CallsPerSecond = channels, cps
		var ts *trunks
		ts, wanted = waysOf(t, s, shared)
		nodes = append(nodes, ts)
	}
	c := &config.Campaign{Trunks: []string{"shared"}, CallerID: one}
	held := make([]int, len(nodes))
	began := time.Now()
	for held[0]+held[1] < channels {
		for i, ts := range nodes {
			if err := ts.allot(t.Context(), wanted); err != nil {
				t.Fatal(err)
			}
			if line, _ := ts.take(c, callee, ""); line != nil {
				held[i]++
			}
		}
		total, passed := held[0]+held[1], time.Since(began)
		if most := int(passed.Seconds()*cps) + 2; total > channels || total > most {
			t.Fatalf("%d calls after %v, want %d at most", total, passed, min(channels, most))
		}
		if passed > 10*time.Second {
			t.Fatalf("%v channels after %v, want %d in all", held, passed, channels)
		}
	}
	if held[0] == 0 || held[1] == 0 {
		t.Errorf("%v channels: one node has them all", held)
	}
	for _, ts := range nodes {
		if line, _ := ts.take(c, callee, ""); line != nil {
			t.Error("a channel more than there are")
		}
	}
}

// A trunk that comes back after it was down gets as many calls as signalling allows,
// also before their INVITEs are on their way, and less than its weight.
func TestSlowReturn(t *testing.T) {
	back, well := named("back"), named("well")
	back.Prefixes = []string{"+49"}
	ts := waysOut(t, back, well)
	state := sip.TrunkStatus{Name: "back", State: sip.StateUp, Usable: true, Share: 0.1, Room: 2}
	ts.all[0].state = func() sip.TrunkStatus { return state }
	c := &config.Campaign{Trunks: []string{"back", "well"}, CallerID: one}
	var got []string
	var lines []*line
	for range 4 {
		line, _ := ts.take(c, callee, "")
		got, lines = append(got, line.trunk.Name()), append(lines, line)
	}
	if !slices.Equal(got, []string{"back", "back", "well", "well"}) {
		t.Errorf("calls went over %v", got)
	}
	if facts := fmt.Sprint(ts.explain(c, callee)); !strings.Contains(facts, "comes back after it was down") {
		t.Errorf("explanation %s", facts)
	}
	lines[0].begun() // signalling counts it from now on
	lines[1].release()
	state.Room = 1
	if line, _ := ts.take(c, callee, ""); line.trunk.Name() != "back" {
		t.Errorf("took %s", line.trunk.Name())
	}
	if line, _ := ts.take(c, callee, ""); line.trunk.Name() != "well" {
		t.Errorf("took %s", line.trunk.Name())
	}

	same := []config.Trunk{ts.all[0].cfg, ts.all[1].cfg}
	same[0].Prefixes = nil
	ts.configure(same)
	state.Share, state.Room = 0.25, 100_000
	const calls = 4000
	n := 0
	for range calls {
		if line, _ := ts.take(c, callee, ""); line.trunk == ts.all[0] {
			n++
		}
	}
	if want := calls / 5; n < want-130 || n > want+130 { // five standard deviations
		t.Errorf("%d calls of %d over the trunk that comes back, want about %d", n, calls, want)
	}
	state = sip.TrunkStatus{Name: "back", State: sip.StateDown, Reason: "5 calls in a row failed", Until: time.Now().Add(time.Minute)}
	if line, _ := ts.take(c, callee, ""); line.trunk.Name() != "well" {
		t.Errorf("took %s, which is down", line.trunk.Name())
	}
	if s := ts.status()[0]; !s.NextTry.Equal(state.Until) || s.Usable || s.Share != 0 {
		t.Errorf("status %+v", s)
	}
}
