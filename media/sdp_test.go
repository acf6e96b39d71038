package media

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/sdp/v3"
)

// body joins lines to a session description with the usual head.
func body(lines ...string) []byte {
	return []byte("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n" + strings.Join(lines, "\r\n") + "\r\n")
}

// answerFuzzed does with a description what Answer does, short of a session.
func answerFuzzed(t *testing.T, d *description, local string, security Security) {
	n := negotiation{}
	cfg, _ := SessionConfig{Security: security}.withDefaults()
	n.begin(netip.MustParseAddrPort(local), cfg)
	index, codec, err := n.choose(d, true)
	if err != nil {
		return
	}
	line := d.lines[index]
	answer := n.say(localDescription{
		formats: []format{{codec: codec}}, direction: line.direction.answer(), proto: line.proto,
		lines: d.lines, accepted: index,
	})
	back, err := parseDescription(answer)
	if err != nil {
		t.Fatalf("our answer does not parse: %v\n%s", err, answer)
	}
	if len(back.lines) != len(d.lines) || back.lines[index].port == 0 {
		t.Errorf("offer of %d lines answered with\n%s", len(d.lines), answer)
	}
}

func TestOffer(t *testing.T) {
	e := newTestEngine(t)
	s := newTestSession(t, e, PCMU, PCMA)
	offer := s.Offer()
	if !bytes.Equal(offer, s.Offer()) {
		t.Error("a second offer without a change differs")
	}
	for _, line := range []string{
		fmt.Sprintf("m=audio %d RTP/AVP 0 8 101", s.LocalAddr().Port()), "c=IN IP4 127.0.0.1",
		"a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16",
		"a=ptime:20", "a=sendrecv",
	} {
		if !strings.Contains(string(offer), line+"\r\n") {
			t.Errorf("the offer lacks %q:\n%s", line, offer)
		}
	}
	if s.LocalAddr().Port()%2 != 0 {
		t.Errorf("RTP on odd port %d", s.LocalAddr().Port())
	}
}

// TestNoEvents holds that a session which is to have no telephone events neither offers nor
// takes any.
func TestNoEvents(t *testing.T) {
	e := newTestEngine(t)
	s, err := e.NewSession(SessionConfig{NoEvents: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if offer := s.Offer(); bytes.Contains(offer, []byte("telephone-event")) {
		t.Errorf("the offer has telephone events:\n%s", offer)
	}
	answer, err := s.Answer(body("c=IN IP4 127.0.0.1", "m=audio 5000 RTP/AVP 8 101", "a=rtpmap:101 telephone-event/8000"))
	if err != nil || bytes.Contains(answer, []byte("telephone-event")) {
		t.Errorf("the answer has telephone events, %v:\n%s", err, answer)
	}
	if s.TakesEvents() || s.Press("1") == nil || s.formats.Load()[101] != 0 {
		t.Error("telephone events are sent or taken")
	}
}

func TestAccept(t *testing.T) {
	const at = "c=IN IP4 127.0.0.1"
	cases := []struct {
		name   string
		answer []byte
		err    error
		codec  Codec
		held   bool
		send   sendFormat
	}{
		{
			name: "usual", answer: body(at, "m=audio 4000 RTP/AVP 8 101", "a=rtpmap:101 telephone-event/8000"),
			codec: PCMA, send: sendFormat{payloadType: 8, event: 101, hasEvent: true, wanted: true, ptime: 20 * time.Millisecond},
		},
		{
			name: "the far side's order", answer: body(at, "m=audio 4000 RTP/AVP 18 0 8", "a=ptime:30"),
			codec: PCMU, send: sendFormat{payloadType: 0, wanted: true, ptime: 30 * time.Millisecond},
		},
		{
			name: "numbers of its own", answer: body(at, "m=audio 4000 RTP/AVP 107 96", "a=rtpmap:107 pcma/8000/1", "a=rtpmap:96 TELEPHONE-EVENT/8000"),
			codec: PCMA, send: sendFormat{payloadType: 107, event: 96, hasEvent: true, wanted: true, ptime: 20 * time.Millisecond},
		},
		{
			name: "events at another rate", answer: body(at, "m=audio 4000 RTP/AVP 8 101", "a=rtpmap:101 telephone-event/16000"),
			codec: PCMA, send: sendFormat{payloadType: 8, wanted: true, ptime: 20 * time.Millisecond},
		},
		{
			name: "long packets", answer: body(at, "m=audio 4000 RTP/AVP 8", "a=ptime:200"),
			codec: PCMA, send: sendFormat{payloadType: 8, wanted: true, ptime: 60 * time.Millisecond},
		},
		{
			name: "short packets", answer: body(at, "m=audio 4000 RTP/AVP 8", "a=maxptime:10"),
			codec: PCMA, send: sendFormat{payloadType: 8, wanted: true, ptime: 10 * time.Millisecond},
		},
		{
			name: "sendonly", answer: body(at, "m=audio 4000 RTP/AVP 8", "a=sendonly"),
			codec: PCMA, held: true, send: sendFormat{payloadType: 8, ptime: 20 * time.Millisecond},
		},
		{
			name: "inactive at session level", answer: body(at, "a=inactive", "m=audio 4000 RTP/AVP 8"),
			codec: PCMA, held: true, send: sendFormat{payloadType: 8, ptime: 20 * time.Millisecond},
		},
		{
			name: "0.0.0.0", answer: body("c=IN IP4 0.0.0.0", "m=audio 4000 RTP/AVP 8"),
			codec: PCMA, held: true, send: sendFormat{payloadType: 8, ptime: 20 * time.Millisecond},
		},
		{
			name: "media level overrides", answer: body("c=IN IP4 0.0.0.0", "a=inactive", "m=audio 4000 RTP/AVP 8", at, "a=recvonly"),
			codec: PCMA, send: sendFormat{payloadType: 8, wanted: true, ptime: 20 * time.Millisecond},
		},
		{
			name: "a video line first", answer: body(at, "m=video 0 RTP/AVP 96", "m=audio 4000 RTP/AVP 8"),
			codec: PCMA, send: sendFormat{payloadType: 8, wanted: true, ptime: 20 * time.Millisecond},
		},

		{
			name: "as some devices write", answer: []byte("v=0\no=Some Phone -5 1 IN IP4 pbx\nc=IN IP4 127.0.0.1 \nb=AS:\nm=image 5000 udptl t38\nm=audio 4000/1 RTP/AVP 0 \na=x\ny=?\na=ptime:20"),
			codec: PCMU, send: sendFormat{payloadType: 0, wanted: true, ptime: 20 * time.Millisecond},
		},

		{name: "empty", answer: nil, err: ErrSDP},
		{name: "a media line cut off", answer: body(at, "m=audio 4000"), err: ErrSDP},
		{name: "a port out of range", answer: body(at, "m=audio 65536 RTP/AVP 0"), err: ErrSDP},
		{name: "an address that is none", answer: body("c=IN", "m=audio 4000 RTP/AVP 0"), err: ErrSDP},
		{name: "a media line behind an address", answer: body("c=IN IP4 192.0.2.1 m=audio 4000 RTP/AVP 0", "m=audio 4000 RTP/AVP 0"), err: ErrSDP},
		{name: "rubbish", answer: []byte("v=zero\r\n"), err: ErrSDP},
		{name: "huge", answer: make([]byte, maxSDP+1), err: ErrSDP},
		{name: "rejected", answer: body(at, "m=audio 0 RTP/AVP 8"), err: ErrRejected},
		{name: "no audio", answer: body(at, "m=video 4000 RTP/AVP 96"), err: ErrNoAudio},
		{name: "encrypted only", answer: body(at, "m=audio 4000 RTP/SAVP 8"), err: ErrSecurity},
		{name: "no common codec", answer: body(at, "m=audio 4000 RTP/AVP 18 101", "a=rtpmap:101 telephone-event/8000"), err: ErrNoCommonCodec},
		{name: "8 is something else", answer: body(at, "m=audio 4000 RTP/AVP 8", "a=rtpmap:8 G729/8000"), err: ErrNoCommonCodec},
		{name: "no address", answer: body("m=audio 4000 RTP/AVP 8"), err: ErrAddress},
		{name: "a host name", answer: body("c=IN IP4 pbx.example.com", "m=audio 4000 RTP/AVP 8"), err: ErrAddress},
		{name: "multicast", answer: body("c=IN IP4 224.2.1.1/127", "m=audio 4000 RTP/AVP 8"), err: ErrAddress},
		{name: "the other family", answer: body("c=IN IP6 2001:db8::1", "m=audio 4000 RTP/AVP 8"), err: ErrAddress},
	}
	e := newTestEngine(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newTestSession(t, e)
			s.Offer()
			err := s.Accept(c.answer)
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			c.send.codec = c.codec
			if s.Codec() != c.codec || s.Held() != c.held || s.out.format != c.send {
				t.Errorf("%v, held %v, %+v; want %v, %v, %+v", s.Codec(), s.Held(), s.out.format, c.codec, c.held, c.send)
			}
		})
	}
}

func TestAnswer(t *testing.T) {
	const at = "c=IN IP4 127.0.0.1"
	cases := []struct {
		name  string
		offer []byte
		want  []string // lines of the answer
		held  bool
	}{
		{
			"ours first", body(at, "m=audio 4000 RTP/AVP 9 0 8 96", "a=rtpmap:96 telephone-event/8000"),
			[]string{"m=audio PORT RTP/AVP 8 96", "a=rtpmap:96 telephone-event/8000", "a=sendrecv"},
			false,
		},
		{"no events", body(at, "m=audio 4000 RTP/AVP 0"), []string{"m=audio PORT RTP/AVP 0", "a=sendrecv"}, false},
		{"hold, sendonly", body(at, "m=audio 4000 RTP/AVP 8", "a=sendonly"), []string{"a=recvonly"}, true},
		{"hold, inactive", body(at, "m=audio 4000 RTP/AVP 8", "a=inactive"), []string{"a=inactive"}, true},
		{"hold, the old way", body("c=IN IP4 0.0.0.0", "m=audio 4000 RTP/AVP 8"), []string{"a=recvonly"}, true},
		{"recvonly", body(at, "m=audio 4000 RTP/AVP 8", "a=recvonly"), []string{"a=sendonly"}, false},
		{
			"other streams", body(at, "m=video 4002 RTP/AVP 96 97", "m=audio 4004 RTP/SAVP 8", "m=audio 4000 RTP/AVPF 8", "m=audio 4006 RTP/AVP 8", "m=image 4008 udptl t38"),
			[]string{"m=video 0 RTP/AVP 96 97", "m=audio 0 RTP/SAVP 8", "m=audio PORT RTP/AVPF 8", "m=audio 0 RTP/AVP 8", "m=image 0 udptl t38"},
			false,
		},
	}
	e := newTestEngine(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newTestSession(t, e)
			answer, err := s.Answer(c.offer)
			if err != nil {
				t.Fatal(err)
			}
			at := 0
			for _, want := range c.want {
				want = strings.Replace(want, "PORT", fmt.Sprint(s.LocalAddr().Port()), 1)
				i := strings.Index(string(answer)[at:], want+"\r\n")
				if i < 0 {
					t.Fatalf("the answer lacks %q, or in this order:\n%s", want, answer)
				}
				at += i
			}
			if s.Held() != c.held {
				t.Errorf("held: %v", s.Held())
			}
		})
	}
}

// TestVersions: the session version goes up when our description changes, and only
// then (RFC 3264 section 8).
func TestVersions(t *testing.T) {
	s := newTestSession(t, newTestEngine(t))
	version := func(b []byte) (id, version uint64) {
		var sd sdp.SessionDescription
		if err := sd.Unmarshal(b); err != nil {
			t.Fatal(err)
		}
		return sd.Origin.SessionID, sd.Origin.SessionVersion
	}
	answer := func(lines ...string) []byte {
		b, err := s.Answer(body(append([]string{"c=IN IP4 127.0.0.1", "m=audio 4000 RTP/AVP 8"}, lines...)...))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first, again, hold, back := answer(), answer(), answer("a=sendonly"), answer()
	id, v1 := version(first)
	_, v2 := version(again)
	_, v3 := version(hold)
	id4, v4 := version(back)
	if v2 != v1 || v3 != v1+1 || v4 != v1+2 || id4 != id {
		t.Errorf("versions %d, %d, %d, %d of sessions %d … %d", v1, v2, v3, v4, id, id4)
	}
	if _, err := s.Answer(body("c=IN IP4 127.0.0.1", "m=audio 4000 RTP/AVP 3")); !errors.Is(err, ErrNoCommonCodec) {
		t.Errorf("GSM only: %v", err)
	}
	if s.Codec() != PCMA {
		t.Errorf("a refused offer left codec %v", s.Codec())
	}
}

func TestIPv6(t *testing.T) {
	if probe, err := (goroutines{}).open(netip.AddrPortFrom(netip.IPv6Loopback(), 0)); err != nil {
		t.Skipf("no IPv6 on the loopback interface (%v); to run this: sysctl net.ipv6.conf.lo.disable_ipv6=0", err)
	} else {
		probe.Close()
	}
	e, err := NewEngine(Config{Addr: netip.IPv6Loopback()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	a, b := newTestSession(t, e), newTestSession(t, e)
	answer, err := b.Answer(a.Offer())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Accept(answer); err != nil {
		t.Fatal(err)
	}
	await(t, "silence over IPv6", a.Received())
	await(t, "silence over IPv6", b.Received())
}

// TestBothFamilies: an engine with an address of each family gives sessions the one that
// their far side can be reached from, out of one range of ports.
func TestBothFamilies(t *testing.T) {
	six := netip.IPv6Loopback()
	for _, bad := range []netip.Addr{netip.IPv6Unspecified(), netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("::ffff:127.0.0.2")} {
		if _, err := NewEngine(Config{Addr: loopback, Other: bad}); !errors.Is(err, ErrAddress) {
			t.Errorf("other address %v: %v", bad, err)
		}
	}
	e, err := NewEngine(Config{Addr: loopback, Other: six})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for toward, want := range map[netip.Addr]netip.Addr{
		{}: loopback, netip.MustParseAddr("192.0.2.1"): loopback, netip.MustParseAddr("2001:db8::1"): six,
		netip.MustParseAddr("::ffff:192.0.2.1"): loopback,
	} {
		s, err := e.NewSession(SessionConfig{Toward: toward})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.LocalAddr().Addr(); got != want || AddressOf(s.Offer()) != want {
			t.Errorf("toward %v: %v, in the offer %v", toward, got, AddressOf(s.Offer()))
		}
	}
	if got := AddressOf([]byte("v=0\r\nno description")); got.IsValid() {
		t.Errorf("an address in nothing: %v", got)
	}
	at := func(addr netip.Addr) leg {
		s, err := e.NewSession(SessionConfig{Toward: addr})
		if err != nil {
			t.Fatal(err)
		}
		p := newPhoneAt(t, s, addr)
		if err := s.Accept(p.sdp("8")); err != nil {
			t.Fatal(err)
		}
		return leg{s, p}
	}
	customer, agent := at(loopback), at(six)
	if _, err := e.Bridge(customer.Session, agent.Session); err != nil {
		t.Fatal(err)
	}
	agent.phone.send(filled(1))
	customer.phone.wait(0, holds(1))
	customer.phone.send(filled(2))
	agent.phone.wait(0, holds(2))
	// The phone behind a NAT that gave it another port is followed (symmetric RTP).
	moved := newPhoneAt(t, agent.Session, six)
	if err := agent.Accept(moved.sdp("8")); err != nil {
		t.Fatal(err)
	}
	natted := newPhoneAt(t, agent.Session, six)
	natted.send(filled(3))
	customer.phone.wait(0, holds(3))
	customer.phone.send(filled(4))
	natted.wait(0, holds(4))
}
