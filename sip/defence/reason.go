package defence

// Reason is why something was dropped, or why a source is banned.
type Reason string

// The reasons for dropping a message or a connection.
const (
	Denied      Reason = "denied"      // on the deny list
	Banned      Reason = "banned"      // the source is banned
	Rate        Reason = "rate"        // more than one source may send
	Total       Reason = "total"       // more than all strangers together may send
	Junk        Reason = "junk"        // does not even begin like SIP
	Scanner     Reason = "scanner"     // bears the marks of a scanner
	Stranger    Reason = "stranger"    // from nobody that is known, and strangers get silence
	Oversize    Reason = "oversize"    // a message longer than any that is read
	Slow        Reason = "slow"        // a connection that did not finish a message in time, or said nothing
	Connections Reason = "connections" // more connections than one source, or all strangers, may have, or more that open a WebSocket
)

// Further reasons for a ban, besides Rate and Scanner.
const (
	Digest  Reason = "digest"  // failed digest authentication
	Refused Reason = "refused" // requests that were refused again and again
	Manual  Reason = "manual"  // by an operator
)

// dropReasons are what is counted for messages and connections, in the order of the counters.
var dropReasons = [...]Reason{Denied, Banned, Rate, Total, Junk, Scanner, Stranger, Oversize, Slow, Connections}

// banReasons are what is counted for bans.
var banReasons = [...]Reason{Rate, Scanner, Digest, Refused, Manual}

func index(list []Reason, r Reason) int {
	for i, other := range list {
		if other == r {
			return i
		}
	}
	panic("defence: reason " + string(r) + " is not counted")
}
