package media

// departures send packets for a goroutine that reads many sockets, once it is through with
// all that it has read at a time. The ways through the kernel, in and out, and the one
// through a session between them are then each taken several times in a row, and the
// processor has each of them at hand.
type departures interface {
	// later has the newest packet of a stream sent soon: b, which is lent until then and has
	// so many octets of payload. False: it is to be sent at once. The stream's lock is held.
	later(o *stream, b []byte, octets int) (part uint32, ok bool)
	// departed reports whether what was to be sent later in that part has been sent.
	departed(part uint32) bool
}

// dispatch sends a packet, or leaves that to by.
func (o *stream) dispatch(b []byte, octets int, by departures) error {
	if by != nil {
		if part, ok := by.later(o, b, octets); ok {
			o.by, o.part = by, part
			return nil
		}
	}
	return o.socket.WriteTo(b, o.to)
}

// departing reports whether a packet waits to be sent, which what others send must not
// overtake.
func (o *stream) departing() bool { return o.by != nil && !o.by.departed(o.part) }

// bounced is told that a packet which counts as sent could not be.
func (o *stream) bounced(octets int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.unsent++
	o.total.sent.Add(^uint64(0))
	if o.packets > o.packetsBefore {
		o.packets--
		o.octets -= uint64(octets)
	}
}
