package wellformed

import (
	"bytes"
	"fmt"
	"net/netip"
)

// Refusal is the response to a request that is not in order, or is of a kind that we do
// not know.
type Refusal struct {
	Status int    // 400: not in order; 416, 501, 505: unknown URI scheme, method, version of SIP
	Phrase string // says what is wrong

	head head
}

// Response writes the response. source is where the request came from; tag goes
// into To, if it has none; server is the Server field. What is echoed is as it came.
func (r *Refusal) Response(source netip.AddrPort, tag, server string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", r.Status, r.Phrase)
	first := true
	for fields := r.head.fields; ; {
		field, n := logicalLine(fields)
		if len(field) == 0 {
			break
		}
		fields = fields[n:]
		name, value, ok := bytes.Cut(field, []byte(":"))
		if !ok || !is(bytes.TrimRight(name, " \t"), "Via", 'v') {
			continue
		}
		value = trim(value)
		if first {
			// RFC 3261 section 18.2.1 and RFC 3581 section 4, for the sender's own element.
			rest := value[len(r.head.via):]
			value = append(received(r.head.via, source), rest...)
			first = false
		}
		line(&b, "Via", value)
	}
	line(&b, "From", r.head.from.value)
	to := r.head.to.value
	if len(to) > 0 {
		if _, ok := parameter(to, "tag"); !ok {
			to = fmt.Appendf(nil, "%s;tag=%s", to, tag)
		}
	}
	line(&b, "To", to)
	line(&b, "Call-ID", r.head.callID.value)
	line(&b, "CSeq", r.head.cseq.value)
	fmt.Fprintf(&b, "Server: %s\r\nContent-Length: 0\r\n\r\n", server)
	return b.Bytes()
}

func line(b *bytes.Buffer, name string, value []byte) {
	if len(value) > 0 {
		fmt.Fprintf(b, "%s: %s\r\n", name, value)
	}
}

// received is a Via element with the address that its message came from.
func received(via []byte, source netip.AddrPort) []byte {
	out := bytes.TrimRight(via, "; ")
	if _, ok := parameter(via, "rport"); ok {
		out = bytes.Replace(out, []byte(";rport"), fmt.Appendf(nil, ";rport=%d", source.Port()), 1)
	}
	return fmt.Appendf(bytes.Clone(out), ";received=%s", source.Addr())
}

// parameter finds a parameter of an element of Via, From or To.
func parameter(element []byte, name string) (value []byte, ok bool) {
	_, parameters, _ := until(element, ";")
	for len(parameters) > 0 {
		one, rest, _ := until(parameters[1:], ";")
		key, v, _ := bytes.Cut(one, []byte("="))
		if bytes.EqualFold(trim(key), []byte(name)) {
			return trim(v), true
		}
		parameters = rest
	}
	return nil, false
}

// Destination is where the response to a datagram from source goes: to its port,
// if the sender asked for that with rport (RFC 3581), else to the one that it named
// in Via (RFC 3261 section 18.2.2).
func (r *Refusal) Destination(source netip.AddrPort) netip.AddrPort {
	if _, ok := parameter(r.head.via, "rport"); ok {
		return source
	}
	protocol, _, _ := until(r.head.via, ";")
	fields := bytes.Fields(protocol)
	port := 5060
	if len(fields) > 0 {
		sentBy := fields[len(fields)-1]
		if i := bytes.LastIndexByte(sentBy, ':'); i > bytes.LastIndexByte(sentBy, ']') {
			if n := number(sentBy[i+1:], 65535); n > 0 {
				port = n
			}
		}
	}
	return netip.AddrPortFrom(source.Addr(), uint16(port))
}
