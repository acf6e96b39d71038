package registrar

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icholy/digest"
	"go.uber.org/goleak"

	sipgo "github.com/emiago/sipgo/sip"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	phone  = "192.0.2.7:5062" // where the phone's packets come from
	listen = "198.51.100.1:5060"
)

// desk is a registrar whose users are named like numbers, with password pw-USER.
type desk struct {
	*Registrar
	t      *testing.T
	seq    int
	callID string
	source string
	via    string // transport
}

func newDesk(t *testing.T, cfg Config) *desk {
	t.Helper()
	if cfg.Credentials == nil {
		cfg.Credentials = func(user string) (string, bool) {
			return "pw-" + user, user != "" && strings.Trim(user, "0123456789") == ""
		}
	}
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return &desk{Registrar: r, t: t, callID: "c1", source: phone, via: "UDP"}
}

// handle answers a REGISTER of a user, with whole header lines, without credentials.
func (d *desk) handle(user string, lines ...string) Answer {
	d.t.Helper()
	d.seq++
	raw := fmt.Sprintf("REGISTER sip:lab SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=z9hG4bK%d;rport\r\nFrom: <sip:%s@lab>;tag=f\r\nTo: <sip:%s@lab>\r\n"+
		"Call-ID: %s\r\nCSeq: %d REGISTER\r\n%sContent-Length: 0\r\n\r\n",
		d.via, phone, d.seq, user, user, d.callID, d.seq, strings.Join(append(lines, ""), "\r\n"))
	msg, err := sipgo.NewParser().ParseSIP([]byte(raw))
	if err != nil {
		d.t.Fatalf("%v: %s", err, raw)
	}
	req := msg.(*sipgo.Request)
	req.SetSource(d.source)
	req.SetTransport(d.via)
	if strings.Contains(raw, "X-Asymmetric") {
		req.Via().Params.Remove("rport")
	}
	return d.Handle(req, netip.MustParseAddrPort(listen), func(a netip.AddrPort) bool { return a.String() == listen })
}

// register answers the challenge too.
func (d *desk) register(user, password string, lines ...string) Answer {
	d.t.Helper()
	return d.registerAs(user, user, password, lines...)
}

// registerAs registers for one user with the credentials of another.
func (d *desk) registerAs(aor, user, password string, lines ...string) Answer {
	d.t.Helper()
	a := d.handle(aor, lines...)
	if a.Status != 401 {
		return a
	}
	challenge, err := digest.ParseChallenge(a.get("WWW-Authenticate"))
	if err != nil {
		d.t.Fatal(err)
	}
	challenge.QOP = []string{"auth"}
	cred, err := digest.Digest(challenge, digest.Options{Method: "REGISTER", URI: "sip:lab", Username: user, Password: password})
	if err != nil {
		d.t.Fatal(err)
	}
	return d.handle(aor, append(lines, "Authorization: "+cred.String())...)
}

// ok registers, which must work.
func (d *desk) ok(user string, lines ...string) Answer {
	d.t.Helper()
	a := d.register(user, "pw-"+user, lines...)
	if a.Status != 200 {
		d.t.Fatalf("%v of %q", a, lines)
	}
	return a
}

// uris checks what user 100 is registered with, in order.
func (d *desk) uris(want ...string) {
	d.t.Helper()
	var got []string
	for _, c := range d.Contacts("100") {
		got = append(got, c.URI)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		d.t.Errorf("contacts %q, want %q", got, want)
	}
}

func (a Answer) get(name string) string {
	for _, h := range a.Headers {
		if h.Name() == name {
			return h.Value()
		}
	}
	return ""
}

func TestOrderOfContacts(t *testing.T) {
	d := newDesk(t, Config{})
	d.ok("100", `Contact: "A, B" <sip:a@h>;q=0.5, <sip:b@h>;q=1.0`, "Contact: <sip:c@h>;q=0.5", "Contact: sip:d@h")
	d.uris("sip:d@h", "sip:b@h", "sip:c@h", "sip:a@h")
	a := d.ok("100", "Contact: <sip:a@H>;q=0.7;expires=77") // the same place, written otherwise
	d.uris("sip:d@h", "sip:b@h", "sip:a@H", "sip:c@h")
	if s := fmt.Sprint(a.Headers); !strings.Contains(s, "<sip:a@H>;q=0.7;expires=77") || strings.Contains(s, "sip:d@h>;q") {
		t.Error(s)
	}
	d.ok("100", "Contact: *", "Expires: 0")
	d.uris()
}

// A phone that comes back under another address replaces its old contact.
func TestInstance(t *testing.T) {
	d := newDesk(t, Config{})
	const instance = `;+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"`
	a := d.ok("100", "Contact: <sip:100@10.0.0.1>"+instance, "Contact: <sip:other@10.0.0.9>")
	if s := fmt.Sprint(a.Headers); !strings.Contains(s, `+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"`) {
		t.Error(s)
	}
	d.source = "192.0.2.8:1024"
	d.ok("100", "Contact: <sip:100@10.0.0.2>"+instance)
	d.uris("sip:100@10.0.0.2", "sip:other@10.0.0.9")
	// Two flows of one phone are two contacts (RFC 5626 section 4.2).
	d.via = "TCP"
	a = d.ok("100", "Contact: <sip:100@10.0.0.2;transport=tcp>;reg-id=1"+instance, "Supported: outbound")
	if a.get("Require") != "outbound" {
		t.Errorf("%v", a.Headers)
	}
	d.source = "192.0.2.8:1025"
	d.ok("100", "Contact: <sip:100@10.0.0.2;transport=tcp>;reg-id=2"+instance)
	if n := len(d.Contacts("100")); n != 4 {
		t.Errorf("%+v", d.Contacts("100"))
	}
}

// A phone without instance that was started anew keeps its socket, not its Contact.
func TestOneSocketIsOnePhone(t *testing.T) {
	d := newDesk(t, Config{})
	d.ok("100", "Contact: <sip:100-0x1@10.0.0.1>")
	d.callID = "c2"
	d.ok("100", "Contact: <sip:100-0x2@10.0.0.1>")
	d.uris("sip:100-0x2@10.0.0.1")
}

// Where calls go is always where the REGISTER came from.
func TestReach(t *testing.T) {
	for _, c := range []struct {
		transport, contact, want string
		lines                    []string
	}{
		{"UDP", "sip:100@10.0.0.1:5060", phone, nil},
		{"UDP", "sip:100@192.0.2.7:5060", phone, nil},
		{"UDP", "sip:100@192.0.2.7:5060", "192.0.2.7:5060", []string{"X-Asymmetric: yes"}},
		{"UDP", "sip:100@203.0.113.5:5060", phone, []string{"X-Asymmetric: yes"}}, // somebody else's address
		{"UDP", "sip:100@phone.invalid", phone, nil},
		{"UDP", "sip:100@10.0.0.1:5060", "192.0.2.7:5090", []string{"Path: <sip:192.0.2.7:5090;lr>"}},
		{"UDP", "sip:100@10.0.0.1:5060", phone, []string{"Path: <sip:203.0.113.5;lr>"}},
		{"TCP", "sip:100@192.0.2.7:5060;transport=tcp", "192.0.2.7:5060", nil},
		{"TCP", "sip:100@192.0.2.7:5062;transport=tcp", "invalid AddrPort", nil},
		{"TCP", "sip:100@10.0.0.1:5060;transport=tcp", "invalid AddrPort", nil},
		{"TCP", "sip:100@203.0.113.5:5060;transport=tcp", "invalid AddrPort", nil},
		{"TLS", "sip:100@192.0.2.7:5060;transport=tls", "invalid AddrPort", nil},
		{"WS", "sip:abc@def.invalid;transport=ws", "invalid AddrPort", nil},
	} {
		d := newDesk(t, Config{})
		d.via = c.transport
		d.ok("100", append(c.lines, "Contact: <"+c.contact+">")...)
		got := d.Contacts("100")[0]
		if got.Addr.String() != c.want || got.Source.String() != phone || got.Local.String() != listen {
			t.Errorf("%s %q: %+v, want %s", c.contact, c.lines, got, c.want)
		}
	}
}

func TestHostileContacts(t *testing.T) {
	d := newDesk(t, Config{})
	for _, c := range []struct {
		lines []string
		want  int
	}{
		{[]string{"Contact: <sip:100@" + listen + ">"}, 403}, // a loop
		{[]string{"Contact: <sip:100@0.0.0.0>"}, 400},
		{[]string{"Contact: <sip:100@224.0.0.1>"}, 400},
		{[]string{"Contact: <sip:100@255.255.255.255>"}, 400},
		{[]string{"Contact: <sip:100@10.0.0.1?Replaces=x>"}, 400},
		{[]string{"Contact: <sip:100@10.0.0.1;method=BYE>"}, 400},
		{[]string{"Contact: <sip:100@10.0.0.1;maddr=203.0.113.1>"}, 400},
		{[]string{"Contact: <tel:+4930123>"}, 400},
		{[]string{"Contact: <https://example.com>"}, 400},
		{[]string{"Contact: <sip:" + strings.Repeat("a", 600) + "@10.0.0.1>"}, 400},
		{[]string{"Contact: " + strings.Repeat("<sip:a@h>,", 40) + "<sip:a@h>"}, 400},
		{[]string{"Contact: *", "Expires: 60"}, 400},
		{[]string{"Contact: *", "Contact: <sip:a@h>", "Expires: 0"}, 400},
		{[]string{"Contact: <sip:a@h>", "Path: x"}, 400},
		{[]string{"Contact: <sip:a@h>", "Path: <sip:p;lr>" + strings.Repeat(",<sip:p;lr>", 9)}, 400},
		{[]string{"Contact: <sip:a@h>", "Require: gruu, path"}, 420},
		{[]string{"Contact: <sip:a@h>;expires=5"}, 423},
	} {
		if a := d.register("100", "pw-100", c.lines...); a.Status != c.want {
			t.Errorf("%q: %v, want %d", c.lines, a, c.want)
		}
		d.uris()
	}
}

func TestPath(t *testing.T) {
	d := newDesk(t, Config{})
	a := d.ok("100", "Contact: <sip:100@10.0.0.1>", "Supported: path, outbound", "Path: <sip:p1@edge;lr>;x=y,<sip:p2;lr>", "Path: <sip:p3>", "Require: path")
	if got := d.Contacts("100")[0].Path; strings.Join(got, " ") != "sip:p1@edge;lr sip:p2;lr sip:p3" {
		t.Errorf("%q", got)
	}
	if a.get("Path") != "<sip:p1@edge;lr>" || a.get("Require") != "" {
		t.Errorf("%v", a.Headers)
	}
	if a := d.ok("100", "Contact: <sip:100@10.0.0.1>", "Path: <sip:p1;lr>"); a.get("Path") != "" {
		t.Errorf("to a phone that does not know it: %v", a.Headers)
	}
}

// The user part is compared as it means, the host and the scheme say nothing.
func TestAddressOfRecord(t *testing.T) {
	d := newDesk(t, Config{})
	a := d.register("100", "pw-100", "Contact: <sip:a@h>")
	if a.Status != 200 {
		t.Error(a)
	}
	d.handle("%31%30%30") // the same user, escaped
	challenge, err := digest.ParseChallenge(d.handle("%31%30%30").get("WWW-Authenticate"))
	if err != nil {
		t.Fatal(err)
	}
	challenge.QOP = []string{"auth"}
	cred, err := digest.Digest(challenge, digest.Options{Method: "REGISTER", URI: "sip:lab", Username: "100", Password: "pw-100"})
	if err != nil {
		t.Fatal(err)
	}
	if a := d.handle("%31%30%30", "Authorization: "+cred.String()); a.Status != 200 {
		t.Error(a)
	}
	if a := d.handle("200", "Authorization: "+cred.String()); a.Status != 401 {
		t.Errorf("replayed for somebody else: %v", a)
	}
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		changes := make(chan string, 10)
		d := newDesk(t, Config{MaxExpires: time.Hour, Changed: func(user string) { changes <- user }})
		told := func(want string) {
			t.Helper()
			synctest.Wait()
			var got []string
			for len(changes) > 0 {
				got = append(got, <-changes)
			}
			if got := strings.Join(got, " "); got != want {
				t.Errorf("told of %q, want %q", got, want)
			}
		}
		d.ok("100", "Contact: <sip:a@h>;expires=60", "Contact: <sip:b@h>;expires=120")
		d.ok("200", "Contact: <sip:a@h>;expires=90")
		told("100 200")
		time.Sleep(50 * time.Second)
		d.ok("100", "Contact: <sip:a@h>;expires=100") // refreshed
		d.ok("100")                                   // asked
		told("")
		time.Sleep(41 * time.Second)
		told("200")
		time.Sleep(30 * time.Second)
		told("100")
		d.uris("sip:a@h")
		time.Sleep(30 * time.Second)
		told("100")
		d.uris()
		if len(d.users)+len(d.due)+len(d.flows) > 0 {
			t.Errorf("left: %v %v", d.users, d.due)
		}
		d.ok("100", "Contact: <sip:a@h>;expires=99999999")
		time.Sleep(time.Hour + 1)
		told("100 100")
		d.ok("100", "Contact: <sip:a@h>")
		d.ok("300", "Contact: <sip:a@h>")
		told("100 300")
		d.Retain(func(user string) bool { return user == "300" })
		told("100")
		d.uris()
	})
}

// What hangs on a connection ends with it; what does not, stays.
func TestLost(t *testing.T) {
	var changes []string
	d := newDesk(t, Config{Changed: func(user string) { changes = append(changes, user) }})
	d.ok("100", "Contact: <sip:udp@h>")
	d.via = "TCP"
	d.ok("100", "Contact: <sip:nat@10.0.0.1;transport=tcp>", "Contact: <sip:100@192.0.2.7:5060;transport=tcp>")
	d.ok("200", "Contact: <sip:nat@10.0.0.1;transport=tcp>")
	d.callID = "c2"
	changes = nil
	d.Lost("tcp", netip.MustParseAddrPort(phone))
	d.uris("sip:100@192.0.2.7:5060;transport=tcp", "sip:udp@h")
	if strings.Join(changes, " ") != "100 200" || len(d.Contacts("200")) != 0 || len(d.flows) != 2 {
		t.Errorf("%q %v %v", changes, d.Contacts("200"), d.flows)
	}
	d.Lost("tcp", netip.MustParseAddrPort(phone))
}

// Wrong passwords for a user, from wherever, are counted, and lock nobody out.
func TestGuessedPasswords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		d := newDesk(t, Config{Failures: Failures{PerUser: 5, Window: time.Minute}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		wrong := func(source, aor, user string, hunted bool) {
			t.Helper()
			d.source = source
			if a := d.registerAs(aor, user, "wrong", "Contact: <sip:a@h>"); a.Status != 401 || !a.Suspicious || a.Hunted != hunted || a.get("WWW-Authenticate") == "" {
				t.Errorf("%+v, want hunted %v", a, hunted)
			}
		}
		for i := range 5 {
			wrong(fmt.Sprintf("192.0.2.%d:5060", 100+i), "100", "100", false)
		}
		wrong("192.0.2.8:5060", "200", "200", false)
		if log.Len() != 0 {
			t.Error(log.String())
		}
		wrong("192.0.2.8:5060", "100", "100", true)
		wrong("192.0.2.9:5060", "200", "100", true) // guessed at under another name
		if n := strings.Count(log.String(), "user=100"); n != 1 {
			t.Errorf("%d lines: %s", n, log.String())
		}
		d.source = phone
		for range 2 { // right is right, and what others guess goes on to be counted
			if a := d.register("100", "pw-100", "Contact: <sip:a@h>"); a.Status != 200 || a.Suspicious || a.Hunted {
				t.Errorf("the honest: %+v", a)
			}
			wrong("192.0.2.8:5060", "100", "100", true)
			d.source = phone
		}
		for range 5 {
			wrong("192.0.2.8:5060", "200", "nobody", false)
			time.Sleep(time.Second)
		}
		wrong("192.0.2.8:5060", "200", "nobody", true)
		if strings.Contains(log.String(), "nobody") {
			t.Errorf("a line for a name of nobody: %s", log.String())
		}
		time.Sleep(time.Minute)
		wrong("192.0.2.8:5060", "100", "100", false)
	})
}

func TestTriesAreBounded(t *testing.T) {
	tr := tries{limits: Failures{PerUser: 1}.orDefault()}
	now := time.Now()
	for i := range maxTries + 100 {
		tr.failed(fmt.Sprint(i), false, now)
	}
	if len(tr.users) != maxTries {
		t.Errorf("%d", len(tr.users))
	}
	tr.failed("agent", true, now)
	if hunted, _ := tr.failed("agent", true, now); !hunted {
		t.Error("names of nobody keep the wrong passwords for an agent from being counted")
	}
}

func FuzzContact(f *testing.F) {
	f.Add(`<sip:100@10.0.0.1;transport=ws>;q=0.5;+sip.instance="<urn:uuid:1>";reg-id=1;expires=60`)
	f.Add(`*`)
	f.Add(`sip:a@[2001:db8::1]:5070;expires=x`)
	f.Add(`<sip:0::@00>`)
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsAny(s, "\r\n") {
			return
		}
		raw := "REGISTER sip:lab SIP/2.0\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\nContact: " + s + "\r\nContent-Length: 0\r\n\r\n"
		msg, err := sipgo.NewParser().ParseSIP([]byte(raw))
		if err != nil {
			return
		}
		r := &Registrar{cfg: Config{MaxExpires: time.Hour}}
		wishes, _, err := r.parseWishes(msg.(*sipgo.Request))
		if err != nil {
			return
		}
		for _, w := range wishes {
			w.Source, w.Transport = netip.MustParseAddrPort(phone), "udp"
			if got := w.reach(false); got.Addr().String() != "192.0.2.7" {
				t.Errorf("%q: calls to %s", s, got)
			}
			var kept sipgo.Uri
			if err := sipgo.ParseUri(w.URI, &kept); err != nil || !survives(&kept) || kept.String() != w.URI {
				t.Errorf("%q: kept as %q, which reads as another", s, w.URI)
			}
			if field := w.field(time.Now()); strings.ContainsAny(field, "\r\n") || w.Q < 0 || w.Q > fullQ {
				t.Errorf("%q: %q", s, field)
			}
		}
	})
}

func FuzzPath(f *testing.F) {
	f.Add("<sip:p1@edge;lr>;x=y,<sip:p2;lr>")
	f.Add("<sip:p1")
	f.Add("<sip:@0@;>")   // its host read as 0@, and then as none
	f.Add("<sip:0::@00>") // it printed as sip:0:@00, and that as sip:0@00
	f.Fuzz(func(t *testing.T, s string) {
		path, err := parsePath([]string{s})
		if err != nil {
			return
		}
		again, err := parsePath([]string{"<" + strings.Join(path, ">, <") + ">"})
		if len(path) > 0 && (err != nil || strings.Join(again, " ") != strings.Join(path, " ")) {
			t.Errorf("%q: %q, again %q, %v", s, path, again, err)
		}
		for _, p := range path {
			_ = pathAddr(p)
		}
	})
}
