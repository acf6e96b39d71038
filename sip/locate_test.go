package sip

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ringpace/sip/resolve"
	"ringpace/sip/resolve/resolvetest"
)

// named opens an endpoint whose name service has those records.
func named(t *testing.T, zone string, cfg Config) *Endpoint {
	t.Helper()
	cfg.Resolver = resolve.Config{Servers: []netip.AddrPort{resolvetest.Serve(t, zone).Addr()}}
	return newEndpoint(t, cfg)
}

// port is the port of an address, as text.
func port(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

// srv is a zone of one domain with the servers in the order of their priority.
func srv(servers ...string) string {
	zone := "node.carrier.test. 300 IN A 127.0.0.1\n"
	for i, s := range servers {
		zone += fmt.Sprintf("_sip._udp.carrier.test. 300 IN SRV %d 0 %s node.carrier.test.\n", i, port(s))
	}
	return zone
}

// twoServers is a trunk whose domain names two servers in its SRV records, and the name
// service that says so.
func twoServers(t *testing.T, cfg TrunkConfig) (trunk *Trunk, first, second *peer, names *resolvetest.Server) {
	t.Helper()
	e := newEndpoint(t, Config{}) // where the peers' messages go
	first, second = newPeer(t, addrOf(t, e, "udp")), newPeer(t, addrOf(t, e, "udp"))
	names = resolvetest.Serve(t, srv(first.addr, second.addr))
	e.resolver.Close()
	e.resolver = resolve.New(resolve.Config{Servers: []netip.AddrPort{names.Addr()}})
	cfg.Server = "carrier.test"
	return newTrunk(t, e, cfg), first, second, names
}

// The library asks for A before SRV, takes the first SRV only, and asks anew for each
// request. Ours goes to the servers that SRV names, to the next one when the first says
// 503, and there first from then on; the name service is asked once.
func TestNextServerOn503(t *testing.T) {
	t.Parallel()
	trunk, first, second, server := twoServers(t, TrunkConfig{})

	call := place(t, trunk, Invite{})
	invite := first.expect("INVITE")
	if invite.uri() != "sip:+4930123456@carrier.test" {
		t.Errorf("%s", invite)
	}
	first.respond(invite, "503 Service Unavailable", "a", "", "Retry-After: 600")
	again := second.expect("INVITE")
	if again.get("Call-ID") != invite.get("Call-ID") || again.param("Via", "branch") == invite.param("Via", "branch") {
		t.Errorf("%s", again)
	}
	second.respond(again, "200 OK", "b", testAnswer)
	second.expect("ACK")
	next[Answered](t, call)
	call.Hangup(CauseNormal)
	second.respond(second.expect("BYE"), "200 OK", "b", "")
	next[Ended](t, call)

	call = place(t, trunk, Invite{}) // the first one rests
	second.respond(second.expect("INVITE"), "486 Busy Here", "c", "")
	next[Failed](t, call)
	if n := server.Asked("SRV _sip._udp.carrier.test"); n != 1 {
		t.Errorf("the name service was asked %d times", n)
	}
	if s := trunk.Status(); s.Share != 1 {
		t.Errorf("%+v", s) // the trunk as such works
	}
}

// A server that says nothing is given up for the next one.
func TestNextServerOnSilence(t *testing.T) {
	t.Parallel()
	trunk, silent, second, _ := twoServers(t, TrunkConfig{Policy: Policy{AnswerTimeout: 200 * time.Millisecond}})
	call := place(t, trunk, Invite{})
	silent.expect("INVITE")
	second.respond(second.expect("INVITE"), "486 Busy Here", "b", "")
	if f := next[Failed](t, call); f.Class != Busy {
		t.Errorf("%v", f)
	}
}

// Registration goes on to the next server too, and calls follow it there.
func TestRegisterAtNextServer(t *testing.T) {
	t.Parallel()
	trunk, first, second, _ := twoServers(t, TrunkConfig{Username: "user", Password: "pw", Register: true})
	stop := run(t, trunk)
	first.respond(first.expect("REGISTER"), "503 Service Unavailable", "x", "")
	reg := second.expect("REGISTER")
	second.respond(reg, "200 OK", "x", "", "Contact: "+reg.get("Contact")+";expires=600", "Path: <sip:edge.carrier.test;lr>")
	eventually(t, "registered", state(trunk, StateRegistered))
	if s := trunk.Status(); len(s.Path) != 1 || s.Path[0] != "<sip:edge.carrier.test;lr>" {
		t.Errorf("%+v", s)
	}
	trunk.e.resolver.Worked(resolve.Server{Transport: "udp", Addr: mustAddr(first.addr)})
	call := place(t, trunk, Invite{}) // where we are known, although the other is well again
	second.respond(second.expect("INVITE"), "486 Busy Here", "b", "")
	next[Failed](t, call)
	if !serves(trunk, first.addr) || !serves(trunk, second.addr) || serves(trunk, "127.0.0.2:5060") {
		t.Error("calls from one of the servers are not the trunk's")
	}
	go func() { stop() }()
	second.respond(second.expectSkipping("REGISTER", "ACK"), "200 OK", "x", "")
}

func serves(t *Trunk, addr string) bool {
	host, _ := t.serves(mustAddr(addr))
	return host
}

// Without a transport of its own a trunk takes the one that the name service says.
func TestTransportByNAPTR(t *testing.T) {
	t.Parallel()
	tcp, accepted := newTCPPeer(t)
	e := named(t, `
carrier.test. 300 IN NAPTR 10 1 "s" "SIP+D2T" "" _sip._tcp.carrier.test.
carrier.test. 300 IN NAPTR 20 1 "s" "SIP+D2U" "" _sip._udp.carrier.test.
_sip._tcp.carrier.test. 300 IN SRV 0 0 `+port(tcp.addr)+` node.carrier.test.
node.carrier.test. 300 IN A 127.0.0.1
`, Config{})
	trunk := newTrunk(t, e, TrunkConfig{Server: "carrier.test", Transport: TransportAuto})
	call := place(t, trunk, Invite{})
	conn := receive(t, accepted, "connection")
	defer conn.Close()
	tcp.writer = func(raw string) { _, _ = conn.Write([]byte(raw)) }
	invite := tcp.expect("INVITE")
	if !strings.HasPrefix(invite.get("Via"), "SIP/2.0/TCP ") {
		t.Errorf("%s", invite)
	}
	tcp.respond(invite, "486 Busy Here", "a", "")
	next[Failed](t, call)
}

// Everything goes through the outbound proxy, with a Route to it.
func TestOutboundProxy(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, Config{})
	proxy := newPeer(t, addrOf(t, e, "udp"))
	trunk := newTrunk(t, e, TrunkConfig{
		Server: "carrier.invalid", OutboundProxy: proxy.addr, Username: "user", Password: "pw", Register: true,
	})
	stop := run(t, trunk)
	reg := proxy.expect("REGISTER")
	route := "<sip:" + proxy.addr + ";lr>"
	if reg.uri() != "sip:carrier.invalid" || reg.get("Route") != route {
		t.Errorf("%s", reg)
	}
	proxy.respond(reg, "200 OK", "x", "", "Contact: "+reg.get("Contact")+";expires=600")
	eventually(t, "registered", state(trunk, StateRegistered))
	call := place(t, trunk, Invite{})
	invite := proxy.expect("INVITE")
	if invite.uri() != "sip:+4930123456@carrier.invalid" || invite.get("Route") != route {
		t.Errorf("%s", invite)
	}
	proxy.respond(invite, "486 Busy Here", "a", "")
	next[Failed](t, call)
	go func() { stop() }()
	proxy.respond(proxy.expectSkipping("REGISTER", "ACK"), "200 OK", "x", "")
}

// What comes from the trunk's other addresses is the trunk's.
func TestSources(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, Config{})
	trunk := newTrunk(t, e, TrunkConfig{Server: "carrier.invalid", Sources: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	if !serves(trunk, "192.0.2.77:9") || serves(trunk, "198.51.100.1:5060") {
		t.Error("wrong")
	}
	if at := e.TrunksAt(mustAddr("192.0.2.77:9")); len(at) != 1 || at[0] != trunk {
		t.Errorf("%v", at)
	}
	if s := trunk.Status(); s.Room != math.MaxInt {
		t.Errorf("%+v", s)
	}
}
