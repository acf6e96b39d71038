package sip

import (
	"errors"
	"strings"
	"testing"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
	"ringpace/sip/identity"
)

func TestIdentityHeaders(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{
		Domain: "carrier.example", Username: "acct",
		Identity: Identity{
			CallerIDs: []string{"+4930999", "+4930998"}, DisplayName: `Müller "Co" \`,
			Assert: true, Prefer: true, Privacy: "none", Format: identity.FormatPlain, UserPhone: true,
		},
	})
	call := place(t, trunk, Invite{CallerID: "+4930998", To: "+4930123456"})
	m := p.expect("INVITE")
	display := `"Müller \"Co\" \\" `
	want := map[string]string{
		"P-Asserted-Identity":  display + "<sip:4930998@carrier.example;user=phone>",
		"P-Preferred-Identity": display + "<sip:4930998@carrier.example;user=phone>",
		"Privacy":              "none",
		"To":                   "<sip:4930123456@carrier.example;user=phone>",
	}
	for name, v := range want {
		if m.get(name) != v {
			t.Errorf("%s: %s, want %s", name, m.get(name), v)
		}
	}
	if !strings.HasPrefix(m.get("From"), display+"<sip:4930998@carrier.example;user=phone>;tag=") {
		t.Errorf("From %s", m.get("From"))
	}
	if m.uri() != "sip:4930123456@carrier.example;user=phone" {
		t.Errorf("uri %s", m.uri())
	}
	p.respond(m, "486 Busy Here", "a", "")
	next[Failed](t, call)

	// An extension is no telephone number; another display name for this call.
	call = place(t, trunk, Invite{CallerID: "+4930999", To: "1001#", DisplayName: "Desk"})
	m = p.expect2("ACK", "INVITE")
	if m.uri() != "sip:1001%23@carrier.example" || !strings.HasPrefix(m.get("From"), `"Desk" <sip:4930999@`) {
		t.Errorf("%s", m)
	}
	p.respond(m, "486 Busy Here", "a", "")
	next[Failed](t, call)
}

func TestIdentityForms(t *testing.T) {
	t.Parallel()
	national := Identity{Format: identity.FormatNational, CountryCode: "49", NationalPrefix: "0", TelURI: true, Assert: true}
	for _, c := range []struct {
		name string
		id   Identity
		to   string
		want map[string]string // value up to the tag; empty: no such header
	}{
		{"account", Identity{From: identity.FromAccount, Prefer: true}, "+4930123456", map[string]string{
			"": "sip:+4930123456@carrier.example", "From": "<sip:acct@carrier.example>",
			"P-Preferred-Identity": "<sip:+4930999@carrier.example>", "P-Asserted-Identity": "", "Privacy": "", "Diversion": "",
		}},
		{"anonymous", Identity{From: identity.FromAnonymous, Assert: true, Privacy: "id;critical"}, "+4930123456", map[string]string{
			"From":                `"Anonymous" <sip:anonymous@anonymous.invalid>`,
			"P-Asserted-Identity": "<sip:+4930999@carrier.example>", "Privacy": "id;critical",
		}},
		{"diversion", Identity{Diversion: "+4930999", UserPhone: true}, "+4930123456", map[string]string{
			"Diversion": "<sip:+4930999@carrier.example;user=phone>;reason=unconditional;counter=1",
		}},
		{"tel", Identity{TelURI: true, Prefer: true}, "+4930123456", map[string]string{
			"": "tel:+4930123456", "From": "<tel:+4930999>", "To": "<tel:+4930123456>", "P-Preferred-Identity": "<tel:+4930999>",
		}},
		{"tel, national", national, "+4930123456", map[string]string{
			"": "tel:030123456;phone-context=+49", "P-Asserted-Identity": "<tel:030999;phone-context=+49>",
		}},
		{"an extension has no tel", Identity{TelURI: true}, "alice", map[string]string{"": "sip:alice@carrier.example"}},
	} {
		c.id.CallerIDs = []string{"+4930999"}
		trunk, p := script(t, TrunkConfig{Domain: "carrier.example", Username: "acct", Password: "pw", Identity: c.id})
		call := place(t, trunk, Invite{CallerID: "+4930999", To: c.to})
		m := p.expect("INVITE")
		for name, want := range c.want {
			got, _, _ := strings.Cut(m.get(name), ";tag=")
			if name == "" {
				got = m.uri()
			}
			if got != want {
				t.Errorf("%s: %s %q, want %q", c.name, name, got, want)
			}
		}
		// All of the Request-URI is digested, whatever its scheme.
		p.respond(m, "401 Unauthorized", "a", "", `WWW-Authenticate: Digest realm="r", nonce="1", qop="auth"`)
		m = p.expect2("ACK", "INVITE")
		if !strings.Contains(m.get("Authorization"), `uri="`+m.uri()+`"`) {
			t.Errorf("%s: %s", c.name, m)
		}
		p.respond(m, "200 OK", "b", testAnswer)
		p.expect("ACK")
		next[Answered](t, call)
		call.Hangup(CauseNormal)
		p.respond(p.expect("BYE"), "200 OK", "b", "")
		next[Ended](t, call)
	}
}

// Calls that hide who calls are refused where the trunk says so.
func TestRejectAnonymous(t *testing.T) {
	t.Parallel()
	in := make(chan *Incoming, 8)
	e := newEndpoint(t, Config{Invite: func(i *Incoming) { in <- i; i.Reject(486, "Busy Here") }})
	p := newPeer(t, addrOf(t, e, "udp"))
	newTrunk(t, e, TrunkConfig{Server: p.addr, RejectAnonymous: true})
	for i, c := range []struct {
		from, header, want string
	}{
		{"<sip:anonymous@anonymous.invalid>", "X-A: b", "433"},
		{`"Anonymous" <sip:anonymous@carrier.example>`, "Privacy: id", "433"},
		{"<sip:anonymous@anonymous.invalid>", "P-Asserted-Identity: <tel:+4930123>", "486"},
		{"<sip:+4930123@carrier.example>", "X-A: b", "486"},
		{"<tel:+49-30-123>", "X-A: b", "486"},
	} {
		raw := p.newRequest("INVITE", "tel:+49(30)456;phone-context=x", "anon"+random(4), "f", "", i+1, c.header, testOffer)
		p.send(strings.Replace(raw, "<sip:caller@127.0.0.1>", c.from, 1))
		m := p.take()
		for m.kind() == "100" || m.seq() != i+1 { // the one before comes again
			m = p.take()
		}
		if m.kind() != c.want {
			t.Errorf("%s: %s, want %s", c.from, m, c.want)
		}
		if c.want == "486" {
			call := receive(t, in, "call")
			if call.To() != "+4930456" || strings.HasPrefix(c.from, "<tel") && call.From() != "+4930123" {
				t.Errorf("%q from %q", call.To(), call.From())
			}
		}
	}
}

// Nothing that a caller passes in can forge a header, an identity or a target.
func TestInviteRefused(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{Identity: Identity{CallerIDs: []string{"+4930999"}}})
	ok := Invite{To: "+4930123", CallerID: "+4930999", RingTimeout: patience}
	for _, c := range []struct {
		name   string
		change func(*Invite)
		want   error
	}{
		{"caller ID of another", func(i *Invite) { i.CallerID = "+4930998" }, ErrCallerID},
		{"no caller ID", func(i *Invite) { i.CallerID = "" }, ErrCallerID},
		{"target", func(i *Invite) { i.To = "1@evil.example" }, ErrTarget},
		{"target CRLF", func(i *Invite) { i.To = "1\r\nX: y" }, ErrTarget},
		{"display name", func(i *Invite) { i.DisplayName = "a\r\nX: y" }, ErrHeader},
		{"display name bytes", func(i *Invite) { i.DisplayName = "\xff" }, ErrHeader},
		{"header value", func(i *Invite) { i.Headers = []Header{{Name: "X-A", Value: "1\r\nX: y"}} }, ErrHeader},
		{"header name", func(i *Invite) { i.Headers = []Header{{Name: "X A", Value: "1"}} }, ErrHeader},
		{"header of ours", func(i *Invite) { i.Headers = []Header{{Name: "p-asserted-identity", Value: "<sip:x@y>"}} }, ErrHeader},
		{"compact header of ours", func(i *Invite) { i.Headers = []Header{{Name: "F", Value: "<sip:x@y>"}} }, ErrHeader},
		{"id", func(i *Invite) { i.ID = "a\r\nb" }, ErrHeader},
		{"id with host", func(i *Invite) { i.ID = "a@b" }, ErrHeader},
		{"ring timeout", func(i *Invite) { i.RingTimeout = 0 }, ErrConfig},
	} {
		inv := ok
		c.change(&inv)
		if _, err := trunk.Invite(t.Context(), inv); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	p.nothing()

	// A PBX peer has no list: the username, or any user that config names.
	pbx, p := script(t, TrunkConfig{Username: "ringpace"})
	call, err := pbx.Invite(t.Context(), Invite{To: "1001", RingTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	m := p.expect("INVITE")
	if !strings.HasPrefix(m.get("From"), "<sip:ringpace@") {
		t.Errorf("%s", m)
	}
	p.respond(m, "404 Not Found", "a", "")
	next[Failed](t, call)
}

// Whatever a far side writes for a number, and an administrator for a server.
func FuzzUserAndServer(f *testing.F) {
	for _, s := range []string{"tel:+49-30(1)23;phone-context=x", "sip:alice@[::1]:5060", "[::1]:5060", "host:1", "TEL:", "tel:;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var uri sipgo.Uri
		if sipgo.ParseUri(s, &uri) == nil && strings.EqualFold(uri.Scheme, "tel") && strings.ContainsAny(userOf(&uri), ";-.() ") {
			t.Errorf("%q: %q", s, userOf(&uri))
		}
		if host, _, err := header.SplitHostPort(s); err == nil && !header.IsHost(host) {
			t.Errorf("%q: %q", s, host)
		}
	})
}
