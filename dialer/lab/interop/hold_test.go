package interop

import (
	"fmt"
	"strings"
	"testing"

	"ringpace/sip"
)

// The three ways to spell hold pass through the signalling untouched, in re-INVITEs and
// as the answer to ours, and the session tells after each whether it is held.
func TestHeldInEverySpelling(t *testing.T) {
	answered := make(chan *sip.Call, 1)
	describe := func(address, direction string) []byte {
		return fmt.Appendf(nil, "v=0\r\no=- 7 7 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n"+
			"m=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=%s\r\n", address, direction)
	}
	offers := make(chan string, 1)
	far := newEndpoint(t, sip.Config{Invite: func(in *sip.Incoming) {
		c, err := in.Answer(describe("127.0.0.1", "sendrecv"), func(offer []byte) ([]byte, error) {
			offers <- string(offer)
			return describe("127.0.0.1", "recvonly"), nil // whoever holds hears that it does
		})
		if err != nil {
			t.Error(err)
		}
		answered <- c
	}})
	at, _ := far.Addr("udp")
	c := place(t, newTrunk(t, newEndpoint(t, sip.Config{}), sip.TrunkConfig{Server: at.String()}), sip.Invite{})
	if err := c.session.Accept(next[sip.Answered](c).Body); err != nil {
		t.Fatal(err)
	}
	phone := <-answered
	for _, spelling := range []struct {
		address, direction string
		held               bool
		answer             string
	}{
		{"127.0.0.1", "sendonly", true, "a=recvonly"},
		{"127.0.0.1", "sendrecv", false, "a=sendrecv"},
		{"127.0.0.1", "inactive", true, "a=inactive"},
		{"127.0.0.1", "sendrecv", false, "a=sendrecv"},
		{"0.0.0.0", "sendrecv", true, "a="}, // RFC 3264 section 8.4, the way of RFC 2543
		{"127.0.0.1", "sendrecv", false, "a=sendrecv"},
	} {
		answer, err := phone.Reinvite(t.Context(), describe(spelling.address, spelling.direction))
		if err != nil {
			t.Fatalf("%+v: %v", spelling, err)
		}
		if c.session.Held() != spelling.held || !strings.Contains(string(answer), spelling.answer) {
			t.Errorf("%+v: held %t, answer %q", spelling, c.session.Held(), answer)
		}
	}
	answer, err := c.Reinvite(t.Context(), c.session.Offer())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.session.Accept(answer); err != nil {
		t.Fatal(err)
	}
	if offer := <-offers; !strings.Contains(offer, "m=audio ") {
		t.Errorf("offer %q", offer)
	}
	c.finish()
	if ended, ok := (<-phone.Events()).(sip.Ended); !ok || ended.ByUs {
		t.Errorf("%+v", ended)
	}
}
