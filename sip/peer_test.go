package sip

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// message is a SIP message as text, taken apart just enough for a script.
type message struct {
	start   string
	headers []Header
	body    string
	at      time.Time
}

func parseMessage(raw string) *message {
	head, body, _ := strings.Cut(raw, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	m := &message{start: lines[0], body: body, at: time.Now()}
	for _, l := range lines[1:] {
		name, value, _ := strings.Cut(l, ":")
		m.headers = append(m.headers, Header{Name: strings.TrimSpace(name), Value: strings.TrimSpace(value)})
	}
	return m
}

func (m *message) all(name string) (out []string) {
	for _, h := range m.headers {
		if strings.EqualFold(h.Name, name) {
			out = append(out, h.Value)
		}
	}
	return out
}

func (m *message) get(name string) string {
	if v := m.all(name); len(v) > 0 {
		return v[0]
	}
	return ""
}

// kind is the method of a request, the status code of a response.
func (m *message) kind() string {
	f := strings.Fields(m.start)
	if len(f) > 1 && f[0] == "SIP/2.0" {
		return f[1]
	}
	return f[0]
}

// uri is the Request-URI.
func (m *message) uri() string { return strings.Fields(m.start)[1] }

// seq is the CSeq number.
func (m *message) seq() int {
	n, _ := strconv.Atoi(strings.Fields(m.get("CSeq"))[0])
	return n
}

// param returns a parameter of a header's value, as in param("From", "tag").
func (m *message) param(header, name string) string {
	_, rest, _ := strings.Cut(m.get(header), ";"+name+"=")
	v, _, _ := strings.Cut(rest, ";")
	return v
}

func (m *message) String() string {
	return fmt.Sprintf("%s %v %q", m.start, m.headers, m.body)
}

// peer is a far side that a test scripts byte by byte.
type peer struct {
	t      *testing.T
	addr   string // where it listens
	in     chan *message
	seen   map[string]bool
	writer func(raw string)
	conn   net.PacketConn // over UDP
}

// newPeer listens on UDP. to is where its requests go; answers go there as well.
func newPeer(t *testing.T, to string) *peer {
	t.Helper()
	return newPeerAt(t, "127.0.0.1", to)
}

// newPeerAt is newPeer on another host.
func newPeerAt(t *testing.T, host, to string) *peer {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(mustAddr(host+":0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	p := &peer{t: t, addr: conn.LocalAddr().String(), in: make(chan *message, 4096), seen: map[string]bool{}, conn: conn}
	remote := net.UDPAddrFromAddrPort(mustAddr(to))
	p.writer = func(raw string) {
		if _, err := conn.WriteTo([]byte(raw), remote); err != nil {
			t.Error(err)
		}
	}
	go func() {
		buf := make([]byte, 65536)
		for {
			n, _, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			p.in <- parseMessage(string(buf[:n]))
		}
	}()
	return p
}

// read reads one message from a stream.
func read(r *bufio.Reader) (*message, error) {
	var head strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		if line == "\r\n" {
			if head.Len() == 0 {
				continue
			}
			break
		}
		head.WriteString(line)
	}
	m := parseMessage(head.String() + "\r\n")
	n, err := strconv.Atoi(m.get("Content-Length"))
	if err != nil {
		return nil, err
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	m.body = string(body)
	return m, nil
}

// take returns the next message, retransmitted or not.
func (p *peer) take() *message {
	p.t.Helper()
	select {
	case m := <-p.in:
		return m
	case <-time.After(patience):
		p.t.Fatal("peer: nothing comes")
		return nil
	}
}

// takeKind returns the next message of that kind, retransmitted or not, and passes
// over all others.
func (p *peer) takeKind(kind string) *message {
	p.t.Helper()
	for {
		if m := p.take(); m.kind() == kind {
			return m
		}
	}
}

// takeKinds is takeKind for several kinds.
func (p *peer) takeKinds(kinds ...string) *message {
	p.t.Helper()
	for {
		if m := p.take(); slices.Contains(kinds, m.kind()) {
			return m
		}
	}
}

// expect returns the next message, which must be of that kind. Retransmissions
// of what came before are passed over.
func (p *peer) expect(kind string) *message {
	p.t.Helper()
	for {
		m := p.take()
		key := m.kind() + m.get("CSeq") + m.param("Via", "branch") + m.get("Call-ID") + m.get("To") + m.get("RSeq")
		if p.seen[key] {
			continue
		}
		p.seen[key] = true
		if m.kind() != kind {
			p.t.Fatalf("peer: got %s, want %s", m, kind)
		}
		return m
	}
}

// nothing checks that nothing new comes before the answer to an OPTIONS.
func (p *peer) nothing() {
	p.t.Helper()
	p.send(p.newRequest("OPTIONS", "sip:x@127.0.0.1", "probe"+random(4), "probe", "", 1))
	p.expect("200")
}

func (p *peer) send(raw string) { p.writer(raw) }

// redirect sends what the peer sends from now on elsewhere.
func (p *peer) redirect(to *net.UDPAddr) {
	p.writer = func(raw string) {
		if _, err := p.conn.WriteTo([]byte(raw), to); err != nil {
			p.t.Error(err)
		}
	}
}

// respond answers a request. To gets the tag unless it has one; extra are whole
// header lines.
func (p *peer) respond(req *message, status, tag, body string, extra ...string) {
	p.send(p.response(req, status, tag, body, extra...))
}

func (p *peer) response(req *message, status, tag, body string, extra ...string) string {
	var b strings.Builder
	b.WriteString("SIP/2.0 " + status + "\r\n")
	for _, v := range req.all("Via") {
		b.WriteString("Via: " + v + "\r\n")
	}
	to := req.get("To")
	if tag != "" && !strings.Contains(to, ";tag=") {
		to += ";tag=" + tag
	}
	b.WriteString("From: " + req.get("From") + "\r\nTo: " + to + "\r\nCall-ID: " + req.get("Call-ID") + "\r\nCSeq: " + req.get("CSeq") + "\r\n")
	return finishMessage(&b, "<sip:peer@"+p.addr+">", body, extra)
}

func finishMessage(b *strings.Builder, contact, body string, extra []string) string {
	has := func(name string) bool {
		for _, e := range extra {
			if strings.HasPrefix(strings.ToLower(e), name+":") {
				return true
			}
		}
		return false
	}
	if !has("contact") {
		b.WriteString("Contact: " + contact + "\r\n")
	}
	for _, e := range extra {
		b.WriteString(e + "\r\n")
	}
	if body != "" && !has("content-type") {
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	b.WriteString("Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	return b.String()
}

// newRequest builds a request of the peer; body and whole header lines in extra.
func (p *peer) newRequest(method, uri, callID, fromTag, toTag string, seq int, extra ...string) string {
	body := ""
	if n := len(extra); n > 0 && strings.HasPrefix(extra[n-1], "v=0") {
		body, extra = extra[n-1], extra[:n-1]
	}
	var b strings.Builder
	to := "<sip:callee@127.0.0.1>"
	if toTag != "" {
		to += ";tag=" + toTag
	}
	transport := "UDP"
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=z9hG4bK%s;rport\r\nMax-Forwards: 70\r\n", method, uri, transport, p.addr, random(8))
	fmt.Fprintf(&b, "From: <sip:caller@127.0.0.1>;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n", fromTag, to, callID, seq, method)
	return finishMessage(&b, "<sip:peer@"+p.addr+">", body, extra)
}

// inside builds a request inside the dialog that an INVITE from the endpoint and
// the peer's tag made.
func (p *peer) inside(invite *message, tag, method string, seq int, extra ...string) string {
	raw := p.newRequest(method, strings.Trim(strings.Split(invite.get("Contact"), ";")[0], "<>"),
		invite.get("Call-ID"), tag, invite.param("From", "tag"), seq, extra...)
	return raw
}

// script is an endpoint, a trunk, and the scripted peer that is the trunk's server.
func script(t *testing.T, cfg TrunkConfig) (*Trunk, *peer) {
	t.Helper()
	e := newEndpoint(t, Config{})
	p := newPeer(t, addrOf(t, e, "udp"))
	cfg.Server = p.addr
	return newTrunk(t, e, cfg), p
}

// answered is script with a call that the peer has answered, tag "a".
func answered(t *testing.T, cfg TrunkConfig, inv Invite) (*Trunk, *peer, *Call, *message) {
	t.Helper()
	trunk, p := script(t, cfg)
	call := place(t, trunk, inv)
	invite := p.expect("INVITE")
	p.respond(invite, "200 OK", "a", testAnswer)
	p.expect("ACK")
	next[Answered](t, call)
	return trunk, p, call, invite
}

// respondAndEnd hangs the call up.
func (p *peer) respondAndEnd(call *Call) (*message, bool) {
	p.t.Helper()
	call.Hangup(CauseNormal)
	bye := p.expect("BYE")
	p.respond(bye, "200 OK", "", "")
	return bye, skipTo[Ended](p.t, call).ByUs
}
