package sip

import "testing"

// TestScreenedCallerHearsNothing holds that an INVITE which the screen turns away is
// not answered at all, and that others are.
func TestScreenedCallerHearsNothing(t *testing.T) {
	t.Parallel()
	incoming := make(chan *Incoming, 1)
	e := newEndpoint(t, Config{
		Invite: func(in *Incoming) { incoming <- in },
		Screen: func(in *Incoming) bool { return in.To() != "scan" },
	})
	p := newPeer(t, addrOf(t, e, "udp"))
	p.send(p.newRequest("INVITE", "sip:scan@127.0.0.1", "c1", "f", "", 1, testOffer))
	p.send(p.newRequest("INVITE", "sip:100@127.0.0.1", "c2", "f", "", 1, testOffer))
	in := receive(t, incoming, "INVITE")
	if in.To() != "100" {
		t.Errorf("the call to %q was let in", in.To())
	}
	in.Reject(486, "")
	for _, status := range []string{"100", "486"} { // in this order, and nothing before
		if m := p.expect(status); m.get("Call-ID") != "c2" {
			t.Errorf("%s", m)
		}
	}
}

// TestIncomingTrunks holds that a caller is known by address, and by port where that
// tells two trunks apart.
func TestIncomingTrunks(t *testing.T) {
	t.Parallel()
	e, p, incoming := callee(t)
	other := newPeer(t, addrOf(t, e, "udp"))
	newTrunk(t, e, TrunkConfig{Name: "here", Server: p.addr})
	newTrunk(t, e, TrunkConfig{Name: "also here", Server: p.addr})
	newTrunk(t, e, TrunkConfig{Name: "same machine", Server: "127.0.0.1:9"})
	newTrunk(t, e, TrunkConfig{Name: "elsewhere", Server: "192.0.2.1"})
	for _, c := range []struct {
		from *peer
		want []string
	}{
		{p, []string{"here", "also here"}},
		{other, []string{"here", "also here", "same machine"}},
	} {
		c.from.send(c.from.newRequest("INVITE", "sip:100@127.0.0.1", "c-"+c.from.addr, "f", "", 1, testOffer))
		in := receive(t, incoming, "INVITE")
		var names []string
		for _, trunk := range in.Trunks() {
			names = append(names, trunk.Name())
		}
		if len(names) != len(c.want) {
			t.Errorf("%v, want %v", names, c.want)
			continue
		}
		for i := range names {
			if names[i] != c.want[i] {
				t.Errorf("%v, want %v", names, c.want)
			}
		}
		in.Reject(486, "")
	}
}
