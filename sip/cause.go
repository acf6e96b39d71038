package sip

import "strconv"

// Cause is an ITU-T Q.850 cause value, 1 to 127, sent in the Reason header of
// CANCEL and BYE (RFC 3326). The zero value is sent as [CauseNormal].
type Cause int

// Causes that Ringpace gives.
const (
	CauseNormal       Cause = 16 // normal call clearing
	CauseBusy         Cause = 17
	CauseNoAnswer     Cause = 19 // the ring timeout ran out
	CauseRejected     Cause = 21
	CauseShutdown     Cause = 41  // temporary failure: the endpoint closes
	CauseMediaLost    Cause = 38  // network out of order
	CauseTimer        Cause = 102 // recovery on timer expiry: the session was not refreshed
	CauseInterworking Cause = 127
)

// String returns the cause in words.
func (c Cause) String() string {
	switch c {
	case 0, CauseNormal:
		return "Normal call clearing"
	case CauseBusy:
		return "User busy"
	case CauseNoAnswer:
		return "No answer from user"
	case CauseRejected:
		return "Call rejected"
	case CauseMediaLost:
		return "Network out of order"
	case CauseShutdown:
		return "Temporary failure"
	case CauseTimer:
		return "Recovery on timer expiry"
	case CauseInterworking:
		return "Interworking, unspecified"
	}
	return "Cause " + strconv.Itoa(int(c))
}

// reason is the value of a Reason header (RFC 3326 section 2).
func (c Cause) reason() string {
	if c < 1 || c > 127 {
		c = CauseNormal
	}
	return "Q.850;cause=" + strconv.Itoa(int(c)) + `;text="` + c.String() + `"`
}

// completedElsewhere is the Reason of the CANCEL to branches that lost against
// another one (RFC 3326 section 2).
const completedElsewhere = `SIP;cause=200;text="Call completed elsewhere"`
