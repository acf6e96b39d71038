package sip

import (
	"errors"
	"strings"
	"testing"

	sipgo "github.com/emiago/sipgo/sip"
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
