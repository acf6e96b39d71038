package sip

import (
	"bytes"

	sipgo "github.com/emiago/sipgo/sip"
)

// filter sees what the sockets read before it is parsed. It hides what comes after
// the endpoint has closed, and datagrams that do not even begin like SIP: sipgo
// keeps every source address for as long as the socket lives.
func (e *Endpoint) filter(from sipgo.TransportReadProps, data []byte) ([]byte, error) {
	if e.deaf.Load() {
		return nil, nil
	}
	if from.Transport == "UDP" && !isKeepAlive(data) && !beginsLikeSIP(data) {
		e.count.malformed.Add(1)
		return nil, nil
	}
	return data, nil
}

// isKeepAlive reports a datagram of CRLFs (RFC 5626 section 3.5.1).
func isKeepAlive(data []byte) bool {
	return len(data) <= 4 && len(bytes.Trim(data, "\r\n")) == 0
}

// beginsLikeSIP reports whether the first line could be that of a SIP message
// (RFC 3261 section 7.1).
func beginsLikeSIP(data []byte) bool {
	line, _, ok := bytes.Cut(data, []byte("\r\n"))
	return ok && (bytes.HasPrefix(line, []byte("SIP/2.0 ")) || bytes.HasSuffix(line, []byte(" SIP/2.0")))
}
