package interop

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/lab/peers"
	"ringpace/sip"
	"ringpace/sip/defence"
	"ringpace/sip/registrar"
)

// quiet is a session description for calls of which nothing is heard.
const quiet = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\n"

// floodPackets is how many messages a flood has, and floodRate how many of them come a
// second where the machine is fast enough: for some seconds, and far above the limits.
// After floodLasts it ends in any case: a stranger's INVITE is repeated for 32 s.
const (
	floodPackets = 20000
	floodRate    = 4000
	floodLasts   = 10 * time.Second
)

// besieged is an endpoint that defends itself as the daemon's does, and what is good
// of its traffic: a trunk, registered phones, and a stranger who calls. Each has an
// address of its own.
type besieged struct {
	*sip.Endpoint
	t        *testing.T
	guard    *defence.Guard
	to       netip.AddrPort
	carrier  *sip.Trunk // of the endpoint, for calls out
	stranger *sip.Trunk // to the endpoint, at which nobody knows it
	users    *registrar.Registrar
	local    *sip.Local
	phones   map[string]*sip.Trunk // by user: where the phone registers
}

func besiege(t *testing.T, change func(*defence.Config)) *besieged {
	t.Helper()
	limits := defence.Default()
	if change != nil {
		change(&limits)
	}
	guard, err := defence.New(limits, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Refreshed every 4 s, so that all phones do so in a flood or next to it.
	users, err := registrar.New(registrar.Config{
		Credentials: func(user string) (string, bool) { return peers.Password(user), strings.HasPrefix(user, "10") },
		MinExpires:  time.Second, MaxExpires: 8 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(users.Close)
	b := &besieged{t: t, guard: guard, users: users, phones: map[string]*sip.Trunk{}}
	b.Endpoint = newEndpoint(t, sip.Config{Defence: guard, Registrar: users, Invite: func(in *sip.Incoming) {
		if in.To() == "desk" {
			accept(t, in)
		} else {
			in.Reject(404, "Not Found")
		}
	}})
	b.to, _ = b.Addr("udp")
	server, _ := somebody(t, "127.0.0.3").Addr("udp")
	b.carrier = newTrunk(t, b.Endpoint, sip.TrunkConfig{Server: server.String()})
	b.stranger = newTrunk(t, somebody(t, "127.0.0.4"), sip.TrunkConfig{Server: b.to.String()})
	if b.local, err = sip.NewLocal(b.Endpoint, sip.LocalConfig{Name: "phones", Registrar: users, Domain: "127.0.0.1"}); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		user := fmt.Sprint(1001 + i)
		phone := newTrunk(t, somebody(t, fmt.Sprintf("127.0.0.%d", 21+i)), sip.TrunkConfig{
			Name: user, Server: b.to.String(), Username: user, Password: peers.Password(user), Register: true,
		})
		run(t, phone)
		b.phones[user] = phone
	}
	return b
}

// somebody is somebody else's endpoint, at an address of its own. Who calls it is answered.
func somebody(t *testing.T, host string) *sip.Endpoint {
	t.Helper()
	e, err := sip.NewEndpoint(sip.Config{
		Listen: []sip.Listen{{Transport: "udp", Addr: netip.AddrPortFrom(netip.MustParseAddr(host), 0)}},
		Invite: func(in *sip.Incoming) { accept(t, in) },
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeEndpoint(t, e) })
	return e
}

// accept takes a call and waits until the caller hangs up.
func accept(t *testing.T, in *sip.Incoming) {
	c, err := in.Answer([]byte(quiet), nil)
	if err != nil {
		t.Errorf("answer: %v", err)
		return
	}
	for {
		select {
		case _, ok := <-c.Events():
			if !ok {
				return
			}
		case <-t.Context().Done():
			c.Hangup(sip.CauseNormal)
			return
		}
	}
}

// start begins a call. No call of the good traffic may fail.
func (b *besieged) start(invite func(context.Context, sip.Invite) (*sip.Call, error), to string) *call {
	b.t.Helper()
	c, err := invite(b.t.Context(), sip.Invite{To: to, CallerID: "+4930999", Offer: []byte(quiet), RingTimeout: patience})
	if err != nil {
		b.t.Fatalf("call to %s: %v", to, err)
	}
	return &call{c, b.t, nil}
}

// beside runs a flood and returns what is closed at its end.
func beside(flood func()) (over <-chan struct{}) {
	end := make(chan struct{})
	go func() { defer close(end); flood() }()
	return end
}

// outlives lets calls go on both ways until a flood is over, and phones refresh. Not one
// of them may fail. It returns how many rounds of calls were over before the flood was.
func (b *besieged) outlives(over <-chan struct{}) (during int) {
	b.t.Helper()
	const rounds = 5 // at least, and no more strangers
	type registration struct{ since, until time.Time }
	before := map[string]registration{}
	for user, phone := range b.phones {
		s := phone.Status()
		before[user] = registration{s.Since, s.Expires}
	}
	eventually(b.t, "the flood to reach the limits", func() bool {
		dropped := b.guard.Stats().Dropped
		return dropped[defence.Rate]+dropped[defence.Total]+dropped[defence.Banned] > 0
	})
	clock := time.NewTicker(100 * time.Millisecond)
	defer clock.Stop()
	var strangers []*call
	for n, last := 0, false; n < rounds || !last; n++ {
		select {
		case <-over:
			last = true
		case <-clock.C:
		}
		if n < rounds {
			// Where all strangers together send too much, theirs waits for its turn.
			strangers = append(strangers, b.start(b.stranger.Invite, "desk"))
		}
		calls := []*call{
			b.start(b.carrier.Invite, "+4930123456"),
			b.start(b.local.Invite, fmt.Sprint(1001+n%len(b.phones))),
			b.start(b.phones[fmt.Sprint(1001+(n+1)%len(b.phones))].Invite, "desk"),
		}
		for _, c := range calls {
			next[sip.Answered](c)
		}
		for _, c := range calls {
			c.finish()
		}
		select {
		case <-over:
		default:
			during++
		}
	}
	for _, c := range strangers {
		next[sip.Answered](c)
		c.finish()
	}
	for user, was := range before {
		eventually(b.t, user+" to refresh", func() bool { return b.phones[user].Status().Expires.After(was.until) })
		if s := b.phones[user].Status(); s.State != sip.StateRegistered || s.Since != was.since {
			b.t.Errorf("the registration of %s was interrupted: %+v", user, s)
		}
		if contacts := b.users.Contacts(user); len(contacts) != 1 {
			b.t.Errorf("%s is registered with %+v", user, contacts)
		}
	}
	return during
}

// heard checks that of a flood little was parsed, and for which reasons the most of it
// was dropped.
func (b *besieged) heard(before sip.Stats, most uint64, reasons ...defence.Reason) {
	b.t.Helper()
	if heard := b.Stats().Requests - before.Requests; heard > most {
		b.t.Errorf("%d requests were heard, most of them of the flood's %d", heard, floodPackets)
	}
	dropped := b.guard.Stats().Dropped
	for _, why := range reasons {
		if dropped[why] == 0 {
			b.t.Errorf("nothing was dropped for %q: the flood did not reach the limits, %v", why, dropped)
		}
	}
}

// sipsak asks after us and is answered. When it floods, most of that is not even
// parsed, and all that is good goes on.
func TestSipsakFloods(t *testing.T) {
	b := besiege(t, nil)
	sipsak := func(ctx context.Context, arguments ...string) (string, error) {
		said, err := exec.CommandContext(ctx, "sipsak", append([]string{"-s", "sip:probe@" + b.to.String()}, arguments...)...).CombinedOutput()
		return string(said), err
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if said, err := sipsak(ctx, "-vv"); err != nil || !strings.Contains(said, "200 OK") {
		t.Fatalf("sipsak's OPTIONS: %v\n%s", err, said)
	}
	before := b.Stats()
	b.outlives(beside(func() {
		ctx, cancel := context.WithTimeout(ctx, floodLasts)
		defer cancel()
		_, _ = sipsak(ctx, "-F", "-e", fmt.Sprint(floodPackets)) // it ends with an error: nobody answers
	}))
	b.heard(before, floodPackets/10, defence.Rate, defence.Banned)
	if ban, banned := b.guard.Banned(loopback); !banned || ban.Reason != defence.Rate {
		t.Errorf("sipsak's address: %+v", ban)
	}
}

// So it is where SIPp floods with calls.
func TestSIPpFloods(t *testing.T) {
	b := besiege(t, nil)
	before := b.Stats()
	from := netip.MustParseAddr("127.0.0.9")
	flood := peers.Flood(t, from, b.to, floodRate, floodPackets)
	if b.outlives(flood.Done()) == 0 {
		t.Error("all calls waited for the end of the flood")
	}
	flood.Finish(t)
	b.heard(before, floodPackets/10, defence.Banned)
	if bans := b.guard.Bans(); len(bans) != 1 || bans[0].Source.Addr() != from {
		t.Errorf("not SIPp's address alone is banned: %+v", bans)
	}
}

// A flood of which every datagram has another address, as if forged, reaches what all
// strangers together may send. It drives out nobody who has shown a password, no trunk,
// and no call that is up; a stranger's call comes through at the latest when it is over.
func TestFloodFromManyAddresses(t *testing.T) {
	b := besiege(t, func(c *defence.Config) { c.Total = 100 })
	before := b.Stats()
	during := b.outlives(beside(func() {
		clock := time.NewTicker(10 * time.Millisecond)
		defer clock.Stop()
		for n, begin := 0, time.Now(); n < floodPackets && time.Since(begin) < floodLasts; n++ {
			if n%(floodRate/100) == 0 {
				<-clock.C
			}
			from := netip.AddrFrom4([4]byte{127, 100, byte(n >> 8), byte(n)})
			if err := spoof(from, b.to, n); err != nil {
				t.Errorf("from %s: %v", from, err)
				return
			}
		}
	}))
	if during == 0 {
		t.Error("those who are known waited for the end of the flood")
	}
	b.heard(before, floodPackets/4, defence.Total, defence.Junk)
	if bans := b.guard.Bans(); len(bans) != 0 {
		t.Errorf("%d addresses are banned, from %+v on", len(bans), bans[0])
	}
}

// spoof sends one message from an address, where nobody waits for an answer: every
// fourth is noise, the others are INVITEs.
func spoof(from netip.Addr, to netip.AddrPort, n int) error {
	conn, err := net.DialUDP("udp4", &net.UDPAddr{IP: from.AsSlice()}, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return err
	}
	defer conn.Close()
	text := fmt.Sprintf("INVITE sip:0044%d@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%d\r\nMax-Forwards: 70\r\n"+
		"From: <sip:100@%[2]s>;tag=%[4]d\r\nTo: <sip:0044%[1]d@%[2]s>\r\nCall-ID: %[4]d@flood\r\nCSeq: 1 INVITE\r\n"+
		"Contact: <sip:100@%[3]s>\r\nContent-Length: 0\r\n\r\n", n, to, conn.LocalAddr(), n)
	if n%4 == 0 {
		text = text[:30]
	}
	_, err = conn.Write([]byte(text))
	return err
}

// A scanner that looks for a way out gets no answer and is banned; the ban can be
// lifted.
func TestScannerIsBanned(t *testing.T) {
	guard, err := defence.New(defence.Default(), nil)
	if err != nil {
		t.Fatal(err)
	}
	e := newEndpoint(t, sip.Config{Defence: guard, Invite: func(in *sip.Incoming) { in.Reject(403, "") }})
	addr, _ := e.Addr("udp")
	var script []peers.Step
	for i := range 10 {
		invite := string(peers.Send("INVITE", fmt.Sprintf("sip:00%d@[remote_ip]", i), i+1, "", "User-Agent: friendly-scanner"))
		script = append(script, peers.Step(strings.Replace(invite, ` retrans="500"`, "", 1)))
	}
	peers.Play(t, peers.Script{To: addr, Steps: script}).Finish(t)
	eventually(t, "a ban", func() bool { return len(guard.Bans()) == 1 })
	if got := e.Stats().Requests; got != 0 {
		t.Errorf("%d requests were parsed", got)
	}
	if !guard.Lift(loopback) || len(guard.Bans()) != 0 {
		t.Errorf("the ban cannot be lifted: %+v", guard.Bans())
	}
}
