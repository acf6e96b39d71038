package sip

import (
	"testing"

	"ringpace/sip/header"
)

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		status int
		phrase string
		reason string
		rang   bool
		want   FailureClass
	}{
		// Statuses that say it themselves, whatever the Reason header.
		{486, "Busy Here", "", false, Busy},
		{486, "Busy Here", "Q.850;cause=31", true, Busy},
		{600, "Busy Everywhere", "", false, Busy},
		{410, "Gone", "", false, InvalidNumber},
		{484, "Address Incomplete", "", false, InvalidNumber},
		{485, "Ambiguous", "", false, InvalidNumber},
		{604, "Does Not Exist Anywhere", "", false, InvalidNumber},
		{607, "Unwanted", "", false, Blocked},
		{608, "Rejected", "", false, Blocked},
		{433, "Anonymity Disallowed", "", false, Blocked},
		// 603: the callee, or an analytics engine on the way.
		{603, "Decline", "", true, Rejected},
		{603, "Decline", "Q.850;cause=21", true, Rejected},
		{603, "Network Blocked", "", false, Blocked},
		{603, "Decline", `SIP;cause=603;text="v=analytics1;url=https://example.com;"`, false, Blocked},
		{603, "Decline", `Q.850;cause=21;text="Network Blocked"`, false, Blocked},
		{603, "Declined", `Q.850;cause=17`, false, Busy},
		// The Q.850 cause refines what the status leaves open.
		{404, "Not Found", "Q.850;cause=1", false, InvalidNumber},
		{404, "Not Found", "Q.850;cause=27", false, Suspended},
		{480, "Temporarily Unavailable", "Q.850;cause=18", true, Unreachable},
		{480, "Temporarily Unavailable", "Q.850;cause=19", false, NoAnswer},
		{480, "Temporarily Unavailable", "Q.850;cause=20", true, Unreachable},
		{403, "Forbidden", "Q.850;cause=21", false, Rejected},
		{502, "Bad Gateway", "Q.850;cause=27", false, Suspended},
		{500, "Server Internal Error", "Q.850;cause=17", false, Busy},
		{503, "Service Unavailable", "Q.850;cause=34", false, Congestion},
		{500, "Server Internal Error", "Q.850;cause=42", false, Congestion},
		{500, "Server Internal Error", "Q.850;cause=44", false, Congestion},
		{500, "Server Internal Error", "Q.850;cause=47", false, Congestion},
		{503, "Service Unavailable", "Q.850;cause=38", false, TrunkFailure},
		{400, "Bad Request", "Q.850;cause=28", false, InvalidNumber},
		{301, "Moved Permanently", "Q.850;cause=22", false, InvalidNumber},
		{480, "x", `SIP;cause=200;text="elsewhere", Q.850;cause=17`, false, Busy},
		{480, "x", "Q.850;cause=16", true, NoAnswer}, // tells nothing
		{480, "x", "Q.850;cause=999", true, NoAnswer},
		{480, "x", "SIP;cause=17", true, NoAnswer},
		// Statuses alone.
		{480, "Temporarily Unavailable", "", false, Unreachable},
		{480, "Temporarily Unavailable", "", true, NoAnswer},
		{408, "Request Timeout", "", false, Unreachable},
		{408, "Request Timeout", "", true, NoAnswer},
		{487, "Request Terminated", "", true, NoAnswer},
		{404, "Not Found", "", false, InvalidNumber},
		{301, "Moved Permanently", "", false, InvalidNumber},
		{302, "Moved Temporarily", "", false, Unreachable},
		{503, "Service Unavailable", "", false, Congestion},
		{503, "Calls Per Second Limit Reached", "", false, Congestion},
		{491, "Request Pending", "", false, Congestion},
		{401, "Unauthorized", "", false, TrunkFailure},
		{403, "Forbidden", "", false, TrunkFailure},
		{407, "Proxy Authentication Required", "", false, TrunkFailure},
		{420, "Bad Extension", "", false, TrunkFailure},
		{488, "Not Acceptable Here", "", false, TrunkFailure},
		{500, "Server Internal Error", "", false, TrunkFailure},
		{504, "Server Time-out", "", false, TrunkFailure},
		{606, "Not Acceptable", "", false, TrunkFailure},
		{699, "Something Global", "", false, Rejected},
	} {
		got := classify(response{status: c.status, phrase: c.phrase, reasons: header.ParseReasons(c.reason), rang: c.rang})
		if got != c.want {
			t.Errorf("%d %s [%s] rang %v: %s, want %s", c.status, c.phrase, c.reason, c.rang, got, c.want)
		}
	}
}
