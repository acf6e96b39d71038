package sip

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// viaSeenAt adds to a response what a server behind a NAT would (RFC 3581 section 4).
func viaSeenAt(p *peer, req *message, status, public string, extra ...string) string {
	host, portNumber, _ := strings.Cut(public, ":")
	raw := p.response(req, status, "x", "", extra...)
	return strings.Replace(raw, ";rport", ";received="+host+";rport="+portNumber, 1)
}

// The server sees us behind a NAT: Contact is rewritten to the public address, the
// other binding removed in the same REGISTER, and calls name it too. When the NAT
// moves us, it begins anew.
func TestPublicAddress(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{Username: "user", Password: "pw", Register: true})
	stop := run(t, trunk)
	private := addrOf(t, trunk.e, "udp")
	uri := func(m *message) string {
		contact, _, _ := strings.Cut(m.get("Contact"), ";+sip")
		return contact
	}
	reg := p.expect("REGISTER")
	if uri(reg) != "<sip:user@"+private+">" {
		t.Errorf("%s", reg)
	}
	p.send(viaSeenAt(p, reg, "200 OK", "192.0.2.7:40123", "Contact: "+reg.get("Contact")+";expires=600"))
	reg = p.expect("REGISTER")
	if uri(reg) != "<sip:user@192.0.2.7:40123>" || len(reg.all("Contact")) != 2 || reg.all("Contact")[1] != "<sip:user@"+private+">;expires=0" {
		t.Errorf("%s", reg)
	}
	p.send(viaSeenAt(p, reg, "200 OK", "192.0.2.7:40123", "Contact: "+reg.all("Contact")[0]+";expires=2"))
	eventually(t, "registered", state(trunk, StateRegistered))
	if a, ok := trunk.Public(); !ok || a.String() != "192.0.2.7" {
		t.Errorf("public %s", a)
	}
	call := place(t, trunk, Invite{})
	invite := p.expectSkipping("INVITE", "REGISTER")
	if invite.get("Contact") != "<sip:user@192.0.2.7:40123>" || !strings.Contains(invite.get("Via"), private) {
		t.Errorf("%s", invite)
	}
	p.respond(invite, "486 Busy Here", "a", "")
	next[Failed](t, call)

	reg = p.expectSkipping("REGISTER", "ACK") // the refresh, a second later
	p.send(viaSeenAt(p, reg, "200 OK", "192.0.2.8:5555", "Contact: "+reg.get("Contact")+";expires=600"))
	reg = p.expectSkipping("REGISTER", "ACK")
	if all := reg.all("Contact"); uri(reg) != "<sip:user@192.0.2.8:5555>" || len(all) != 2 || all[1] != "<sip:user@192.0.2.7:40123>;expires=0" {
		t.Errorf("%s", reg)
	}
	p.send(viaSeenAt(p, reg, "200 OK", "192.0.2.8:5555", "Contact: "+reg.get("Contact")+";expires=600"))
	eventually(t, "registered there", func() bool { return time.Until(trunk.Status().Expires) > time.Minute })
	go stop()
	reg = p.expectSkipping("REGISTER", "ACK")
	if uri(reg) != "<sip:user@192.0.2.8:5555>" || reg.get("Expires") != "0" || len(reg.all("Contact")) != 1 {
		t.Errorf("%s", reg)
	}
	p.respond(reg, "200 OK", "x", "")
}

// A trunk without registration learns it from its pings.
func TestPublicAddressByPing(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{HealthInterval: 30 * time.Second})
	run(t, trunk)
	ping := p.expect("OPTIONS")
	p.send(viaSeenAt(p, ping, "200 OK", "192.0.2.7:40123"))
	eventually(t, "public address", func() bool { _, ok := trunk.Public(); return ok })
	call := place(t, trunk, Invite{})
	invite := p.expect("INVITE")
	if invite.get("Contact") != "<sip:ringpace@192.0.2.7:40123>" {
		t.Errorf("%s", invite)
	}
	p.respond(invite, "486 Busy Here", "a", "")
	next[Failed](t, call)
}

// The instance is the same after a restart, and another for another trunk or node.
func TestInstance(t *testing.T) {
	t.Parallel()
	of := func(node, name string) string {
		return newTrunk(t, newEndpoint(t, Config{Node: node}), TrunkConfig{Name: name, Server: "carrier.test"}).instance()
	}
	one := of("node-1", "carrier")
	if !regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(one) {
		t.Error(one)
	}
	if of("node-1", "carrier") != one || of("node-2", "carrier") == one || of("node-1", "other") == one {
		t.Error("not stable, or not distinct")
	}
}

// RFC 6140: one contact without a user for all numbers of the account.
func TestBulkContact(t *testing.T) {
	t.Parallel()
	trunk, p := script(t, TrunkConfig{Username: "pbx", Password: "pw", Register: true, BulkContact: true})
	stop := run(t, trunk)
	reg := p.expect("REGISTER")
	contact := "<sip:" + addrOf(t, trunk.e, "udp") + ";bnc>"
	if !strings.HasPrefix(reg.get("Contact"), contact+";+sip.instance=") || reg.get("Require") != "gin" ||
		reg.get("Proxy-Require") != "gin" || reg.get("Supported") != "path, gin" {
		t.Errorf("%s", reg)
	}
	p.respond(reg, "200 OK", "x", "", "Contact: "+contact+";expires=600")
	eventually(t, "registered", state(trunk, StateRegistered))
	go stop()
	p.respond(p.expect("REGISTER"), "200 OK", "x", "")
}
