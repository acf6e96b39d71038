// Package record keeps calls as stereo WAV files: left the customer, right the
// agent, G.711 as it came (format 6 or 7, 16 kB a second for both) or, with Config.Linear,
// 16-bit PCM (format 1, 32 kB), placed by RTP timestamps so that loss and silence keep time.
//
// # The way of a packet
//
// A Recording hands out taps, which media calls on the packet path. A tap copies the
// packet into the recording's chunk under a lock that nobody holds for longer than a
// copy, and returns: it never waits for the disk and, as long as the writers keep up,
// allocates nothing. A few writer goroutines take turns over all recordings: each
// takes what has come in the last half second, places it on the time line (track),
// and writes it at once, then the header (timeline). While the disk stalls the chunks
// wait in memory, up to Config.Memory for all recordings; beyond that packets are
// dropped and counted, and calls still do not feel it.
//
// # The time line
//
// It begins at the answer (Meta.Start), so that the marks of a call detail record can
// be found in the recording, or where that is not given with the first packet of either
// channel. It ends with the last packet. A channel's first packet, the first of each
// bridge, and the first after its source or timestamps jumped are
// placed by arrival, as the packets behind it show it without jitter; those after it by
// RTP timestamp. What was held up for so long that it was taken for such a jump is moved to
// its place when packets come in time again, as long as it is no more than a minute; what
// comes when its place is taken is not kept, and told. An agent whose codec differs
// from the customer's is transcoded by table to the customer's, which is the file's; in a
// linear file the writer decodes each by its own. Where
// a party sent nothing, or told by comfort noise (RFC 3389) what its silence is like, the
// file has silence: it holds what came, and nothing made up.
//
// # What a crash leaves
//
// Audio is written before the header that counts it, so that the file plays up to the
// last flush at any instant; Find makes the header count what was written after it.
//
// # Encryption
//
// With Config.EncryptTo nobody but the recipients can read recordings, whether their calls
// go on or are over; package vault tells how. The time line is written to a spool in
// place of a plain file, and when the call is over the sealer writes the sealed file beside
// it, brings it to the disk, gives it the spool's name, and only then the chain its line.
// What a crash leaves of the spool is kept as it is: Find and the chain have its length and
// digest, not what it sounds like, and Decrypt makes a file of it whose header is right.
//
// # Ownership
//
// Recording.mu covers what taps and callers touch. Everything in sheet belongs to the
// goroutine of the recording's writer. Chunks belong to the recording while they are
// filled, to the writer after take, and to the pool after put.
package record
