package sip

import (
	"context"
	"strings"
	"testing"
	"time"

	"ringpace/sip/registrar"
)

// run runs a trunk for the time of the test, or until stop is called.
func run(t *testing.T, trunk *Trunk) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = trunk.Run(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func state(trunk *Trunk, want TrunkState) func() bool {
	return func() bool { return trunk.Status().State == want }
}

func TestRegister(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{Username: "user", Password: "pw", Register: true, Expires: time.Minute})
	if s := trunk.Status(); s.Usable || s.State != StateRegistering {
		t.Errorf("%+v", s)
	}
	stop := run(t, trunk)
	reg := p.expect("REGISTER")
	callID, contact := reg.get("Call-ID"), reg.get("Contact")
	if reg.get("To") != "<sip:user@127.0.0.1>" || reg.get("Expires") != "60" || reg.uri() != "sip:"+p.addr ||
		contact != "<sip:user@"+addrOf(t, trunk.e, "udp")+`>;+sip.instance="<`+trunk.instance()+`>"` || reg.get("Supported") != "path" {
		t.Errorf("%s", reg)
	}
	p.respond(reg, "401 Unauthorized", "x", "", `WWW-Authenticate: Digest realm="r", nonce="1", qop="auth"`)
	reg = p.expect("REGISTER")
	p.respond(reg, "401 Unauthorized", "x", "", `WWW-Authenticate: Digest realm="r", nonce="2", qop="auth", stale=true`)
	reg = p.expect("REGISTER")
	if !strings.Contains(reg.get("Authorization"), `nonce="2"`) {
		t.Errorf("%s", reg)
	}
	p.respond(reg, "423 Interval Too Brief", "x", "", "Min-Expires: 90")
	reg = p.expect("REGISTER")
	if reg.get("Expires") != "90" || reg.get("Call-ID") != callID {
		t.Errorf("%s", reg)
	}
	// Our binding is granted 2 s; another one of the account and the header say other things.
	p.respond(reg, "200 OK", "x", "", `Contact: <sip:user@192.0.2.1>;expires=3000, `+contact+`; expires=2`, "Expires: 4000",
		"Service-Route: <sip:"+p.addr+";lr>,<sip:10.255.0.9;lr>")
	eventually(t, "registered", state(trunk, StateRegistered))
	if s := trunk.Status(); !s.Usable || time.Until(s.Expires) > 2*time.Second {
		t.Errorf("%+v", s)
	}
	receive(t, trunk.Changed(), "nudge")

	// A call takes the Service-Route, and so does its CANCEL.
	call := place(t, trunk, Invite{})
	invite := p.expectSkipping("INVITE", "REGISTER")
	if got := invite.all("Route"); len(got) != 2 || got[0] != "<sip:"+p.addr+";lr>" || got[1] != "<sip:10.255.0.9;lr>" {
		t.Errorf("routes %q", got)
	}
	p.respond(invite, "180 Ringing", "a", "", "Record-Route: <sip:10.255.0.1;lr>")
	call.Hangup(CauseNormal)
	cancel := p.expectSkipping("CANCEL", "REGISTER")
	if strings.Join(cancel.all("Route"), ",") != strings.Join(invite.all("Route"), ",") {
		t.Errorf("CANCEL %s", cancel)
	}
	p.respond(cancel, "200 OK", "", "")
	p.respond(invite, "487 Request Terminated", "a", "")
	skipTo[Failed](t, call)

	// Refreshed before the 2 s are over; then the credentials are refused, but the
	// registration holds until it expires. De-registered at the end.
	stopped := make(chan struct{})
	refreshed := false
	for !refreshed {
		m := p.take()
		if m.kind() != "REGISTER" {
			continue
		}
		if m.get("Expires") != "90" {
			t.Fatalf("%s", m)
		}
		p.respond(m, "200 OK", "x", "", `Contact: `+contact+`;expires=120`)
		refreshed = true
	}
	eventually(t, "refreshed", func() bool { return time.Until(trunk.Status().Expires) > time.Minute })
	go func() { stop(); close(stopped) }()
	bye := p.expectSkipping("REGISTER", "nothing")
	for bye.get("Expires") != "0" {
		bye = p.expect("REGISTER")
	}
	p.respond(bye, "200 OK", "x", "")
	receive(t, stopped, "end of Run")
	if s := trunk.Status(); s.State != StateStopped || s.Usable {
		t.Errorf("%+v", s)
	}
}

// expectSkipping is expect that passes over one kind of message.
func (p *peer) expectSkipping(kind, skip string) *message {
	p.t.Helper()
	for {
		m := p.take()
		key := m.kind() + m.get("CSeq") + m.param("Via", "branch") + m.get("Call-ID") + m.get("To")
		switch {
		case m.kind() == kind && !p.seen[key]:
			p.seen[key] = true
			return m
		case m.kind() == skip, m.kind() == "ACK", p.seen[key]:
		default:
			p.t.Fatalf("peer: got %s, want %s", m, kind)
		}
	}
}

func TestRegisterRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status, header string
		want           TrunkState
		reason         string
		atLeast        time.Duration
	}{
		{"401 Unauthorized", `WWW-Authenticate: Digest realm="r", nonce="1"`, StateRefused, "check username, auth_username and password", 30 * time.Second},
		{"403 Forbidden", "X-None: 1", StateRefused, "403 Forbidden", 30 * time.Second},
		{"503 Service Unavailable", "Retry-After: 77", StateUnreachable, "503", 77 * time.Second},
		{"423 Interval Too Brief", "Min-Expires: 9999999", StateRefused, "9999999", 30 * time.Second},
	} {
		t.Run(c.status, func(t *testing.T) {
			t.Parallel()
			trunk, p := script(t, TrunkConfig{Username: "user", Password: "pw", Register: true})
			stop := run(t, trunk)
			tries := 1
			if strings.HasPrefix(c.status, "401") {
				tries = 2
			}
			for range tries {
				p.respond(p.expect("REGISTER"), c.status, "x", "", c.header)
			}
			eventually(t, "state", func() bool { return state(trunk, c.want)() && !trunk.Status().NextTry.IsZero() })
			s := trunk.Status()
			if s.Usable || !strings.Contains(s.Reason, c.reason) || time.Until(s.NextTry) < c.atLeast-10*time.Second {
				t.Errorf("%+v next in %s", s, time.Until(s.NextTry))
			}
			stop() // nothing to de-register
			p.nothing()
		})
	}
}

// A 200 that leaves us without a binding is no registration: nobody could call us. It
// is tried again like any failure, and not at once.
func TestRegisterWithoutBinding(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, contact, expires, reason string }{
		{"no time", "ours", "Expires: 0", "grants no time"},
		{"no time for ours", "<sip:user@192.0.2.1>;expires=600, ours;expires=0", "Expires: 600", "grants no time"},
		{"others' contacts", "<sip:user@192.0.2.1>;expires=600", "Expires: 600", "only contacts of others: <sip:user@192.0.2.1>;expires=600"},
		{"another user's", "<sip:other@192.0.2.1>;expires=60", "Expires: 0", "only contacts of others"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			trunk, p := script(t, TrunkConfig{Username: "user", Password: "pw", Register: true})
			stop := run(t, trunk)
			for n := 1; n <= 2; n++ {
				reg := p.expect("REGISTER")
				contact := strings.Replace(c.contact, "ours", strings.Split(reg.get("Contact"), ";")[0], 1)
				begun := time.Now()
				p.respond(reg, "200 OK", "x", "", "Contact: "+contact, c.expires)
				eventually(t, "the next try", func() bool { return state(trunk, StateRefused)() && trunk.Status().NextTry.After(begun) })
				s := trunk.Status()
				first := retryFirst << (n - 1)
				if wait := s.NextTry.Sub(begun); wait < first/2 || !s.Expires.IsZero() || s.Usable ||
					!strings.Contains(s.Reason, c.reason) || !strings.Contains(s.Reason, "check the account of user") {
					t.Errorf("try %d: next in %s, %+v", n, wait, s)
				}
			}
			stop() // nothing to de-register
		})
	}
}

// A server may list our contact in other words than ours.
func TestRegisterKnowsItsBinding(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, contact string }{
		{"as sent", "ours"},
		{"other parameters", "<sip:user@HOST:PORT;ob;line=x>"},
		{"without brackets", "sip:%75ser@HOST:PORT"},
		{"behind others", "<sip:user@192.0.2.1>, <sip:ours@192.0.2.2>, ours"},
		{"by its instance", `<sip:x@sbc.example>;+sip.instance="INSTANCE"`},
		{"none is listed", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			trunk, p := script(t, TrunkConfig{Username: "user", Password: "pw", Register: true})
			stop := run(t, trunk)
			reg := p.expect("REGISTER")
			host, port, _ := strings.Cut(addrOf(t, trunk.e, "udp"), ":")
			contact := strings.NewReplacer("<sip:ours@", "<sip:ours@", "ours", strings.Split(reg.get("Contact"), ";")[0],
				"HOST", host, "PORT", port, "INSTANCE", "<"+trunk.instance()+">").Replace(c.contact)
			raw := p.response(reg, "200 OK", "x", "", "Contact: "+contact+";expires=77", "Expires: 600")
			want := 77 * time.Second
			if contact == "" {
				raw = strings.Replace(raw, "Contact: ;expires=77\r\n", "", 1)
				want = 600 * time.Second
			}
			p.send(raw)
			eventually(t, "registered", state(trunk, StateRegistered))
			if left := time.Until(trunk.Status().Expires); left > want || left < want-30*time.Second {
				t.Errorf("for %s, want %s", left, want)
			}
			done := make(chan struct{})
			go func() { stop(); close(done) }()
			p.respond(p.expect("REGISTER"), "200 OK", "x", "")
			receive(t, done, "end of Run")
		})
	}
}

func TestRegisterUnreachable(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, Config{})
	silent := newTrunk(t, e, TrunkConfig{Name: "silent", Server: newPeer(t, addrOf(t, e, "udp")).addr, Username: "u", Register: true})
	nowhere := newTrunk(t, e, TrunkConfig{Name: "nowhere", Server: "no-such-host.invalid", Username: "u", Register: true})
	closed := newTrunk(t, e, TrunkConfig{Name: "closed", Server: "127.0.0.1:1", Transport: "tcp", Username: "u", Register: true})
	for _, trunk := range []*Trunk{silent, nowhere, closed} {
		run(t, trunk)
	}
	for _, trunk := range []*Trunk{silent, nowhere, closed} {
		eventually(t, "unreachable", state(trunk, StateUnreachable))
		if s := trunk.Status(); s.Usable || s.Reason == "" {
			t.Errorf("%+v", s)
		}
	}
	if s := nowhere.Status(); !strings.Contains(s.Reason, "no-such-host.invalid") {
		t.Errorf("%+v", s)
	}
	call := place(t, nowhere, Invite{})
	if f := next[Failed](t, call); f.Class != TrunkFailure {
		t.Errorf("%v", f)
	}
}

// Endpoint to endpoint: our registrar and our registrant understand each other.
func TestRegistrarAndTrunk(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"udp", "tcp"} {
		changed := make(chan string, 10)
		desk, err := registrar.New(registrar.Config{
			Credentials: func(user string) (string, bool) { return "pw", user == "user" },
			MinExpires:  time.Second,
			Changed:     func(user string) { changed <- user },
		})
		if err != nil {
			t.Fatal(err)
		}
		server := newEndpoint(t, Config{Registrar: desk})
		e := newEndpoint(t, Config{UserAgent: "phone"})
		trunk := newTrunk(t, e, TrunkConfig{
			Server: addrOf(t, server, transport), Transport: transport,
			Username: "user", Password: "pw", Register: true,
		})
		stop := run(t, trunk)
		if user := receive(t, changed, "change"); user != "user" {
			t.Errorf("user %q", user)
		}
		eventually(t, "registered", state(trunk, StateRegistered))
		contacts := desk.Contacts("user")
		if len(contacts) != 1 || contacts[0].Transport != transport || contacts[0].UserAgent != "phone" ||
			!strings.HasPrefix(contacts[0].URI, "sip:user@"+addrOf(t, e, transport)) {
			t.Fatalf("%+v", contacts)
		}
		if left := time.Until(contacts[0].Expires); left < 9*time.Minute || left > 10*time.Minute {
			t.Errorf("expires in %s", left)
		}
		stop()
		receive(t, changed, "change")
		if c := desk.Contacts("user"); len(c) != 0 {
			t.Errorf("%+v", c)
		}
	}
}

func TestBackOff(t *testing.T) {
	for n, want := range map[int]time.Duration{1: 2 * time.Second, 2: 4 * time.Second, 3: 8 * time.Second, 9: retryMost, 1000: retryMost} {
		for range 100 {
			if d := backOff(retryFirst, retryMost, n); d < want/2 || d > want {
				t.Fatalf("failure %d: %s, want %s to %s", n, d, want/2, want)
			}
		}
	}
}

func TestRefreshAfter(t *testing.T) {
	for granted, want := range map[time.Duration]time.Duration{
		2 * time.Second: time.Second, time.Minute: 30 * time.Second, 10 * time.Minute: 9 * time.Minute,
		3 * time.Minute: 150 * time.Second, time.Hour: 54 * time.Minute,
	} {
		if got := refreshAfter(granted); got != want {
			t.Errorf("%s: %s, want %s", granted, got, want)
		}
	}
}

// The health check takes a trunk out after three bad pings and back after three
// good ones.
func TestHealth(t *testing.T) {
	bad := ErrTimeout
	var h health
	for i, c := range []struct {
		err  error
		down bool
	}{
		{nil, false},
		{bad, false},
		{bad, false},
		{nil, false},
		{bad, false},
		{bad, false},
		{bad, true},
		{nil, true},
		{nil, true},
		{bad, true},
		{nil, true},
		{nil, true},
		{nil, false},
	} {
		h.observe("server", c.err)
		if h.down != c.down || h.down != (h.reason != "") {
			t.Fatalf("step %d: %+v", i, h)
		}
	}
}

func TestPing(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{HealthInterval: time.Second})
	stop := run(t, trunk)
	p.respond(p.expect("OPTIONS"), "404 Not Found", "x", "") // alive
	if s := trunk.Status(); s.State != StateUp || !s.Usable {
		t.Errorf("%+v", s)
	}
	for range pingsDown {
		p.respond(p.expect("OPTIONS"), "503 Service Unavailable", "x", "")
	}
	eventually(t, "down", state(trunk, StateDown))
	if s := trunk.Status(); s.Usable || !strings.Contains(s.Reason, "503") {
		t.Errorf("%+v", s)
	}
	for range pingsUp {
		p.respond(p.expect("OPTIONS"), "200 OK", "x", "")
	}
	eventually(t, "up", state(trunk, StateUp))
	stop()
}
