package peers

import (
	"strings"
	"testing"
	"time"
)

// Two softphones of different make call each other through a PBX; one holds, takes
// up again, and hangs up.
func TestLinphoneCallsBaresip(t *testing.T) {
	pbx := Asterisk(t, Plan{})
	agent := Baresip(t, pbx, Softphone{ToneHz: 600})
	line := Linphone(t, pbx.Account(PBXUser))
	line.Command(t, "call sip:"+Extension+"@"+pbx.Addr().String())
	line.Await(t, "call-status", "LinphoneCallStreamsRunning")
	line.Command(t, "call-pause")
	line.Await(t, "call-status 1", "LinphoneCallPaused")
	line.Command(t, "call-resume 1")
	line.Await(t, "call-status", "LinphoneCallStreamsRunning")
	line.Command(t, "terminate")
	if records := pbx.CDRs(t, PBXUser, 1); records[0].Disposition != "ANSWERED" {
		t.Errorf("Asterisk's record says %+v", records[0])
	}
	agent.Await(t, "callstat", "")
}

// A call crosses two proxies, each of which changes the transport: four
// Record-Routes lie between the parties, and BYE has to find its way back.
func TestProxiesInBetween(t *testing.T) {
	pbx := Asterisk(t, Plan{Default: HangUp, Talk: time.Second})
	inner := Kamailio(t, Relay{Next: pbx.Addr()})
	outer := Kamailio(t, Relay{Next: inner.Addr(), NextTransport: "tcp"})
	line := Baresip(t, pbx, Softphone{Extension: TrunkUser})
	line.Command(t, "dial", "sip:100@"+outer.Addr().String())
	if records := pbx.CDRs(t, TrunkUser, 1); records[0].Disposition != "ANSWERED" {
		t.Errorf("Asterisk's record says %+v", records[0])
	}
	for _, proxy := range []*Proxy{inner, outer} {
		if log := proxy.Log(t); !strings.Contains(log, "in dialog: BYE") || strings.Contains(log, "NO ROUTE") {
			t.Errorf("a proxy says:\n%s", log)
		}
	}
}
