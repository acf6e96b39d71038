package interop

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"ringpace/dialer/lab/peers"
	"ringpace/sip"
	"ringpace/sip/defence"
)

// guarded is an endpoint that defends itself, as the daemon's does.
func guarded(t *testing.T) (*sip.Endpoint, *defence.Guard) {
	t.Helper()
	guard, err := defence.New(defence.Default(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return newEndpoint(t, sip.Config{Defence: guard, Invite: func(in *sip.Incoming) { in.Reject(403, "") }}), guard
}

// sipsak asks after us and is answered. When it floods, most of that is not even
// parsed, and calls over a trunk go on.
func TestSipsakFloods(t *testing.T) {
	e, _ := guarded(t)
	addr, _ := e.Addr("udp")
	// The trunk's address is its own, for sipsak's is not to be trusted with it.
	carrier, err := sip.NewEndpoint(sip.Config{
		Listen: []sip.Listen{{Transport: "udp", Addr: netip.MustParseAddrPort("127.0.0.3:0")}},
		Invite: func(in *sip.Incoming) { take(t, in) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = carrier.Close(ctx)
	})
	server, _ := carrier.Addr("udp")
	trunk := newTrunk(t, e, sip.TrunkConfig{Server: server.String()})
	sipsak := func(ctx context.Context, arguments ...string) (string, error) {
		said, err := exec.CommandContext(ctx, "sipsak", append([]string{"-s", "sip:probe@" + addr.String()}, arguments...)...).CombinedOutput()
		return string(said), err
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if said, err := sipsak(ctx, "-vv"); err != nil || !strings.Contains(said, "200 OK") {
		t.Fatalf("sipsak's OPTIONS: %v\n%s", err, said)
	}

	const packets = 20000
	before := e.Stats().Requests
	flooded := make(chan struct{})
	go func() {
		defer close(flooded)
		_, _ = sipsak(ctx, "-F", "-e", fmt.Sprint(packets)) // it ends with an error: nobody answers
	}()
	for range 10 {
		c := place(t, trunk, sip.Invite{})
		next[sip.Answered](c)
		c.finish()
	}
	<-flooded
	if heard := e.Stats().Requests - before; heard > packets/10 {
		t.Errorf("%d of %d requests of the flood were heard", heard, packets)
	}
	closeEndpoint(t, e)
}

// A scanner that looks for a way out gets no answer and is banned; the ban can be
// lifted.
func TestScannerIsBanned(t *testing.T) {
	e, guard := guarded(t)
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
