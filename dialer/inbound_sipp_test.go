package dialer_test

import (
	"testing"

	"ringpace/dialer/api"
	"ringpace/dialer/cdr"
	"ringpace/dialer/lab/peers"
)

// TestSIPpCallsIn holds what goes over the wire when a foreign telephone calls the
// official number: with an offer, without one, and with a ring tone of ours.
func TestSIPpCallsIn(t *testing.T) {
	t.Parallel()
	const uri = "sip:" + official + "@[remote_ip]:[remote_port]"
	talk := peers.Step("<pause milliseconds=\"700\"/>\n")
	end := func(ack string) []peers.Step {
		return []peers.Step{
			peers.Send("ACK", "[next_url]", 1, ack), talk, peers.Send("BYE", "[next_url]", 2, ""), peers.AwaitStatus(200),
		}
	}
	for name, c := range map[string]struct {
		inbound string
		script  []peers.Step
	}{
		"with an offer": {"{}", append([]peers.Step{
			peers.Send("INVITE", uri, 1, peers.Session()), peers.AwaitStatus(180), peers.AwaitStatus(200, "a=rtpmap:8 PCMA/8000"),
		}, end("")...)},
		"without an offer": {"{}", append([]peers.Step{
			peers.Send("INVITE", uri, 1, ""), peers.AwaitStatus(180), peers.AwaitStatus(200, "m=audio"),
		}, end(peers.Session())...)},
		"with our ring tone": {"{early_ringback: true}", append([]peers.Step{
			peers.Send("INVITE", uri, 1, peers.Session()), peers.AwaitStatus(183, "m=audio"), peers.AwaitStatus(200),
		}, end("")...)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := build(t, plan{
				Agents: 1, AgentSet: "wrap_up: 0s", NoCalls: true, Campaign: "inbound: " + c.inbound,
				Trunk: "server: \"127.0.0.1:9\"\n    health_interval: 0s", // SIPp takes a port of its own
			})
			h.awaitAgent("a1001", api.AgentReady)
			at, _ := h.daemon.SIPAddr("udp")
			peers.Play(t, peers.Script{Steps: c.script, To: at}).Finish(t)
			if r := h.awaitInbound(); r.Outcome != cdr.Person || r.HungUpBy != cdr.Customer || r.Agent != "a1001" || r.CallerID != official {
				t.Errorf("record %+v", r)
			}
		})
	}
}
