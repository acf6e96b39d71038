package sip

import (
	"net/netip"
	"strings"
	"testing"
)

// What could end a line, in the ways that parsers take for an end, or a URI.
var breakouts = []string{"\r\nX-Evil: 1", "\nX-Evil: 1", "\rX-Evil: 1", "\x00", "%0d%0aX-Evil: 1", "\">\r\nX-Evil: 1\r\n\r\n", "\u2028X-Evil: 1", ">;x=<sip:evil", "a@evil.example"}

// No field that a caller of this package can fill breaks out of its place, whatever
// stands in it: it is refused, or it arrives as what it is.
func TestNoFieldBreaksOut(t *testing.T) {
	e := newEndpoint(t, Config{})
	p := newPeer(t, addrOf(t, e, "udp"))
	trunk := newTrunk(t, e, TrunkConfig{Server: p.addr})
	sent := 0
	for _, evil := range breakouts {
		for field, inv := range map[string]Invite{
			"To":          {To: "+4930123456" + evil},
			"CallerID":    {CallerID: "+4930999" + evil},
			"DisplayName": {DisplayName: "Ann" + evil},
			"ID":          {ID: "01ID" + evil},
			"header":      {Headers: []Header{{Name: "X-Lead", Value: "7" + evil}}},
			"header name": {Headers: []Header{{Name: "X-Lead" + evil, Value: "7"}}},
		} {
			if inv.To == "" {
				inv.To = "+4930123456"
			}
			if inv.CallerID == "" {
				inv.CallerID = "+4930999"
			}
			inv.Offer, inv.RingTimeout = []byte(testOffer), patience
			c, err := trunk.Invite(t.Context(), inv)
			if err != nil {
				continue
			}
			m := p.expect("INVITE")
			sent++
			if m.get("X-Evil") != "" || len(m.all("From")) != 1 || m.body != testOffer ||
				strings.Contains(m.uri(), "evil") || strings.Contains(m.get("Contact"), "evil") {
				t.Errorf("%s with %q: %s", field, evil, m)
			}
			if from := m.get("From"); strings.Contains(strings.Split(from, "<")[len(strings.Split(from, "<"))-1], "evil") {
				t.Errorf("%s with %q: From is %s", field, evil, from)
			}
			p.respond(m, "486 Busy Here", "1", "")
			p.expect("ACK")
			skipTo[Failed](t, c)
		}
		for field, cfg := range map[string]TrunkConfig{
			"server": {Server: p.addr + evil}, "domain": {Domain: "carrier" + evil}, "username": {Username: "u" + evil},
			"auth username": {Username: "u", AuthUsername: "a" + evil}, "display name": {Identity: Identity{DisplayName: "N" + evil}},
		} {
			if cfg.Server == "" {
				cfg.Server = p.addr
			}
			cfg.Name = "evil"
			bad, err := NewTrunk(e, cfg)
			if err != nil {
				continue
			}
			c := place(t, bad, Invite{})
			m := p.expect("INVITE")
			if m.get("X-Evil") != "" || m.body != testOffer {
				t.Errorf("trunk's %s with %q: %s", field, evil, m)
			}
			p.respond(m, "486 Busy Here", "1", "")
			p.expect("ACK")
			skipTo[Failed](t, c)
		}
		if strings.ContainsAny(evil, "\r\n\x00") {
			bad, err := NewEndpoint(Config{Listen: []Listen{{Transport: "udp", Addr: netip.AddrPortFrom(loopback, 0)}}, UserAgent: "x" + evil})
			if err == nil {
				t.Errorf("the user agent %q was taken", evil)
				_ = bad.Close(t.Context())
			}
		}
	}
	if sent == 0 {
		t.Error("everything was refused, display names and header values too: nothing was tried on the wire")
	}
}
