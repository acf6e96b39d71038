package trace

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Defaults of Config.
const (
	DefaultBytes    = 32 << 20
	DefaultMessages = 65536
)

// maxLinks is how many calls are remembered as parts of others, and how many notes.
const maxLinks = 16384

// Config bounds what is kept.
type Config struct {
	Bytes    int // of messages; default 32 MiB
	Messages int // default 65536
}

// Message is one message on the wire.
type Message struct {
	At        time.Time
	Out       bool   // sent by us
	Transport string // "udp", "tcp", "tls", "ws" or "wss"
	Local     netip.AddrPort
	Remote    netip.AddrPort
	CallID    string
	Data      []byte // with secrets masked
}

// Recorder keeps messages. A nil Recorder keeps nothing.
type Recorder struct {
	recorded atomic.Uint64
	export   atomic.Pointer[Exporter]
	seed     maphash.Seed // of chains: far sides choose Call-IDs

	mu      sync.Mutex // protects the fields below
	slab    []byte
	head    int                // where the next message goes in the slab
	entries []entry            // a ring: message n is in entries[n % len]
	first   uint64             // the oldest message
	next    uint64             // the one that comes next; they are counted from 0
	chains  []uint64           // by the hash of what a Call-ID is filed under: the latest such message, plus 1
	links   map[string][]*link // by the leg's Call-ID, or its part before the @; the oldest first
	linked  map[string][]*link // the same, by the call that they belong to
	order   []*link            // the same, the oldest first
	notes   []note             // a ring once it is full
	noted   int                // ever
}

// entry is one message in the ring.
type entry struct {
	at            time.Time
	start, length int // in the slab
	callStart     int // of the Call-ID in the message
	callLength    int
	transport     string
	local, remote netip.AddrPort
	out           bool
	older         uint64 // the one before in its chain, plus 1; 0, or before the oldest: none
}

// note is a remark on a call.
type note struct {
	id   string
	at   time.Time
	text string
}

// link says that a leg belongs to a call for some time. A leg that stays up for many
// calls has one for each; they do not overlap.
type link struct {
	id    string // of the call that it belongs to
	leg   string
	party string    // who is at the other end
	from  time.Time // when it was made
	until time.Time // when it ended; zero: it has not
	limit time.Time // when the leg went to another call; zero: it has not
}

// tailTime is how long after the end of a link, and after the last message of its call,
// the leg's messages still belong to the call: those that end the leg, say.
const tailTime = 2 * time.Second

// covers reports whether a message of the leg at that time belongs to the call.
func (l *link) covers(at time.Time) bool {
	return !at.Before(l.from) && (l.until.IsZero() || !at.After(l.until.Add(tailTime))) && (l.limit.IsZero() || at.Before(l.limit))
}

// New returns a recorder.
func New(cfg Config) *Recorder {
	messages := cmp.Or(cfg.Messages, DefaultMessages)
	return &Recorder{
		seed:    maphash.MakeSeed(),
		slab:    make([]byte, cmp.Or(cfg.Bytes, DefaultBytes)),
		entries: make([]entry, messages),
		chains:  make([]uint64, messages),
		links:   map[string][]*link{},
		linked:  map[string][]*link{},
	}
}

// Record keeps a copy of one message. Keep-alives are not kept.
func (r *Recorder) Record(out bool, transport string, local, remote netip.AddrPort, data []byte) {
	if r == nil || len(data) <= 4 || len(data) > len(r.slab) {
		return
	}
	now := time.Now()
	r.recorded.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := r.place(len(data))
	copy(kept, data)
	from, to := inspect(kept)
	chain := r.chain(kept[from:to])
	e := r.entry(r.next)
	*e = entry{
		at: now, start: r.head, length: len(data), callStart: from, callLength: to - from,
		transport: transport, local: local, remote: remote, out: out, older: *chain,
	}
	r.head += len(data)
	r.next++
	*chain = r.next
	if x := r.export.Load(); x != nil {
		x.offer(e, kept, r.correlation(kept[from:to], now))
	}
}

// place makes room for n bytes at the head, one after the other, and for one more
// entry, and returns the bytes. r.mu is held.
func (r *Recorder) place(n int) []byte {
	if r.head+n > len(r.slab) {
		// The rest is too short: begin anew, once what lies there is gone.
		for r.first < r.next && r.entry(r.first).start >= r.head {
			r.first++
		}
		r.head = 0
	}
	for r.first < r.next {
		old := r.entry(r.first)
		overlaps := old.start < r.head+n && r.head < old.start+old.length
		if !overlaps && r.next-r.first < uint64(len(r.entries)) {
			break
		}
		r.first++
	}
	return r.slab[r.head : r.head+n]
}

// entry is where a message is in the ring.
func (r *Recorder) entry(n uint64) *entry { return &r.entries[n%uint64(len(r.entries))] }

// chain is where the latest message stands that is filed under the same as callID, which
// may be the id of a call: the part before the @, without the numbers of further tries.
// Others may share it.
func (r *Recorder) chain(callID []byte) *uint64 {
	id, _, _ := bytes.Cut(callID, []byte("@"))
	for {
		i := bytes.LastIndexByte(id, '-')
		if i <= 0 || !number(id[i+1:]) {
			return &r.chains[maphash.Bytes(r.seed, id)%uint64(len(r.chains))]
		}
		id = id[:i]
	}
}

// Link says that the call leg, named by its Call-ID or by what that begins with up to
// the @, belongs to the call id from now on: until Unlink, or until it is linked to
// another call. party names who is at its other end: an agent, say; "" makes it the
// call itself, whose Call-ID somebody else chose.
func (r *Recorder) Link(id, leg, party string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if l := r.latest(leg); l != nil {
		if l.id == id && l.party == party {
			l.until = time.Time{}
			return
		}
		l.limit = now
	}
	if len(r.order) >= maxLinks {
		old := r.order[0]
		r.order = r.order[1:]
		forget(r.links, old.leg, old)
		forget(r.linked, old.id, old)
	}
	l := &link{id: id, leg: leg, party: party, from: now}
	r.links[leg] = append(r.links[leg], l)
	r.linked[id] = append(r.linked[id], l)
	r.order = append(r.order, l)
}

// Unlink says that the leg has left the call id.
func (r *Recorder) Unlink(id, leg string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.latest(leg); l != nil && l.id == id && l.until.IsZero() {
		l.until = time.Now()
	}
}

// latest returns the link of the leg that was made last, or nil. r.mu is held.
func (r *Recorder) latest(leg string) *link {
	list := r.links[leg]
	if len(list) == 0 {
		return nil
	}
	return list[len(list)-1]
}

// forget takes a link out of the list under a key.
func forget(lists map[string][]*link, key string, l *link) {
	if rest := slices.DeleteFunc(lists[key], func(other *link) bool { return other == l }); len(rest) > 0 {
		lists[key] = rest
	} else {
		delete(lists, key)
	}
}

// Note remarks what happened on a call that no message tells.
func (r *Recorder) Note(id, text string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	n := note{id: id, at: time.Now(), text: text}
	if len(r.notes) < maxLinks {
		r.notes = append(r.notes, n)
	} else {
		r.notes[r.noted%maxLinks] = n
	}
	r.noted++
}

// correlation is the id of the call that a message of now belongs to: the one that its
// leg is linked to, else what its Call-ID begins with. r.mu is held.
func (r *Recorder) correlation(callID []byte, now time.Time) []byte {
	id, _, _ := bytes.Cut(callID, []byte("@"))
	for _, leg := range [...][]byte{callID, id} {
		if list := r.links[string(leg)]; len(list) > 0 && list[len(list)-1].covers(now) {
			return []byte(list[len(list)-1].id)
		}
	}
	// Further tries of an attempt have Call-IDs such as ID-2@host.
	if i := bytes.LastIndexByte(id, '-'); i > 0 && number(id[i+1:]) {
		id = id[:i]
	}
	return id
}

// number reports whether b is a number of one or two digits.
func number[S string | []byte](b S) bool {
	if len(b) < 1 || len(b) > 2 {
		return false
	}
	for i := range len(b) {
		if b[i] < '0' || b[i] > '9' {
			return false
		}
	}
	return true
}

// Stats are counters, and gauges of now.
type Stats struct {
	Recorded uint64 // since the start
	Kept     int    // messages that can be shown
	Exported uint64 // sent to the collector
	Dropped  uint64 // not sent, because the collector is too slow or away
}

// Stats returns the counters.
func (r *Recorder) Stats() Stats {
	if r == nil {
		return Stats{}
	}
	s := Stats{Recorded: r.recorded.Load()}
	if x := r.export.Load(); x != nil {
		s.Exported, s.Dropped = x.sent.Load(), x.dropped.Load()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Kept = int(r.next - r.first)
	return s
}
