package sip

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"ringpace/sip/digest"
	"ringpace/sip/registrar"
)

// BenchmarkRefresh is what a refresh of one of 10,000 registered contacts costs over
// UDP sockets, in the dearest case: REGISTER, 401, REGISTER with credentials, 200. (A
// phone that refreshes within the life of its nonce, two minutes, needs half of
// that.) share_60s and share_300s are the part of a core that 10,000 contacts take
// which refresh so often; the phones, in the same process, are counted in.
func BenchmarkRefresh(b *testing.B) {
	const contacts = 10_000
	r, err := registrar.New(registrar.Config{
		Realm: "lab", Algorithms: []string{digest.MD5}, Credentials: func(string) (string, bool) { return "pw", true },
	})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	e, err := NewEndpoint(Config{Listen: []Listen{{Transport: "udp", Addr: netip.AddrPortFrom(loopback, 0)}}, Registrar: r})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = e.Close(b.Context()) }()
	addr, _ := e.Addr("udp")
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	phone := refresher{conn: conn, local: conn.LocalAddr().String(), buffer: make([]byte, 4096)}
	for i := range contacts {
		phone.refresh(b, i)
	}
	if n := len(r.Entries()); n != contacts {
		b.Fatalf("%d contacts", n)
	}
	before := processorTime(b)
	i := 0
	for b.Loop() {
		phone.refresh(b, i%contacts)
		i++
	}
	each := (processorTime(b) - before).Seconds() / float64(i)
	b.ReportMetric(each*1e6, "cpu_us/op")
	b.ReportMetric(each*contacts/60, "share_60s")
	b.ReportMetric(each*contacts/300, "share_300s")
}

// refresher is the phones.
type refresher struct {
	conn   *net.UDPConn
	local  string
	seq    int
	buffer []byte
}

func (p *refresher) refresh(b *testing.B, user int) {
	challenge := p.ask(b, user, "")
	_, rest, _ := strings.Cut(challenge, `nonce="`)
	nonce, _, _ := strings.Cut(rest, `"`)
	sum := func(s string) string { h := md5.Sum([]byte(s)); return hex.EncodeToString(h[:]) }
	response := sum(sum(fmt.Sprintf("u%d:lab:pw", user)) + ":" + nonce + ":00000001:c:auth:" + sum("REGISTER:sip:lab"))
	answer := p.ask(b, user, fmt.Sprintf("Authorization: Digest username=\"u%d\", realm=\"lab\", nonce=\"%s\", uri=\"sip:lab\", "+
		"algorithm=MD5, cnonce=\"c\", qop=auth, nc=00000001, response=\"%s\"\r\n", user, nonce, response))
	if !strings.HasPrefix(answer, "SIP/2.0 200") {
		b.Fatal(answer)
	}
}

// ask sends one REGISTER and returns the answer.
func (p *refresher) ask(b *testing.B, user int, authorization string) string {
	p.seq++
	if _, err := fmt.Fprintf(p.conn, "REGISTER sip:lab SIP/2.0\r\nVia: SIP/2.0/UDP %[1]s;rport;branch=z9hG4bK%[2]d\r\nMax-Forwards: 70\r\n"+
		"From: <sip:u%[3]d@lab>;tag=%[3]d\r\nTo: <sip:u%[3]d@lab>\r\nCall-ID: %[3]d@phones\r\nCSeq: %[2]d REGISTER\r\n"+
		"Contact: <sip:u%[3]d@%[1]s>\r\nExpires: 600\r\n%[4]sContent-Length: 0\r\n\r\n", p.local, p.seq, user, authorization); err != nil {
		b.Fatal(err)
	}
	_ = p.conn.SetReadDeadline(time.Now().Add(patience))
	n, err := p.conn.Read(p.buffer)
	if err != nil {
		b.Fatal(err)
	}
	return string(p.buffer[:n])
}

// processorTime is what this process has used of the processor.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
