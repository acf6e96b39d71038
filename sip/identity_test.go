package sip

import (
	"errors"
	"strings"
	"testing"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
)

func TestFormat(t *testing.T) {
	national := Identity{Format: FormatNational, CountryCode: "49", NationalPrefix: "0"}
	for _, c := range []struct {
		id   Identity
		in   string
		want string // "" for ErrTarget
	}{
		{Identity{}, "+4930123", "+4930123"},
		{Identity{Format: FormatE164}, "+4930123", "+4930123"},
		{Identity{Format: FormatPlain}, "+4930123", "4930123"},
		{national, "+4930123", "030123"},
		{national, "+441234", ""},
		{national, "1001", "1001"},
		{Identity{}, "1001", "1001"},
		{Identity{}, "*97#", "*97#"},
		{Identity{}, "alice.smith-1_x", "alice.smith-1_x"},
		{Identity{}, "", ""},
		{Identity{}, "a b", ""},
		{Identity{}, "1@evil.example", ""},
		{Identity{}, "1;user=x", ""},
		{Identity{}, "1>\r\nX: y", ""},
		{Identity{}, "1\n", ""},
		{Identity{}, "1%0d", ""},
		{Identity{}, strings.Repeat("1", 65), ""},
		{Identity{}, "+١٢٣", ""},
	} {
		got, err := c.id.format(c.in)
		if got != c.want || (c.want == "") != errors.Is(err, ErrTarget) {
			t.Errorf("%s %q: %q %v", c.id.Format, c.in, got, err)
		}
	}
}

func TestIdentityHeaders(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{
		Domain: "carrier.example", Username: "acct",
		Identity: Identity{
			CallerIDs: []string{"+4930999", "+4930998"}, DisplayName: `Müller "Co" \`,
			Assert: true, Prefer: true, Privacy: "none", Format: FormatPlain, UserPhone: true,
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
	national := Identity{Format: FormatNational, CountryCode: "49", NationalPrefix: "0", TelURI: true, Assert: true}
	for _, c := range []struct {
		name string
		id   Identity
		to   string
		want map[string]string // value up to the tag; empty: no such header
	}{
		{"account", Identity{From: FromAccount, Prefer: true}, "+4930123456", map[string]string{
			"": "sip:+4930123456@carrier.example", "From": "<sip:acct@carrier.example>",
			"P-Preferred-Identity": "<sip:+4930999@carrier.example>", "P-Asserted-Identity": "", "Privacy": "", "Diversion": "",
		}},
		{"anonymous", Identity{From: FromAnonymous, Assert: true, Privacy: "id;critical"}, "+4930123456", map[string]string{
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
		{"header value", func(i *Invite) { i.Headers = []Header{{"X-A", "1\r\nX: y"}} }, ErrHeader},
		{"header name", func(i *Invite) { i.Headers = []Header{{"X A", "1"}} }, ErrHeader},
		{"header of ours", func(i *Invite) { i.Headers = []Header{{"p-asserted-identity", "<sip:x@y>"}} }, ErrHeader},
		{"compact header of ours", func(i *Invite) { i.Headers = []Header{{"F", "<sip:x@y>"}} }, ErrHeader},
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

func FuzzFormat(f *testing.F) {
	f.Add("+4930123", "Name")
	f.Add("1>\r\nX: y", `a"b\`)
	f.Fuzz(func(t *testing.T, user, display string) {
		id := Identity{Format: FormatNational, CountryCode: "49", UserPhone: true, Assert: true}
		p, err := id.present(user, display)
		if err != nil {
			return
		}
		from := sipgo.FromHeader{DisplayName: p.display, Address: id.uri(p.user, "h"), Params: sipgo.HeaderParams{{K: "tag", V: "t"}}}
		line := "OPTIONS sip:h SIP/2.0\r\nFrom: " + from.Value() + "\r\n" + "P-Asserted-Identity: " + id.headers(p, "h")[0].Value + "\r\n\r\n"
		msg, err := sipgo.NewParser().ParseSIP([]byte(line))
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		req := msg.(*sipgo.Request)
		if len(req.Headers()) != 2 || req.From().Address.User != escapeUser(p.user) || req.From().Address.Host != "h" || fromTag(req) != "t" {
			t.Errorf("%q is read as %+v", line, req.From())
		}
	})
}

func FuzzSession(f *testing.F) {
	f.Add("application/sdp", "v=0")
	f.Add("multipart/mixed;boundary=b", "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--\r\n")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		res := sipgo.NewResponse(200, "OK")
		res.AppendHeader(sipgo.NewHeader("Content-Type", contentType))
		res.SetBody([]byte(body))
		if sdp, ok := session(res); !ok && sdp != nil {
			t.Errorf("%q with not ok", sdp)
		}
	})
}

func TestSession(t *testing.T) {
	for _, c := range []struct {
		contentType, body, want string
		ok                      bool
	}{
		{"application/sdp", "v=0", "v=0", true},
		{"Application/SDP; charset=x", "v=0", "v=0", true},
		{"", "v=0", "v=0", true},
		{"application/sdp", "", "", true},
		{"text/plain", "v=0", "", false},
		{"multipart/mixed;boundary=b", "--b\r\nContent-Type: application/isup\r\n\r\nx\r\n--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--\r\n", "v=0", true},
		{"multipart/mixed;boundary=b", "--b\r\nContent-Type: application/isup\r\n\r\nx\r\n--b--\r\n", "", false},
		{"multipart/mixed", "rubbish", "", false},
	} {
		res := sipgo.NewResponse(200, "OK")
		if c.contentType != "" {
			res.AppendHeader(sipgo.NewHeader("Content-Type", c.contentType))
		}
		res.SetBody([]byte(c.body))
		if sdp, ok := session(res); string(sdp) != c.want || ok != c.ok {
			t.Errorf("%q %q: %q %v", c.contentType, c.body, sdp, ok)
		}
	}
}
