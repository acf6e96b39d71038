package trace

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	ours    = netip.MustParseAddrPort("192.0.2.10:5060")
	carrier = netip.MustParseAddrPort("203.0.113.1:5060")
)

func message(callID, body string) []byte {
	return []byte("OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK" + callID + "\r\nFrom: <sip:a@b>;tag=1\r\n" +
		"To: <sip:c@d>\r\nCall-ID: " + callID + "\r\nCSeq: 1 OPTIONS\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)) + body)
}

// What is kept is what was recorded last, whole and in order, however the lengths fall.
func TestRingKeepsTheLatestWithinItsBounds(t *testing.T) {
	for _, bounds := range []Config{{Bytes: 2000, Messages: 5}, {Bytes: 1500, Messages: 1000}, {Bytes: 100_000, Messages: 7}, {Bytes: 400, Messages: 3}} {
		r := New(bounds)
		var all [][]byte
		for i := range 500 {
			m := message("call@h", strings.Repeat("x", i*i*7919%230))
			if len(m) > bounds.Bytes {
				continue
			}
			r.Record(i%2 == 0, "udp", ours, carrier, m)
			all = append(all, m)
			got := r.Messages("call")
			sum := 0
			for _, g := range got {
				sum += len(g.Data)
			}
			if len(got) == 0 || len(got) > bounds.Messages || sum > bounds.Bytes {
				t.Fatalf("%+v: %d messages of %d bytes are kept", bounds, len(got), sum)
			}
			tail := all[len(all)-len(got):]
			for j, g := range got {
				if !bytes.Equal(g.Data, tail[j]) {
					t.Fatalf("%+v after %d: message %d of %d is another one", bounds, i, j, len(got))
				}
			}
		}
		if got := r.Stats(); got.Recorded != uint64(len(all)) || got.Kept != len(r.Messages("call")) {
			t.Errorf("stats %+v", got)
		}
	}
	r := New(Config{Bytes: 300, Messages: 3})
	r.Record(true, "udp", ours, carrier, message("c", strings.Repeat("x", 300))) // longer than everything
	r.Record(true, "udp", ours, carrier, []byte("\r\n\r\n"))
	if r.Stats().Kept != 0 {
		t.Error("kept what cannot or need not be")
	}
	var none *Recorder
	none.Record(true, "udp", ours, carrier, message("c", ""))
	none.Link("a", "b", "c")
	if none.Messages("c") != nil || none.Stats().Kept != 0 {
		t.Error("a nil recorder keeps something")
	}
}

func TestCallsAreFoundByIdAndByLink(t *testing.T) {
	r := New(Config{})
	r.Record(true, "udp", ours, carrier, message("01A@192.0.2.10", "1"))
	r.Record(true, "udp", ours, carrier, message("01AB@192.0.2.10", "2"))
	r.Record(false, "udp", ours, carrier, bytes.Replace(message("01A@192.0.2.10", "3"), []byte("Call-ID: "), []byte("i  :\t"), 1))
	r.Record(true, "udp", ours, carrier, message("leg@192.0.2.10", "4"))
	r.Record(false, "udp", ours, carrier, message("other@192.0.2.10", "Call-ID: 01A@192.0.2.10\r\n"))
	r.Record(false, "udp", ours, carrier, message("x-1-2@192.0.2.10", "7"))
	bodies := func(id string) (list []string) {
		for _, m := range r.Messages(id) {
			_, body, _ := bytes.Cut(m.Data, []byte("\r\n\r\n"))
			list = append(list, string(body))
		}
		return list
	}
	for id, want := range map[string]string{
		"01A": "[1 3]", "01A@192.0.2.10": "[1 3]", "01AB": "[2]", "01": "[]", "": "[]", "leg": "[4]", "x-1": "[7]", "x-1-2": "[7]", "x": "[]",
	} {
		if got := fmt.Sprint(bodies(id)); got != want {
			t.Errorf("%q: %s, want %s", id, got, want)
		}
	}
	r.Link("01A", "leg@192.0.2.10", "agent 7")
	r.Record(true, "udp", ours, carrier, message("leg@192.0.2.10", "5"))
	r.Record(true, "udp", ours, carrier, message("01A@192.0.2.10", "6"))
	if got := fmt.Sprint(bodies("01A")); got != "[1 3 5 6]" {
		t.Errorf("with the linked leg: %s", got)
	}
	for i := range maxLinks + 10 {
		r.Link("x", fmt.Sprint(i), "")
	}
	if len(r.links) != maxLinks || len(r.linked["x"]) != maxLinks || len(r.order) != maxLinks || r.linked["01A"] != nil {
		t.Errorf("%d links are kept", len(r.links))
	}
}

// A call is looked up in steps, and packets get in between; what they overwrite is left
// out, and nothing else stands in its place.
func TestLookingUpHoldsUpNoPacket(t *testing.T) {
	const kept = 4 * stepLength
	r := New(Config{Messages: kept})
	record := func(callID string, n int) {
		for range n {
			r.Record(true, "udp", ours, carrier, message(callID, ""))
		}
	}
	record("long@h", kept)
	ids := []string{"long"}
	all, at := r.step(*r.chain([]byte("long")), ids, nil)
	if len(all) != stepLength || at == 0 {
		t.Fatalf("%d messages in one step, then %d", len(all), at)
	}
	record("other@h", stepLength+10) // over the oldest
	for at > 0 {
		before := len(all)
		all, at = r.step(at, ids, all)
		if len(all) > before+stepLength {
			t.Errorf("%d messages in one step", len(all)-before)
		}
	}
	if want := kept - stepLength - 10; len(all) != want {
		t.Errorf("%d messages, want %d", len(all), want)
	}
	for _, m := range all {
		if m.CallID != "long@h" || !bytes.Equal(m.Data, message("long@h", "")) {
			t.Fatalf("%+v", m)
		}
	}
	if got := len(r.Messages("other")); got != stepLength+10 {
		t.Errorf("%d messages of the other call", got)
	}
	for i := range maxLinks + 10 {
		r.Note(fmt.Sprint(i%2), "x")
	}
	if got := len(r.notesOf("1")); got != maxLinks/2 {
		t.Errorf("%d notes", got)
	}
}

func TestSecretsAreMasked(t *testing.T) {
	const before = "REGISTER sip:b SIP/2.0\r\n" +
		"Authorization: Digest username=\"response\", realm=\"r, response=1\", nonce=\"n\",response=\"0123abcd\",\r\n" +
		" CNONCE = \"c4f3\", qop=auth, nc=00000001\r\n" +
		"Proxy-Authorization : Digest response=abc, cnonce=\"def\"\r\n" +
		"authorization: Basic dXNlcjpwYXNz\r\n" +
		"X-Response: response=\"0123abcd\"\r\n" +
		"Call-ID: c@h\r\nContent-Length: 93\r\n\r\n" +
		"v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkg|2^20|1:4;inline:QUJD\r\n" +
		"a=rtpmap:8 PCMA/8000\r\n"
	const after = "REGISTER sip:b SIP/2.0\r\n" +
		"Authorization: Digest username=\"response\", realm=\"r, response=*\", nonce=\"n\",response=\"********\",\r\n" +
		" CNONCE = \"****\", qop=auth, nc=00000001\r\n" +
		"Proxy-Authorization : Digest response=***, cnonce=\"***\"\r\n" +
		"authorization: Basic ************\r\n" +
		"X-Response: response=\"0123abcd\"\r\n" +
		"Call-ID: c@h\r\nContent-Length: 93\r\n\r\n" +
		"v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:********************|2^20|1:4;inline:****\r\n" +
		"a=rtpmap:8 PCMA/8000\r\n"
	r := New(Config{})
	data := []byte(before)
	r.Record(true, "udp", ours, carrier, data)
	if string(data) != before {
		t.Error("what is sent was changed")
	}
	got := r.Messages("c")
	if len(got) != 1 || got[0].CallID != "c@h" {
		t.Fatalf("%+v", got)
	}
	want := after
	if string(got[0].Data) != want {
		t.Errorf("got\n%s\nwant\n%s", got[0].Data, want)
	}
}

// What a customer keys in may be a card number: INFO does not show it (RFC 6086).
func TestKeyedDigitsAreMasked(t *testing.T) {
	info := func(kind, body string) []byte {
		return []byte("INFO sip:b SIP/2.0\r\nCall-ID: c@h\r\nContent-Length: 1\r\n" + kind + "\r\nCSeq: 5 INFO\r\n\r\n" + body)
	}
	for _, c := range []struct{ kind, body, want string }{
		{"Content-Type: application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "Signal=*\r\nDuration=160\r\n"},
		{"c:Application/DTMF-Relay;x=1", "signal= 9\nDURATION = 1\n", "signal=**\nDURATION = 1\n"},
		{"Content-Type : application/dtmf", "7", "*"},
		{"Content-Type:\r\n application/dtmf", "#\r\n", "*\r\n"},
		{"Content-Type: application/dtmf", "4111=1", "4111=*"},
		{"Content-Type: text/plain", "Signal=5\r\n", "Signal=5\r\n"},
		{"Content-Type: text/plain\r\nX-Type: a\r\n application/dtmf", "Signal=5\r\n", "Signal=5\r\n"},
	} {
		r := New(Config{})
		r.Record(false, "udp", ours, carrier, info(c.kind, c.body))
		_, got, _ := strings.Cut(string(r.Messages("c")[0].Data), "\r\n\r\n")
		if got != c.want {
			t.Errorf("%s %q: %q, want %q", c.kind, c.body, got, c.want)
		}
	}
}

func FuzzInspect(f *testing.F) {
	f.Add([]byte("A B SIP/2.0\r\nAuthorization: Digest response=\"a\"\r\n folded\r\nCall-ID: x\r\n\r\na=crypto:inline:A|\r\n"))
	f.Add([]byte("\n\n\n"))
	f.Add([]byte("x\ni:"))
	f.Add([]byte("x\nauthorization:response="))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := slices.Clone(data)
		from, to := inspect(data)
		if from < 0 || from > to || to > len(data) {
			t.Fatalf("Call-ID at %d to %d of %d", from, to, len(data))
		}
		for i := range data {
			if data[i] != before[i] && data[i] != '*' {
				t.Fatal("changed to something else than an asterisk")
			}
		}
		again := slices.Clone(data)
		inspect(again)
		if !bytes.Equal(data, again) {
			t.Fatal("a second look masks more")
		}
	})
}

func TestRecordingAllocatesNothing(t *testing.T) {
	r := New(Config{Bytes: 1 << 20, Messages: 1000})
	m := message("01JCALLCALLCALLCALLCALL@192.0.2.10", "v=0\r\n")
	if n := testing.AllocsPerRun(5000, func() { r.Record(true, "udp", ours, carrier, m) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRecord(b *testing.B) {
	r := New(Config{})
	m := message("01JCALLCALLCALLCALLCALL@192.0.2.10", strings.Repeat("a=rtpmap:8 PCMA/8000\r\n", 15))
	b.ReportAllocs()
	b.SetBytes(int64(len(m)))
	for b.Loop() {
		r.Record(true, "udp", ours, carrier, m)
	}
}

// full returns a recorder whose memory for messages is used up by calls of 16 messages.
func full() *Recorder {
	r := New(Config{})
	for i := range DefaultMessages {
		r.Record(i%2 == 0, "udp", ours, carrier, message(fmt.Sprintf("call%d@192.0.2.10", i/16), "v=0\r\n"))
	}
	return r
}

// What one call costs to look up among all that is kept.
func BenchmarkLookUp(b *testing.B) {
	r := full()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if got := r.Messages(fmt.Sprintf("call%d", i%(DefaultMessages/16))); len(got) != 16 {
			b.Fatal(len(got))
		}
	}
}

// What a packet waits while calls are looked up without pause.
func BenchmarkRecordWhileLookedUp(b *testing.B) {
	r := full()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				r.Messages("call4000")
			}
		}
	}()
	m := message("call4000@192.0.2.10", "v=0\r\n")
	other := message("other@192.0.2.10", "v=0\r\n")
	for i := 0; b.Loop(); i++ {
		if i%64 == 0 {
			r.Record(true, "udp", ours, carrier, m)
		} else {
			r.Record(true, "udp", ours, carrier, other)
		}
	}
	close(stop)
	<-done
}
