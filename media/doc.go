// Package media carries the voice: RTP sessions with their ports, offer and answer,
// the bridge between two legs, prompts, and the 20 ms clock that keeps idle legs
// alive. It knows no call and no SIP, only sessions; session descriptions come and go
// as bytes.
//
// # The way of a packet
//
// A goroutine reads a socket into a buffer of its own. For RTP it does
// all the work on that packet (Session.receiveRTP): the header is checked, the guard
// decides about the source, the packet is counted, taps see it, and if the session is
// bridged it is sent from the peer's socket there and then, with a new header written
// over the old one in the same buffer. There is no copy and no allocation, and no queue but
// for one: a goroutine that reads many sockets reads up to sixteen, lets their sessions work,
// and then sends what they sent on (departures), all within a fraction of a millisecond.
// Packets are relayed as they come: a far side that asked for another packet time than
// its peer's gets the peer's.
//
// A session that no party feeds is fed by the engine's one clock, which ticks every
// 20 ms: with the prompt that plays, or with silence. Whatever feeds it, a session
// sends one stream (stream), unbroken in SSRC, sequence numbers and timestamps. So is one
// whose party falls silent: with noise as it described (comfort), or with silence.
//
// A third party (Guest) changes nothing of this: it hears a bridge by taps and the
// clock, and what it says is added to the packets that go out anyway. Only what is
// mixed has jitter buffers (voice).
//
// # Who may touch what
//
//   - Session.in (what comes in: guard, counters, the newest packet) has a lock that
//     the session's reader takes once for each packet and others for figures and at
//     changes of the session description.
//   - stream (what goes out) has a lock that orders packets onto the wire. In a bridge
//     only the peer's reader takes it; while idle only the clock. They meet at the
//     instant of a switch. It is held over the send, which does not block on UDP
//     sockets but for a full send buffer. A packet that waits among the departures is not
//     overtaken: the clock comes back later, and a bridge that closes waits for it.
//   - A shard's lock is held while it reads, delivers and sends; who opens, moves or closes
//     its sockets holds it for an instant.
//   - Session.peer is an atomic pointer; the stream checks the sender again under its
//     own lock, so that no packet of a closed bridge gets through.
//   - Ciphers of SRTP: that of RTP that comes in is the reader's alone, that of RTP that
//     goes out is the stream's; those of RTCP are the RTCP reader's and the reports'.
//     A change of keys replaces a cipher and leaves it otherwise alone.
//   - negotiation, reports and the list of taps have locks of their own, off the
//     packet path: readers see their results through atomic pointers.
//   - Engine.bridging serialises the making and closing of bridges, and the comings,
//     goings and parts of guests.
//
// Locks are taken in this order: bridging or negotiation, then that of a shard, then stream
// or chorus, then Session.in or voice. No lock of a session is held while a tap runs, but
// for that of the stream while a prompt is shown (Session.Announce), and that of the chorus
// while it is (Session.AddTapWithGuests).
//
// # Buffers
//
// A reader's buffers belong to the reader, and serve all its sockets in turn; receivers may
// write to one until they return, and what they send on lies there until it has departed. A
// tap's packet and payload are borrowed for the call. A Prompt never changes and is shared.
// The packet that a bridge forwards at once is a copy (kept).
//
// # Goroutines
//
// One for the clock and, on Linux, one for each processor (shard), with a thread: each reads,
// by epoll, the sockets placed with it. Engine.Close ends them. Sessions are spread over the
// shards evenly, both sockets of one on the same; a bridge moves the customer's to the
// agent's shard. What blocks in a tap holds up all sessions of the shard. On other
// systems, and where Go may use one processor alone (GOMAXPROCS), each socket has a
// goroutine, ended by Session.Close.
package media
