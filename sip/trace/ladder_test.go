package trace

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write the expected ladders anew")

// sip writes a message of a call.
func sip(start, callID, cseq, more, body string) []byte {
	return []byte(start + "\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK" + cseq + "\r\nCall-ID: " + callID + "\r\nCSeq: " + cseq + "\r\n" +
		more + "Content-Type: application/sdp\r\n\r\n" + body)
}

const (
	theOffer  = "v=0\r\nc=IN IP4 192.0.2.10\r\nm=audio 20000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=crypto:1 X inline:secret\r\n"
	theAnswer = "v=0\r\nm=audio 9000 RTP/AVP 96\r\nc=IN IP6 2001:db8::9\r\na=rtpmap:96 opus/48000/2\r\na=sendonly\r\nm=video 1 RTP/AVP 97\r\na=rtpmap:97 VP8/9\r\na=inactive\r\n"
)

// shift is a recorder after an agent's leg was set up, a call was tried over two
// trunks, and bridged.
func shift() *Recorder {
	r := New(Config{})
	pbx := netip.MustParseAddrPort("192.0.2.30:5060")
	backup := netip.MustParseAddrPort("[2001:db8::5]:5061")
	out := func(to netip.AddrPort, m []byte) {
		time.Sleep(time.Millisecond)
		r.Record(true, "udp", ours, to, m)
	}
	in := func(from netip.AddrPort, m []byte) {
		time.Sleep(20 * time.Millisecond)
		r.Record(false, "udp", ours, from, m)
	}
	const leg, first, second = "LEG@192.0.2.10", "CALL@192.0.2.10", "CALL-2@192.0.2.10"
	out(pbx, sip("INVITE sip:1001@pbx SIP/2.0", leg, "1 INVITE", "", theOffer))
	in(pbx, sip("SIP/2.0 200 OK", leg, "1 INVITE", "", theAnswer))
	out(pbx, sip("ACK sip:1001@pbx SIP/2.0", leg, "1 ACK", "", ""))
	in(pbx, sip("INVITE sip:us SIP/2.0", leg, "7 INVITE", "", theOffer)) // of an earlier call
	time.Sleep(time.Hour)

	invite := sip("INVITE sip:+4930@carrier SIP/2.0", first, "1 INVITE", "", theOffer)
	out(carrier, invite)
	time.Sleep(500 * time.Millisecond)
	out(carrier, invite)
	in(carrier, sip("SIP/2.0 503 Service \x1b[2JUnavailable", first, "1 INVITE", "Retry-After: 30\r\n", ""))
	out(carrier, sip("ACK sip:+4930@carrier SIP/2.0", first, "1 ACK", "", ""))
	out(backup, sip("INVITE sip:+4930@backup SIP/2.0", second, "1 INVITE", "Proxy-Authorization: Digest response=\"ab\"\r\n", theOffer))
	in(backup, sip("SIP/2.0 180 Ringing", second, "1 INVITE", "", ""))
	in(backup, sip("SIP/2.0 200 OK", second, "1 INVITE", "", theAnswer))
	out(backup, sip("ACK sip:+4930@backup SIP/2.0", second, "1 ACK", "Proxy-Authorization: Digest response=\"ab\"\r\n", ""))
	r.Link("CALL", "LEG", "agent Anna")
	r.Note("CALL", "customer and agent hear each other")
	in(pbx, sip("INVITE sip:us SIP/2.0", leg, "8 INVITE", "", theOffer))
	in(backup, sip("BYE sip:us SIP/2.0", second, "1 BYE", "Reason: Q.850;cause=16\r\n", ""))
	out(backup, sip("SIP/2.0 200 OK", second, "1 BYE", "", ""))
	time.Sleep(time.Hour)
	in(pbx, sip("INVITE sip:us SIP/2.0", leg, "9 INVITE", "", theOffer)) // of a later call
	r.Note("OTHER", "another call's")
	return r
}

func names(a netip.AddrPort) string {
	if a == carrier {
		return "carrier"
	}
	return map[bool]string{true: "backup"}[a.Addr().Is6()]
}

func TestLadderShowsAWholeCall(t *testing.T) {
	for _, width := range []int{120, 72} {
		synctest.Test(t, func(t *testing.T) {
			l, ok := shift().Ladder("CALL", names)
			if !ok {
				t.Fatal("nothing is kept")
			}
			var b strings.Builder
			if err := l.Render(&b, width, false); err != nil {
				t.Fatal(err)
			}
			got := b.String()
			for line := range strings.Lines(got) {
				if n := utf8.RuneCountInString(line) - 1; n > max(width, 16+3*leastGap+12) {
					t.Errorf("%d characters in a terminal of %d: %q", n, width, line)
				}
			}
			path := filepath.Join("testdata", map[int]string{120: "wide.txt", 72: "narrow.txt"}[width])
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestLadderOfAnUnknownCall(t *testing.T) {
	if _, ok := New(Config{}).Ladder("x", names); ok {
		t.Error("found")
	}
	r := New(Config{})
	r.Record(false, "udp", ours, carrier, sip("INVITE sip:us SIP/2.0", "theirs@carrier", "1 INVITE", "", ""))
	r.Link("01IN", "theirs@carrier", "")
	l, ok := r.Ladder("01IN", func(netip.AddrPort) string { return "" })
	if !ok || len(l.Steps) != 1 || l.Parties[0].Name != carrier.String() || l.Parties[1].Name != us {
		t.Errorf("the ladder of a call that came in: %+v, %v", l, ok)
	}
}

func TestMessagesInFullShowNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := shift().Ladder("CALL", names)
		var b strings.Builder
		if err := l.Render(&b, 100, true); err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"secret", `"ab"`, "\x1b"} {
			if strings.Contains(b.String(), secret) {
				t.Errorf("%q is shown", secret)
			}
		}
		if !strings.Contains(b.String(), "          Proxy-Authorization: Digest response=\"**\"\n") {
			t.Errorf("messages are missing:\n%s", b.String())
		}
	})
}

func FuzzLadder(f *testing.F) {
	f.Add(sip("INVITE sip:a SIP/2.0", "CALL@h", "1 INVITE", "Reason: x\r\n", theOffer), 80)
	f.Add([]byte("SIP/2.0 \xff\r\nCall-ID: CALL\r\n\r\nm=audio 1 2\r\nc=a b c"), 1)
	f.Add([]byte("\nCall-ID: CALL\nCSeq:0\r00"), 80)
	f.Fuzz(func(t *testing.T, data []byte, width int) {
		r := New(Config{Bytes: 1 << 20, Messages: 10})
		r.Record(true, "udp", ours, carrier, data)
		r.Record(false, "udp", ours, carrier, sip("SIP/2.0 200 OK", "CALL@h", "1 X", "", string(data)))
		l, ok := r.Ladder("CALL", names)
		if !ok {
			t.Fatal("not found")
		}
		var b strings.Builder
		if err := l.Render(&b, width, false); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(b.String(), "\x1b\r\x00") {
			t.Fatalf("control characters: %q", b.String())
		}
	})
}

// An agent's leg stays up for many calls, and each has its part of it: with the whole
// set-up, challenges and all, and what was said while the leg was linked.
func TestEachCallShowsItsPartOfALegThatStaysUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New(Config{})
		pbx, tls := netip.MustParseAddrPort("192.0.2.30:5060"), netip.MustParseAddrPort("192.0.2.10:5061")
		leg := func(start, cseq, more string) {
			time.Sleep(time.Millisecond)
			r.Record(true, "tls", tls, pbx, sip(start+" SIP/2.0", "LEG@h", cseq, more, ""))
		}
		said := func(status, cseq string) {
			time.Sleep(time.Millisecond)
			r.Record(false, "tls", tls, pbx, sip("SIP/2.0 "+status, "LEG@h", cseq, "", ""))
		}
		leg("INVITE sip:1001@pbx", "1 INVITE", "To: <sip:1001@pbx>\r\n")
		said("401 Unauthorized", "1 INVITE")
		leg("ACK sip:1001@pbx", "1 ACK", "")
		leg("INVITE sip:1001@pbx", "2 INVITE", "To: <sip:1001@pbx>\r\n")
		said("200 OK", "2 INVITE")
		leg("ACK sip:1001@pbx", "2 ACK", "")
		call := func(id, update string) {
			time.Sleep(time.Minute)
			r.Record(true, "udp", ours, carrier, sip("INVITE sip:c@d SIP/2.0", id+"@h", "1 INVITE", "", ""))
			leg("UPDATE sip:1001@pbx", update+"0 UPDATE", "") // before the agent had the call
			time.Sleep(time.Millisecond)
			r.Link(id, "LEG", "agent Anna")
			leg("UPDATE sip:1001@pbx", update+"1 UPDATE", "")
			r.Link(id, "LEG", "agent Anna") // after a hold
			leg("UPDATE sip:1001@pbx", update+"2 UPDATE", "")
			r.Unlink(id, "LEG")
			time.Sleep(tailTime + time.Second)
			leg("UPDATE sip:1001@pbx", update+"3 UPDATE", "")
			r.Record(false, "udp", ours, carrier, sip("BYE sip:c@d SIP/2.0", id+"@h", "1 BYE", "", ""))
		}
		call("A", "10")
		call("B", "20")
		for id, want := range map[string]string{"A": "101 UPDATE 102 UPDATE", "B": "201 UPDATE 202 UPDATE"} {
			l, _ := r.Ladder(id, names)
			if len(l.Parties) != 3 || l.Parties[2].Name != "agent Anna" || l.Parties[1].Address != "192.0.2.10:5061, 192.0.2.10:5060" {
				t.Errorf("%s: parties %+v", id, l.Parties)
			}
			var seen []string
			for _, s := range l.Steps {
				if s.CallID == "LEG@h" {
					seen = append(seen, s.CSeq)
				}
			}
			if got := strings.Join(seen, " "); got != "1 INVITE 1 INVITE 1 ACK 2 INVITE 2 INVITE 2 ACK "+want {
				t.Errorf("%s: the agent's leg shows %s", id, got)
			}
			var b strings.Builder
			if err := l.Render(&b, 60, false); err != nil {
				t.Fatal(err)
			}
			if got := b.String(); !strings.Contains(got, "CSeq "+want[:3]) || !strings.Contains(got, "192.0.2.10:5061") || !strings.Contains(got, "192.0.2.10:5060") {
				t.Errorf("what is narrow lacks a CSeq or one of our addresses:\n%s", got)
			}
		}
	})
}

// What is kept of a leg may begin amid a dialog: that sets nothing up.
func TestLegWhoseSetUpIsForgotten(t *testing.T) {
	var s setUp
	for _, m := range [][]byte{
		sip("INVITE sip:us SIP/2.0", "LEG@h", "9 INVITE", "To: <sip:us>;tag=1\r\n", ""),
		sip("SIP/2.0 200 OK", "LEG@h", "9 INVITE", "", ""),
	} {
		if s.takes(m) {
			t.Errorf("taken for a part of the set-up: %q", m)
		}
	}
}

// Two agents at one PBX have columns of their own.
func TestPartiesThatShareAnAddress(t *testing.T) {
	r := New(Config{})
	pbx := netip.MustParseAddrPort("192.0.2.30:5060")
	r.Record(true, "udp", ours, carrier, sip("INVITE sip:c@d SIP/2.0", "A@h", "1 INVITE", "", ""))
	r.Link("A", "ONE", "agent Anna")
	r.Link("A", "TWO", "agent Ben")
	for _, leg := range []string{"ONE@h", "TWO@h"} {
		r.Record(true, "udp", ours, pbx, sip("INVITE sip:x@pbx SIP/2.0", leg, "1 INVITE", "", ""))
	}
	l, _ := r.Ladder("A", names)
	if len(l.Parties) != 4 || l.Steps[1].To != 2 || l.Steps[2].To != 3 {
		t.Errorf("%+v", l)
	}
}

// Five parties, one of them over TLS from another port of ours: no message loses its CSeq
// number nor what matters in it, however wide the terminal, and our column names both
// sockets.
func TestLadderOfManyParties(t *testing.T) {
	r := New(Config{})
	secure := netip.MustParseAddrPort("192.0.2.10:41234")
	r.Record(true, "udp", ours, carrier, sip("INVITE sip:c@d SIP/2.0", "A@h", "101 INVITE", "", theOffer))
	for i, party := range []string{"agent Anna", "agent Ben", "agent Cleo"} {
		leg := "LEG" + party[6:]
		r.Link("A", leg, party)
		at := netip.AddrPortFrom(netip.MustParseAddr("192.0.2.30"), uint16(5061+i))
		r.Record(true, "tls", secure, at, sip("INVITE sip:x@pbx SIP/2.0", leg+"@h", "201 INVITE", "", theOffer))
		r.Record(false, "tls", secure, at, sip("SIP/2.0 486 Busy Here", leg+"@h", "201 INVITE", "Reason: Q.850;cause=17\r\n", ""))
	}
	l, ok := r.Ladder("A", names)
	if !ok || len(l.Parties) != 5 {
		t.Fatalf("%+v", l)
	}
	for _, width := range []int{60, 80, 100, 120, 160} {
		var b strings.Builder
		if err := l.Render(&b, width, false); err != nil {
			t.Fatal(err)
		}
		got := b.String()
		for text, n := range map[string]int{"CSeq 101": 1, "CSeq 201": 6, "PCMU at": 4, "Reason: Q.850;cause=17": 3, "INVITE -": 4, ours.String(): 1, secure.String(): 1} {
			if strings.Count(got, text) != n {
				t.Errorf("width %d: %q %d times, want %d, in\n%s", width, text, strings.Count(got, text), n, got)
			}
		}
	}
}
