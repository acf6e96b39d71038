package wellformed

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// request is one that is in order, but for the lines that are given: they take the
// place of the one that has the same name, or are added.
func request(lines ...string) string {
	all := []string{
		"Via: SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bK1", "From: <sip:a@x>;tag=1", "To: <sip:b@x>",
		"Call-ID: 1@x", "CSeq: 1 INVITE", "Max-Forwards: 70", "Content-Length: 0",
	}
	start := "INVITE sip:b@x SIP/2.0"
next:
	for _, l := range lines {
		name, _, _ := strings.Cut(l, ":")
		if strings.HasSuffix(l, "SIP/2.0") {
			start = l
			continue
		}
		for i, have := range all {
			if strings.HasPrefix(have, name+":") {
				all[i] = l
				continue next
			}
		}
		all = append(all, l)
	}
	return start + "\r\n" + strings.Join(all, "\r\n") + "\r\n\r\n"
}

func TestJudge(t *testing.T) {
	cases := []struct{ name, message, fault string }{
		{"in order", request(), ""},
		{"leading CRLF", "\r\n\r\n" + request(), ""},
		{"tel", request("INVITE tel:+49301 SIP/2.0"), ""},
		{"compact", strings.NewReplacer("Via", "v", "From", "f", "To", "t", "Call-ID", "i").Replace(request()), ""},
		{"folded", request("From: \"A\r\n B\" <sip:a@x>\r\n\t;tag=1"), ""},
		{"comma in quotes", request("From: \"A, B\" <sip:a@x>;tag=1"), ""},
		{"semicolon in brackets", request("To: <sip:b@x;a=b>;p=\"q;r\""), ""},
		{"several contacts", request("Contact: <sip:a@x>;q=1, \"B, C\" <sip:b@x>"), ""},
		{"IPv6", request("Via: SIP/2.0/UDP [2001:db8::1]:5062;branch=z9hG4bK1"), ""},
		{"lower case method", request("invite sip:b@x SIP/2.0", "CSeq: 1 invite"), "501 Not Implemented"},
		{"no URI", request("INVITE  SIP/2.0"), "400 Bad Request Line"},
		{"no scheme", request("INVITE bob SIP/2.0"), "400 Bad Request-URI"},
		{"http", request("INVITE http://x SIP/2.0"), "416 Unsupported URI Scheme"},
		{"no name", request(": x"), "400 Bad Header Field"},
		{"no colon", request("Subject"), "400 Bad Header Field"},
		{"space in a name", request("Sub ject: x"), "400 Bad Header Field"},
		{"space in brackets", request("To: <sip:b @x>"), "400 Bad To"},
		{"bracket not closed", request("Contact: <sip:b@x"), "400 Bad Contact"},
		{"text behind brackets", request("To: <sip:b@x> b"), "400 Bad To"},
		{"parameter without name", request("To: <sip:b@x>;=1"), "400 Bad To"},
		{"parameter without value", request("To: <sip:b@x>;a="), "400 Bad To"},
		{"empty route", request("Route: <sip:p@x>,"), "400 Bad Route"},
		{"Via of no protocol", request("Via: x"), "400 Bad Via"},
		{"Max-Forwards", request("Max-Forwards: 256"), "400 Bad Max-Forwards"},
		{"CSeq", request("CSeq: 2147483648 INVITE"), "400 Bad CSeq"},
		{"Call-ID", request("Call-ID: a b"), "400 Bad Call-ID"},
		{"To twice", request("t: <sip:c@x>"), "400 Several To"},
		{"longer than its body", request("Content-Length: 1"), "400 Content-Length Mismatch"},
		{"no end of the header", strings.TrimSuffix(request(), "\r\n"), "400 Incomplete Header"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			message, refusal := Judge([]byte(c.message))
			if c.fault == "" {
				if string(message) != strings.TrimLeft(c.message, "\r\n") || refusal != nil {
					t.Fatalf("judged %q, %+v", message, refusal)
				}
				return
			}
			if refusal == nil {
				t.Fatalf("not refused, want %s", c.fault)
			}
			response := string(refusal.Response(netip.MustParseAddrPort("192.0.2.7:1234"), "mine", "us"))
			if message != nil || !strings.HasPrefix(response, "SIP/2.0 "+c.fault+"\r\n") {
				t.Errorf("refused with\n%swant %s", response, c.fault)
			}
		})
	}
}

// Nobody is answered who did not ask, or whom it would not reach.
func TestSilence(t *testing.T) {
	for name, message := range map[string]string{
		"nothing":           "",
		"one line":          "INVITE sip:b@x SIP/2.0\r\n",
		"a broken ACK":      request("ACK sip:b@x SIP/2.0", "CSeq: 1 BYE"),
		"no Via":            strings.Replace(request("CSeq: x"), "Via", "X-Via", 1),
		"a broken response": strings.Replace(request("CSeq: x"), "INVITE sip:b@x SIP/2.0", "SIP/2.0 200 OK", 1),
		"a status of four":  strings.Replace(request(), "INVITE sip:b@x SIP/2.0", "SIP/2.0 2000 OK", 1),
	} {
		if message, refusal := Judge([]byte(message)); message != nil || refusal != nil {
			t.Errorf("%s: judged %q, %+v", name, message, refusal)
		}
	}
}

func TestResponse(t *testing.T) {
	source := netip.MustParseAddrPort("192.0.2.7:1234")
	_, refusal := Judge([]byte(request("Via: SIP/2.0/UDP 10.0.0.1:5062;rport;branch=z9hG4bK1, SIP/2.0/UDP 10.0.0.2",
		"To: <sip:b@x>;tag=theirs", "CSeq: 1 BYE")))
	want := "SIP/2.0 400 CSeq Method Mismatch\r\n" +
		"Via: SIP/2.0/UDP 10.0.0.1:5062;rport=1234;branch=z9hG4bK1;received=192.0.2.7, SIP/2.0/UDP 10.0.0.2\r\n" +
		"From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=theirs\r\nCall-ID: 1@x\r\nCSeq: 1 BYE\r\nServer: us\r\nContent-Length: 0\r\n\r\n"
	if got := string(refusal.Response(source, "mine", "us")); got != want {
		t.Errorf("response\n%s want\n%s", got, want)
	}
	for via, port := range map[string]uint16{
		"SIP/2.0/UDP 10.0.0.1:5062;rport":        1234,
		"SIP/2.0/UDP 10.0.0.1:5062":              5062,
		"SIP/2.0/UDP 10.0.0.1":                   5060,
		"SIP/2.0/UDP [2001:db8::1]":              5060,
		"SIP/2.0/UDP [2001:db8::1]:5070;branch=": 5070,
		"SIP/2.0/UDP 10.0.0.1:99999":             5060,
	} {
		_, refusal := Judge([]byte(request("Via: "+via, "CSeq: 1 BYE")))
		if got := refusal.Destination(source); got != netip.AddrPortFrom(source.Addr(), port) {
			t.Errorf("%s: to %s, want port %d", via, got, port)
		}
	}
}

func TestJudgeAllocatesNothing(t *testing.T) {
	message := []byte(request("Contact: \"A\" <sip:a@x;transport=udp>;expires=60", "Route: <sip:p@x;lr>", "User-Agent: x"))
	if n := testing.AllocsPerRun(100, func() {
		if m, _ := Judge(message); m == nil {
			t.Fatal("refused")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkJudge(b *testing.B) {
	message := []byte(request("Contact: \"A\" <sip:a@x;transport=udp>;expires=60", "Route: <sip:p@x;lr>", "User-Agent: x"))
	b.ReportAllocs()
	for b.Loop() {
		Judge(message)
	}
}

func FuzzJudge(f *testing.F) {
	files, err := filepath.Glob("../testdata/rfc4475/*.sip")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(request()))
	source := netip.MustParseAddrPort("192.0.2.7:1234")
	f.Fuzz(func(t *testing.T, data []byte) {
		message, refusal := Judge(data)
		if message != nil && refusal != nil || len(message) > len(data) {
			t.Fatalf("judged %q, %+v", message, refusal)
		}
		if refusal == nil {
			return
		}
		response := refusal.Response(source, "mine", "us")
		if head, _, _ := bytes.Cut(response, []byte("\r\n")); !statusLine(head) {
			t.Errorf("status line %q", head)
		}
		if bytes.Count(response, []byte("\r\nServer: us\r\n")) != 1 || !refusal.Destination(source).IsValid() {
			t.Errorf("response %q", response)
		}
	})
}
