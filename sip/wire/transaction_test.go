package wire

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// postbox is an sender that keeps what is sent, with the time since it was made.
type postbox struct {
	stream bool
	begun  time.Time

	mu       sync.Mutex // protects the fields below
	fail     error
	sent     []string
	at       []time.Duration
	released int
}

func (p *postbox) write(req *sipgo.Request) error { return p.send([]byte(req.String())) }

func (p *postbox) send(message []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return p.fail
	}
	p.sent, p.at = append(p.sent, string(message)), append(p.at, time.Since(p.begun))
	return nil
}

func (p *postbox) reliable() bool { return p.stream }

func (p *postbox) leavesBy(_, remote netip.AddrPort) bool { return p.stream && remote == proxy }

// proxy is the far side of streams.
var proxy = netip.MustParseAddrPort("192.0.2.1:5060")

func (p *postbox) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.released++
}

// closingBox is one whose layer closes while it fails to write.
type closingBox struct {
	postbox
	layer *Layer
}

func (c *closingBox) write(*sipgo.Request) error {
	c.layer.transactions.close()
	return errors.New("no route")
}

// trialRun is one transaction in virtual time.
type trialRun struct {
	*postbox
	t     *testing.T
	layer *Layer
	tx    *Transaction
	raw   string   // the request
	heard []string // statuses and errors, as outcome was told; mu protects it
}

func newTrialRun(t *testing.T, method sipgo.RequestMethod, stream bool) *trialRun {
	l := &Layer{}
	l.transactions.open = map[transactionKey]*Transaction{}
	r := &trialRun{t: t, layer: l, postbox: &postbox{stream: stream, begun: time.Now()}}
	raw := strings.Replace(knock("192.0.2.1:5060", "b1"), "OPTIONS", string(method), 2) // start line and CSeq
	msg, err := sipgo.ParseMessage([]byte(strings.Replace(raw, "Max-Forwards", "Route: <sip:proxy.example.com;lr>\r\nMax-Forwards", 1)))
	if err != nil {
		t.Fatal(err)
	}
	r.raw = msg.String()
	r.tx, err = l.transact(r.postbox, msg.(*sipgo.Request), func(res *sipgo.Response, err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if err != nil {
			r.heard = append(r.heard, err.Error())
			return
		}
		r.heard = append(r.heard, fmt.Sprint(res.StatusCode))
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// respond has the far side answer with that To tag.
func (r *trialRun) respond(status int, tag string) {
	r.t.Helper()
	res := sipgo.NewResponseFromRequest(r.request(), status, "Phrase", nil)
	res.To().Params.Add("tag", tag)
	r.layer.respond(res)
}

// want checks what was sent when, by method, and what was heard.
func (r *trialRun) want(sent, heard string) {
	r.t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	var got []string
	for i, m := range r.sent {
		method, _, _ := strings.Cut(m, " ")
		got = append(got, fmt.Sprintf("%s@%v", method, r.at[i]))
	}
	if got := strings.Join(got, " "); got != sent {
		r.t.Errorf("sent %s\nwant %s", got, sent)
	}
	if got := strings.Join(r.heard, ", "); got != heard {
		r.t.Errorf("heard %s\nwant %s", got, heard)
	}
}

// over checks that nothing is left.
func (r *trialRun) over() {
	r.t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.layer.transactions.open); n != 0 || r.released != 1 {
		r.t.Errorf("%d transactions are left, sender released %d times", n, r.released)
	}
}

// RFC 3261 section 17.1.1.2: an INVITE is sent again after T1, 2*T1, 4*T1, … until 64*T1.
func TestInviteWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrialRun(t, sipgo.INVITE, false)
		time.Sleep(40 * time.Second)
		r.want("INVITE@0s INVITE@500ms INVITE@1.5s INVITE@3.5s INVITE@7.5s INVITE@15.5s INVITE@31.5s",
			"sip: no response to INVITE from proxy.example.com:5060")
		if slices.ContainsFunc(r.sent, func(m string) bool { return m != r.sent[0] }) {
			t.Error("what is sent again is not the same")
		}
		r.over()
	})
}

// RFC 3261 section 17.1.2.2: others up to T2 apart, also after a provisional response.
func TestRequestWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrialRun(t, sipgo.BYE, false)
		time.Sleep(8 * time.Second)
		r.respond(100, "")
		time.Sleep(40 * time.Second)
		r.want("BYE@0s BYE@500ms BYE@1.5s BYE@3.5s BYE@7.5s BYE@11.5s BYE@15.5s BYE@19.5s BYE@23.5s BYE@27.5s BYE@31.5s",
			"100, sip: no response to BYE from proxy.example.com:5060")
		r.over()
	})
}

func TestStreamsSendOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrialRun(t, sipgo.OPTIONS, true)
		time.Sleep(40 * time.Second)
		r.want("OPTIONS@0s", "sip: no response to OPTIONS from proxy.example.com:5060")
		r.over()
		r = newTrialRun(t, sipgo.INVITE, true)
		r.respond(486, "a")
		r.want("INVITE@0s ACK@0s", "486")
		r.over()
	})
}

// A provisional response ends the retransmissions of an INVITE, and its timer B: how
// long it may ring is the caller's business.
func TestInviteProceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrialRun(t, sipgo.INVITE, false)
		time.Sleep(600 * time.Millisecond)
		r.respond(100, "")
		time.Sleep(time.Minute)
		r.respond(180, "a")
		r.respond(183, "b")
		r.want("INVITE@0s INVITE@500ms", "100, 180, 183")
		r.respond(200, "b") // the dialogs ACK it, and whatever 2xx comes after it
		r.respond(200, "a")
		r.want("INVITE@0s INVITE@500ms", "100, 180, 183, 200")
		r.over()
	})
}

// RFC 3261 section 17.1.1.3: the ACK to a failure has the Request-URI, Via, Route, From,
// Call-ID and CSeq number of the INVITE and the To of the response; it is sent again
// each time that the failure comes, for timer D.
func TestFailureIsAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrialRun(t, sipgo.INVITE, false)
		r.respond(486, "busy")
		time.Sleep(timerD - time.Second)
		r.respond(486, "busy")
		r.want("INVITE@0s ACK@0s ACK@31s", "486")
		ack := r.sent[1]
		for _, field := range []string{
			"ACK sip:ringpace SIP/2.0\r\n", "branch=z9hG4bKb1;", "Route: <sip:proxy.example.com;lr>\r\n", "From: <sip:x@example.com>;tag=1\r\n",
			"To: <sip:ringpace>;tag=busy\r\n", "Call-ID: b1\r\n", "CSeq: 1 ACK\r\n", "Content-Length: 0\r\n",
		} {
			if !strings.Contains(ack, field) {
				t.Errorf("no %q in\n%s", field, ack)
			}
		}
		if ack != r.sent[2] {
			t.Errorf("another ACK\n%s", r.sent[2])
		}
		if n := r.layer.count.retransmitted.Load(); n != 1 {
			t.Errorf("%d counted", n)
		}
		time.Sleep(2 * time.Second)
		r.respond(486, "busy")
		r.want("INVITE@0s ACK@0s ACK@31s", "486")
		r.over()
	})
}

// What is given up is not sent again, and nobody hears of it; but an INVITE's failure is
// ACKed while the far side may send it.
func TestTerminatedHearsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrialRun(t, sipgo.INVITE, false)
		r.tx.Terminate()
		time.Sleep(10 * time.Second)
		r.tx.Terminate()
		r.respond(180, "a")
		r.respond(486, "a")
		r.respond(486, "a")
		r.want("INVITE@0s ACK@10s ACK@10s", "")
		time.Sleep(time.Minute)
		r.over()

		r = newTrialRun(t, sipgo.INVITE, false)
		r.tx.Terminate()
		time.Sleep(64*sipgo.T1 + time.Second)
		r.respond(486, "a")
		r.want("INVITE@0s", "")
		r.over()

		r = newTrialRun(t, sipgo.BYE, false)
		r.tx.Terminate()
		r.respond(200, "a")
		time.Sleep(time.Minute)
		r.want("BYE@0s", "")
		r.over()
	})
}

// A response that comes late, after the failure, is no failure that came again.
func TestLateResponsesGetNoACK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrialRun(t, sipgo.INVITE, false)
		r.respond(486, "a")
		r.respond(180, "a")
		r.respond(200, "b")
		r.want("INVITE@0s ACK@0s", "486")
		time.Sleep(time.Minute)
		r.over()
	})
}

// A connection that is gone ends what waits for its first answer.
func TestBrokenConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bye := newTrialRun(t, sipgo.BYE, true)
		bye.respond(100, "")
		bye.layer.transactions.broken(proxy, proxy)
		bye.want("BYE@0s", "100, sip: cannot send BYE to 192.0.2.1:5060: "+ErrBroken.Error())
		bye.over()
		invite := newTrialRun(t, sipgo.INVITE, true)
		invite.layer.transactions.broken(proxy, netip.MustParseAddrPort("192.0.2.1:5070"))
		invite.respond(180, "a")
		invite.layer.transactions.broken(proxy, proxy)
		invite.respond(486, "a")
		invite.want("INVITE@0s ACK@0s", "180, 486")
		invite.over()
	})
}

// RFC 3261 sections 7.3.1 and 25.1 leave room in how a response is written.
func TestSpellingsOfResponses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, change := range [][2]string{
			{" BYE\r\n", "  BYE\r\n"},
			{" BYE\r\n", "\tBYE\r\n"},
			{" BYE\r\n", " BYE \r\n"},
			{"CSeq: ", "CSeq :\t "},
			{";branch=z9hG4bKb1;", ";Branch = z9hG4bKb1 ; "},
			{";branch=", ";BRANCH="},
			{"Via:", "v:"},
			{"Via: SIP/2.0/UDP ", "Via: SIP/2.0/UDP\r\n "},
		} {
			r := newTrialRun(t, sipgo.BYE, false)
			r.layer.parser, r.layer.cfg.Received = sipgo.NewParser(), func(sipgo.Message) {}
			r.layer.log = testLog(t)
			raw := sipgo.NewResponseFromRequest(r.request(), 200, "OK", nil).String()
			changed := strings.Replace(raw, change[0], change[1], 1)
			if changed == raw {
				t.Fatalf("no %q in\n%s", change[0], raw)
			}
			if !r.layer.responded("UDP", "192.0.2.1:5060", []byte(changed)) {
				t.Errorf("no response:\n%s", changed)
			}
			if synctest.Wait(); len(r.heard) != 1 {
				t.Errorf("not taken:\n%s", changed)
			}
			r.tx.Terminate()
		}
		// RFC 3261 section 8.1.3.3: one with another Via is not for us.
		r := newTrialRun(t, sipgo.BYE, false)
		r.layer.parser, r.layer.cfg.Received = sipgo.NewParser(), func(sipgo.Message) {}
		raw := sipgo.NewResponseFromRequest(r.request(), 200, "OK", nil).String()
		r.layer.responded("UDP", "192.0.2.1:5060", []byte(strings.Replace(raw, "From:", "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\r\nFrom:", 1)))
		r.want("BYE@0s", "")
		r.tx.Terminate()
		r.over()
	})
}

func TestTransactionOfAClosedLayer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrialRun(t, sipgo.BYE, false)
		r.layer.transactions.close()
		r.want("BYE@0s", "sip: endpoint is closed")
		r.over()
		if _, err := r.layer.transact(&postbox{}, r.request(), nil); !errors.Is(err, ErrClosed) {
			t.Errorf("%v", err)
		}
	})
}

func TestSendingFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newTrialRun(t, sipgo.BYE, false)
		again := &postbox{}
		if _, err := r.layer.transact(again, r.request(), nil); !errors.Is(err, ErrTransport) || again.released != 1 {
			t.Errorf("a second one with the same branch: %v", err)
		}
		r.mu.Lock()
		r.fail = errors.New("no route")
		r.mu.Unlock()
		time.Sleep(time.Second)
		r.want("BYE@0s", "sip: cannot send BYE to proxy.example.com:5060: no route")
		r.over()
		closing := &closingBox{layer: r.layer}
		heard := 0
		if _, err := r.layer.transact(closing, r.request(), func(*sipgo.Response, error) { heard++ }); err != nil || heard != 1 || closing.released != 1 {
			t.Errorf("closed amid the sending: %v, outcome told %d times, released %d times", err, heard, closing.released)
		}
		r = newTrialRun(t, sipgo.OPTIONS, true)
		r.respond(200, "a")
		broken := &postbox{fail: errors.New("no route")}
		if _, err := r.layer.transact(broken, r.request(), nil); !errors.Is(err, broken.fail) || broken.released != 1 {
			t.Errorf("%v", err)
		}
	})
}

// request is the request once more.
func (r *trialRun) request() *sipgo.Request {
	msg, err := sipgo.ParseMessage([]byte(r.raw))
	if err != nil {
		r.t.Fatal(err)
	}
	return msg.(*sipgo.Request)
}
