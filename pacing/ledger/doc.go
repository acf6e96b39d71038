// Package ledger keeps in Redis what the nodes of one floor must know together to keep
// the law: how many calls of a campaign were answered by a person and how many of them
// abandoned, what the calls in flight of each node may still cause, and what pacing has
// learned.
//
// # Keys
//
//	{c:CAMPAIGN}:ledger           hash: first, the date of the campaign's first answer
//	{c:CAMPAIGN}:ledger:DATE      hash: COUNT:NODE -> so many on that date; kept for 400 days
//	{c:CAMPAIGN}:ledger:calls:DAY hash: attempt -> DATE VERDICT; kept for 8 days
//	{c:CAMPAIGN}:ledger:reserved  hash: boot -> UNTIL (ms) AMOUNT
//	{c:CAMPAIGN}:learned          hash: epoch, version, saved (ms), model
//
// Of the store's keys it reads one, the epoch in {c:CAMPAIGN}:campaign. DATE is the day
// of the answer in the campaign's time zone, DAY the one of the attempt's id (a ULID), in
// UTC: so a call is found again by its id alone.
//
// # Counts
//
// COUNT is answered, abandoned, machine (so said the agent) or detected (so said the
// audio). A call that is answered counts as answered, and later as one of the others
// or not; those who were persons are the answered ones less both kinds of machines. All
// are integers that only grow, so any definition can be reckoned from them afterwards.
// The sums of days are all that windows are made of.
//
// A call is counted by one script, at the moment of the event, on the date that the
// Redis clock says; once, however often and by whomever it is told, for the script looks
// what is on record of the call. [Ledger.Count] does not wait for Redis, and its word
// is lost with the process. What holds is [Ledger.Settle], before the end of the attempt
// is delivered: an end stays in its node's journal, or its attempt stays open for the
// recovery, until both are done, and then both are repeated. So neither a crash nor a
// replay counts twice or never.
//
// # When Redis loses counts
//
// Each node counts in fields of its own and remembers the highest value that it has
// seen of every field, of all nodes, in a file of its data directory ([Config].Dir). As
// no field ever falls, a value in Redis below one that a node remembers was lost (a
// failover, a wiped server), and the greater is the true one: [Ledger.Sync] puts it
// back, and the script that counts raises the node's own fields before it adds to
// them. Nothing that a node knows of is then missing, nor counted twice. What is lost
// for good is what no living node and no data directory remembers: what a node counted
// in its last second if it dies together with Redis.
//
// # Reservations
//
// A node's reservation is renewed by each Sync and lapses by the Redis clock. It should
// outlive the node by as long as its calls are not recovered yet. After an outage all
// have lapsed; so a lapsed one still counts for a node whose own has lapsed too, once:
// whoever comes back first must not bury the others.
//
// # Concurrency
//
// A Ledger's methods may be called from any goroutine. It runs two of its own, which
// end with Close: one that counts, the only one to change counts, and one that writes
// the file.
package ledger
