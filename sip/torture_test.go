package sip

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringpace/sip/registrar"
)

// tortureCase is one message of RFC 4475 (testdata/rfc4475/NAME.sip) and what it gets
// from a user agent with a registrar. The endpoint of the test is busy: a call that
// reaches it gets 486, a registration without credentials 401.
type tortureCase struct {
	section string
	name    string
	expect  string // status and phrase; empty: silence
	has     string // what the response must contain besides
}

const (
	silence      = ""
	busyHere     = "486 Busy Here"
	unauthorized = "401 Unauthorized"
)

// Section 3.1.1: valid messages.
var tortureValid = []tortureCase{
	{"3.1.1.1", "wsinv", "481 Call/Transaction Does Not Exist", "CSeq: 9 INVITE"}, // it has a To tag
	{"3.1.1.2", "intmeth", "501 Not Implemented", "!interesting-Method0123456789_*+`.%indeed'~"},
	{"3.1.1.3", "esc01", busyHere, ""},
	{"3.1.1.4", "escnull", unauthorized, "null-%00-null"},
	{"3.1.1.5", "esc02", "501 Not Implemented", "RE%47IST%45R"}, // no REGISTER
	{"3.1.1.6", "lwsdisp", "200 OK", ""},
	{"3.1.1.7", "longreq", busyHere, "sip1.example.com"},
	{"3.1.1.8", "dblreq", unauthorized, "dblreq.0ha0isndaksdj99sdfafnl3lk233412"}, // what follows in the datagram is nothing
	{"3.1.1.9", "semiuri", "200 OK", ""},
	{"3.1.1.10", "transports", "200 OK", "SIP/2.0/UNKNOWN t4.example.com"},
	{"3.1.1.11", "mpart01", "405 Method Not Allowed", "Allow: "},
	{"3.1.1.12", "unreason", silence, ""}, // a response to nothing
	{"3.1.1.13", "noreason", silence, ""},
}

// Section 3.1.2: invalid messages.
var tortureInvalid = []tortureCase{
	{"3.1.2.1", "badinv01", "400 Bad Via", ""},
	{"3.1.2.2", "clerr", "400 Content-Length Mismatch", ""},
	{"3.1.2.3", "ncl", "400 Bad Content-Length", ""},
	{"3.1.2.4", "scalar02", "400 Bad ", ""},
	{"3.1.2.5", "scalarlg", silence, ""},
	{"3.1.2.6", "quotbal", "400 Bad To", ""},
	{"3.1.2.7", "ltgtruri", "400 Bad Request-URI", ""},
	{"3.1.2.8", "lwsruri", "400 Bad Request Line", ""},
	{"3.1.2.9", "lwsstart", "400 Bad Request Line", ""},
	{"3.1.2.10", "trws", "400 Bad Request Line", ""},
	{"3.1.2.11", "escruri", "400 Headers in Request-URI", ""},
	{"3.1.2.12", "baddate", busyHere, ""}, // we do not look at Date
	{"3.1.2.13", "regbadct", "400 Bad Contact", ""},
	{"3.1.2.14", "badaspec", "400 Bad To", ""},
	{"3.1.2.15", "baddn", "400 Bad From", ""},
	{"3.1.2.16", "badvers", "505 Version Not Supported", "SIP/7.0/UDP c.example.com"},
	{"3.1.2.17", "mismatch01", "400 CSeq Method Mismatch", ""},
	{"3.1.2.18", "mismatch02", "400 CSeq Method Mismatch", ""},
	{"3.1.2.19", "bigcode", silence, ""},
}

// Sections 3.2 to 3.4: the transaction layer, the application layer, RFC 2543.
var tortureSemantics = []tortureCase{
	{"3.2.1", "badbranch", "200 OK", ""}, // told apart as RFC 2543 would
	{"3.3.1", "insuf", "400 Missing From", ""},
	{"3.3.2", "unkscm", "416 Unsupported URI Scheme", ""},
	{"3.3.3", "novelsc", "416 Unsupported URI Scheme", ""},
	{"3.3.4", "unksm2", "400 Bad To", ""},
	{"3.3.5", "bext01", "420 Bad Extension", "nothingSupportsThis, nothingSupportsThisEither"},
	{"3.3.6", "invut", "415 Unsupported Media Type", "Accept: application/sdp"},
	{"3.3.7", "regaut01", unauthorized, "WWW-Authenticate: Digest"},
	{"3.3.8", "multi01", "400 Several From", ""},
	{"3.3.9", "mcl01", "400 Several Content-Length", ""},
	{"3.3.10", "bcast", silence, ""},
	{"3.3.11", "zeromf", "200 OK", ""}, // only a proxy would have to forward it
	{"3.3.12", "cparam01", unauthorized, ""},
	{"3.3.13", "cparam02", unauthorized, ""},
	{"3.3.14", "regescrt", unauthorized, ""},
	{"3.3.15", "sdp01", "406 Not Acceptable", "Accept: application/sdp"},
	// To take messages as RFC 2543 had them is left to who wants it. We do not.
	{"3.4.1", "inv2543", "400 Missing From Tag", ""},
}

func TestTortureValid(t *testing.T)     { torture(t, tortureValid) }
func TestTortureInvalid(t *testing.T)   { torture(t, tortureInvalid) }
func TestTortureSemantics(t *testing.T) { torture(t, tortureSemantics) }

// Every message that the RFC prints is in one of the tables.
func TestTortureIsComplete(t *testing.T) {
	files, err := filepath.Glob("testdata/rfc4475/*.sip")
	if err != nil {
		t.Fatal(err)
	}
	if cases := len(tortureValid) + len(tortureInvalid) + len(tortureSemantics); cases != 49 || len(files) != cases {
		t.Errorf("%d cases and %d files, want 49 of each", cases, len(files))
	}
}

// torture sends each message on the transport that its Via names, from where the
// response to a Via without rport will go.
func torture(t *testing.T, cases []tortureCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile("testdata/rfc4475/" + c.name + ".sip")
			if err != nil {
				t.Fatal(err)
			}
			users, err := registrar.New(registrar.Config{
				Credentials: func(string) (string, bool) { return "secret", true },
			})
			if err != nil {
				t.Fatal(err)
			}
			e := newEndpoint(t, Config{
				Registrar: users, Realm: "ringpace",
				Invite: func(in *Incoming) { in.Reject(486, "Busy Here") },
			})
			victim := newTorturer(t, e, data)
			victim.send(string(data))
			var got []string
			// Two answers to others prove that the endpoint is past the message, and alive.
			for range 2 {
				got = append(got, victim.probe(t)...)
			}
			switch {
			case c.expect == silence && len(got) > 0:
				t.Fatalf("%s: answered:\n%s", c.section, got)
			case c.expect == silence:
				return
			case len(got) == 0:
				got = append(got, victim.take(t)) // a slow machine
			}
			for _, response := range got {
				if !strings.HasPrefix(response, "SIP/2.0 "+c.expect) || !strings.Contains(response, c.has) {
					t.Errorf("%s: answered:\n%swant %s … %s", c.section, response, c.expect, c.has)
				}
				if strings.Contains(response, "\nVia:") && !strings.Contains(response, "received=127.") {
					t.Errorf("%s: does not say where the message came from:\n%s", c.section, response)
				}
			}
		})
	}
}

// torturer sends messages, and gets the answers that are not to its probes.
type torturer struct {
	send   func(string)
	in     chan string
	local  netip.AddrPort
	via    string
	probes int
}

// newTorturer is at port 5060 of an address of its own, or at the port that the
// message names in Via.
func newTorturer(t *testing.T, e *Endpoint, message []byte) *torturer {
	t.Helper()
	v := &torturer{in: make(chan string, 16)}
	port := uint16(5060)
	if strings.Contains(string(message), ":5050;branch") {
		port = 5050
	}
	v.local = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, byte(rand.N(250) + 1), byte(rand.N(250) + 1)}), port)
	_, first, _ := strings.Cut(string(message), "Via")
	first, _, _ = strings.Cut(first, "\r\n")
	if strings.Contains(first, "/TCP") || strings.Contains(first, "/TLS") {
		v.via = "TCP"
		conn, err := net.Dial("tcp", addrOf(t, e, "tcp"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		v.send = func(raw string) {
			if _, err := conn.Write([]byte(raw)); err != nil {
				t.Error(err)
			}
		}
		go func() {
			defer close(v.in)
			for r := bufio.NewReader(conn); ; {
				var raw strings.Builder
				for !strings.HasSuffix(raw.String(), "\r\n\r\n") { // no body is expected
					line, err := r.ReadString('\n')
					if err != nil {
						return
					}
					raw.WriteString(line)
				}
				v.in <- raw.String()
			}
		}()
		return v
	}
	v.via = "UDP"
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(v.local))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	to := net.UDPAddrFromAddrPort(mustAddr(addrOf(t, e, "udp")))
	v.send = func(raw string) {
		if _, err := conn.WriteTo([]byte(raw), to); err != nil {
			t.Error(err)
		}
	}
	go func() {
		defer close(v.in)
		for buf := make([]byte, 65536); ; {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			v.in <- string(buf[:n])
		}
	}()
	return v
}

// probe asks, and returns what came before the answer.
func (v *torturer) probe(t *testing.T) (before []string) {
	t.Helper()
	v.probes++
	id := fmt.Sprintf("probe%d@torture", v.probes)
	v.send(fmt.Sprintf("OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/%s %s;rport;branch=z9hG4bKprobe%d\r\nMax-Forwards: 70\r\n"+
		"From: <sip:x@x>;tag=1\r\nTo: <sip:y@y>\r\nCall-ID: %s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n", v.via, v.local, v.probes, id))
	for {
		response := v.take(t)
		if strings.Contains(response, id) {
			return before
		}
		if !strings.HasPrefix(response, "SIP/2.0 100") {
			before = append(before, response)
		}
	}
}

func (v *torturer) take(t *testing.T) string {
	t.Helper()
	for {
		select {
		case response, ok := <-v.in:
			if !ok {
				t.Fatal("the connection was closed")
			}
			if strings.HasPrefix(response, "SIP/2.0 100") {
				continue
			}
			return response
		case <-time.After(patience):
			t.Fatal("no answer")
		}
	}
}
