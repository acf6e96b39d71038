package sip

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// Requests inside a dialog that come close on each other are taken in the order in which
// they came, though sipgo gives each a goroutine of its own: none is refused, no digit
// is lost, and the BYE comes last.
func TestRequestsBackToBackKeepTheirOrder(t *testing.T) {
	t.Parallel()
	for range 30 {
		_, p, call, invite := answered(t, TrunkConfig{}, Invite{})
		const digits = "12345678"
		for i, digit := range digits {
			p.send(p.inside(invite, "a", "INFO", 1+i, "Content-Type: application/dtmf-relay", "v=0\r\nSignal="+string(digit)))
		}
		p.send(p.inside(invite, "a", "BYE", 1+len(digits)))
		for range len(digits) + 1 {
			if m := p.takeKinds("200", "481", "500"); m.kind() != "200" {
				t.Fatalf("%s to %s", m.start, m.get("CSeq"))
			}
		}
		for _, digit := range digits {
			if ev := next[Digit](t, call); ev.Digit != digit {
				t.Fatalf("digit %c, want %c", ev.Digit, digit)
			}
		}
		next[Ended](t, call)
	}
}

// insideRequest is a request from that far side, as it comes from the parser.
func insideRequest(remoteTag string, seq uint32) *sipgo.Request {
	req := sipgo.NewRequest(sipgo.INFO, sipgo.Uri{Host: "127.0.0.1"})
	req.AppendHeader(&sipgo.FromHeader{Params: sipgo.HeaderParams{{K: "tag", V: remoteTag}}})
	req.AppendHeader(&sipgo.CSeqHeader{SeqNo: seq, MethodName: sipgo.INFO})
	return req
}

func TestArrivals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		arrive  []string // as they come from the socket: tag and CSeq number
		through []int    // which of them come through sipgo, in this order
		want    string   // what the call gets
	}{
		{"in order", []string{"a1", "a2"}, []int{0, 1}, "a1 a2"},
		{"overtaken", []string{"a1", "a2", "a3"}, []int{2, 1, 0}, "a1 a2 a3"},
		{"forks count apart", []string{"a5", "b1", "a6"}, []int{2, 1, 0}, "a5 b1 a6"},
		{"dropped by sipgo", []string{"a1", "a2", "a3"}, []int{2, 1}, "a2 a3"},
		{"sent again", []string{"a1", "a1", "a2"}, []int{2, 0}, "a1 a2"},
		{"out of order on the wire", []string{"a2", "a1"}, []int{1, 0}, "a1 a2"}, // the call refuses a1 or not
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var a arrivals
				var got []string
				name := map[*sipgo.Request]string{}
				var reqs []*sipgo.Request
				for _, s := range tt.arrive {
					seq, _ := strconv.Atoi(s[1:])
					req := insideRequest(s[:1], uint32(seq))
					name[req] = s
					reqs = append(reqs, req)
					a.expect(req)
				}
				for _, i := range tt.through {
					a.come(incomingRequest{reqs[i], &sipgo.ServerTx{}}, func(m incomingRequest) { got = append(got, name[m.req]) })
				}
				time.Sleep(2 * sipgo.T1) // what does not come through is given up
				synctest.Wait()
				if want := strings.Fields(tt.want); !slices.Equal(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		})
	}
}
