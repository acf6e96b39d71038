// Package resolvetest runs a name server in process, over real sockets on
// loopback, for the tests of whatever looks up names.
package resolvetest

import (
	"cmp"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// Server is a name server that is authoritative for everything.
type Server struct {
	t         testing.TB
	udp, tcp  *dns.Server
	addr      netip.AddrPort
	mu        sync.Mutex // protects the fields below
	records   []dns.RR
	broken    map[string]int  // response codes of answers, by question; "": of all
	silent    map[string]bool // types and questions that get no answer
	truncated bool
	asked     map[string]int
}

// Serve starts a name server with the records of a zone file (RFC 1035 section 5,
// names in full), for the time of the test.
func Serve(t testing.TB, zone string) *Server {
	t.Helper()
	s := &Server{t: t, asked: map[string]int{}, broken: map[string]int{}, silent: map[string]bool{}}
	s.Set(zone)
	l, p := listen(t)
	s.addr = netip.MustParseAddrPort(l.Addr().String())
	s.udp, s.tcp = &dns.Server{PacketConn: p, Handler: s}, &dns.Server{Listener: l, Handler: s}
	for _, server := range []*dns.Server{s.udp, s.tcp} {
		started, done := make(chan struct{}), make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go func() { defer close(done); _ = server.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = server.Shutdown(); <-done })
	}
	return s
}

// listen opens one port for both transports: one that is free for TCP may be taken for
// UDP.
func listen(t testing.TB) (net.Listener, net.PacketConn) {
	t.Helper()
	for tries := 1; ; tries++ {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		p, err := net.ListenPacket("udp", l.Addr().String())
		if err == nil {
			return l, p
		}
		_ = l.Close()
		if tries == 20 {
			t.Fatal(err)
		}
	}
}

// Addr is where it listens, UDP and TCP.
func (s *Server) Addr() netip.AddrPort { return s.addr }

// Set replaces the records.
func (s *Server) Set(zone string) {
	s.t.Helper()
	var records []dns.RR
	for z := dns.NewZoneParser(strings.NewReader(zone), ".", ""); ; {
		rr, ok := z.Next()
		if !ok {
			if err := z.Err(); err != nil {
				s.t.Fatal(err)
			}
			break
		}
		records = append(records, rr)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = records
}

// Break makes the answers to these questions ("SRV _sip._udp.example.com"), or to all
// where none is named, carry that response code; 0 mends them.
func (s *Server) Break(code int, questions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(questions) == 0 {
		questions = []string{""}
	}
	for _, q := range questions {
		s.broken[q] = code
	}
}

// Silence leaves questions ("SRV _sip._udp.example.com"), or all of a type ("NAPTR"),
// without an answer; none: all are answered again.
func (s *Server) Silence(questions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.silent)
	for _, q := range questions {
		s.silent[q] = true
	}
}

// Truncate makes answers over UDP truncated and empty.
func (s *Server) Truncate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.truncated = true
}

// Asked is how often a question ("SRV _sip._udp.example.com", "tcp A x") came, over
// UDP or, with "tcp" before it, over TCP.
func (s *Server) Asked(question string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[question]
}

// ServeDNS answers one question.
func (s *Server) ServeDNS(w dns.ResponseWriter, m *dns.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := m.Question[0]
	kind := dns.TypeToString[q.Qtype]
	question := kind + " " + strings.TrimSuffix(q.Name, ".")
	asked := question
	overTCP := w.RemoteAddr().Network() == "tcp"
	if overTCP {
		asked = "tcp " + asked
	}
	s.asked[asked]++
	if s.silent[kind] || s.silent[question] {
		return
	}
	answer := new(dns.Msg).SetReply(m)
	answer.RecursionAvailable = true
	switch code := cmp.Or(s.broken[question], s.broken[""]); {
	case code != dns.RcodeSuccess:
		answer.Rcode = code
	case s.truncated && !overTCP:
		answer.Truncated = true
	default:
		s.fill(answer, q)
	}
	_ = w.WriteMsg(answer)
}

// fill puts the records for a question into an answer, as a recursive server does:
// along CNAMEs, and with the SOA where there are none.
func (s *Server) fill(answer *dns.Msg, q dns.Question) {
	name, exists := q.Name, false
	for range 4 {
		alias := ""
		for _, rr := range s.records {
			h := rr.Header()
			if !strings.EqualFold(h.Name, name) {
				continue
			}
			exists = true
			if h.Rrtype == q.Qtype {
				answer.Answer = append(answer.Answer, rr)
			} else if c, ok := rr.(*dns.CNAME); ok {
				answer.Answer = append(answer.Answer, rr)
				alias = c.Target
			}
		}
		if alias == "" {
			break
		}
		name = alias
	}
	if !exists {
		answer.Rcode = dns.RcodeNameError
	}
	if len(answer.Answer) == 0 {
		for _, rr := range s.records {
			if rr.Header().Rrtype == dns.TypeSOA {
				answer.Ns = append(answer.Ns, rr)
			}
		}
	}
}
