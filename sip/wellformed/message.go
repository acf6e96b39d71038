package wellformed

import (
	"bytes"
	"slices"
)

// maxSeq is the highest CSeq number (RFC 3261 section 8.1.1.5).
const maxSeq = 1<<31 - 1

// methods are those that anybody has defined. Others are not recognized.
var methods = []string{
	"INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "PRACK", "SUBSCRIBE", "NOTIFY",
	"PUBLISH", "INFO", "REFER", "MESSAGE", "UPDATE",
}

// head is what is looked at of a message. All slices point into it.
type head struct {
	method []byte // nil: a response
	via    []byte // the first element of the first Via
	fields []byte // all, and the body
	body   int    // bytes after the empty line

	from, to, callID, cseq, length, forwards, kind field
}

// field is a header field that may come but once.
type field struct {
	value []byte // the first
	count int
}

func (f *field) add(value []byte) {
	if f.count == 0 {
		f.value = value
	}
	f.count++
}

// Judge looks at one message: a datagram, or one whole message of a stream. It
// returns what is to be parsed; or, if that is nil, the refusal to send; or, if
// that is nil too, nothing: the message is to be dropped without a word, for it is
// a response, an ACK, or names nobody to answer.
func Judge(data []byte) (message []byte, refusal *Refusal) {
	for bytes.HasPrefix(data, crlf) { // RFC 3261 section 7.5
		data = data[len(crlf):]
	}
	line, rest, ok := bytes.Cut(data, crlf)
	if !ok {
		return nil, nil
	}
	if bytes.HasPrefix(line, []byte("SIP/")) {
		var h head
		if statusLine(line) && h.read(rest, true) == "" && h.judge(true) == "" {
			return data, nil
		}
		return nil, nil
	}
	var h head
	h.method, _, _ = bytes.Cut(line, []byte(" "))
	status, fault := requestLine(line)
	// The fields are read in any case: the answer needs them.
	if why := h.read(rest, fault == ""); fault == "" && why != "" {
		status, fault = 400, why
	}
	if fault == "" {
		if fault = h.judge(false); fault != "" {
			status = 400
		}
	}
	if fault == "" && !slices.Contains(methods, string(h.method)) {
		status, fault = 501, "Not Implemented"
	}
	switch {
	case fault == "":
		return data, nil
	case string(h.method) == "ACK" || len(h.via) == 0:
		return nil, nil
	}
	return nil, &Refusal{Status: status, Phrase: fault, head: h}
}

// statusLine tells whether a status line is in order (RFC 3261 section 7.2).
func statusLine(line []byte) bool {
	version, rest, _ := bytes.Cut(line, []byte(" "))
	status, _, ok := bytes.Cut(rest, []byte(" "))
	return ok && string(version) == "SIP/2.0" && len(status) == 3 && digits(status) &&
		status[0] >= '1' && status[0] <= '6'
}

// requestLine returns what is wrong with a request line (RFC 3261 section 7.1), and
// the status that says so.
func requestLine(line []byte) (status int, fault string) {
	method, rest, _ := bytes.Cut(line, []byte(" "))
	uri, version, ok := bytes.Cut(rest, []byte(" "))
	switch {
	case !ok || !token(method) || len(uri) == 0 || blank(version):
		return 400, "Bad Request Line"
	case !bytes.HasPrefix(version, []byte("SIP/")):
		return 400, "Bad Request Line"
	case string(version) != "SIP/2.0":
		return 505, "Version Not Supported"
	}
	scheme, _, ok := bytes.Cut(uri, []byte(":"))
	switch {
	case !ok || !token(scheme) || bytes.ContainsAny(uri, "<>\""):
		return 400, "Bad Request-URI"
	case bytes.EqualFold(scheme, []byte("tel")):
	case !sipScheme(scheme):
		return 416, "Unsupported URI Scheme"
	case headers(uri): // RFC 3261 section 19.1.1
		return 400, "Headers in Request-URI"
	}
	return 0, ""
}

// headers tells whether a SIP URI has header fields of its own. A question mark in
// its user part is none.
func headers(uri []byte) bool {
	return bytes.IndexByte(uri[bytes.IndexByte(uri, '@')+1:], '?') >= 0
}

func sipScheme(scheme []byte) bool {
	return bytes.EqualFold(scheme, []byte("sip")) || bytes.EqualFold(scheme, []byte("sips"))
}

// read finds the header fields, and returns what is wrong with their form. With
// strict false it only collects them.
func (h *head) read(data []byte, strict bool) (fault string) {
	h.fields = data
	note := func(why string) {
		if fault == "" && strict {
			fault = why
		}
	}
	for {
		line, n := logicalLine(data)
		if n == 0 {
			note("Incomplete Header")
			return fault
		}
		data = data[n:]
		if len(line) == 0 {
			h.body = len(data)
			return fault
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		name, value = bytes.TrimRight(name, " \t"), trim(value)
		if !ok || !token(name) {
			note("Bad Header Field")
			continue
		}
		if bad := h.take(name, value); bad {
			note("Bad " + canonical(name))
		}
	}
}

// take looks at one field, and tells whether its form is wrong.
func (h *head) take(name, value []byte) (bad bool) {
	switch {
	case is(name, "Via", 'v'):
		element := firstElement(value)
		if h.via == nil {
			h.via = element
			bad = !via(element)
		}
	case is(name, "From", 'f'):
		h.from.add(value)
		bad = !address(value, false)
	case is(name, "To", 't'):
		h.to.add(value)
		bad = !address(value, false)
	case is(name, "Contact", 'm'):
		bad = string(value) != "*" && !address(value, true)
	case is(name, "Route", 0), is(name, "Record-Route", 0), is(name, "Path", 0), is(name, "Service-Route", 0):
		bad = !address(value, true)
	case is(name, "Refer-To", 'r'), is(name, "Referred-By", 'b'):
		bad = !address(value, false)
	case is(name, "Call-ID", 'i'):
		h.callID.add(value)
		bad = len(value) == 0 || blank(value)
	case is(name, "CSeq", 0):
		h.cseq.add(value)
	case is(name, "Max-Forwards", 0):
		h.forwards.add(value)
		bad = number(value, 255) < 0
	case is(name, "Content-Length", 'l'):
		h.length.add(value)
		bad = number(value, 1<<31-1) < 0
	case is(name, "Content-Type", 'c'):
		h.kind.add(value)
	}
	return bad
}

// judge returns what is wrong with the fields as a whole (RFC 3261 sections 8.1.1
// and 18.3).
func (h *head) judge(response bool) (fault string) {
	for _, f := range []struct {
		name  string
		field *field
		must  bool
	}{
		{"From", &h.from, true},
		{"To", &h.to, true},
		{"Call-ID", &h.callID, true},
		{"CSeq", &h.cseq, true},
		{"Max-Forwards", &h.forwards, false},
		{"Content-Length", &h.length, false},
		{"Content-Type", &h.kind, false},
	} {
		switch {
		case f.must && f.field.count == 0:
			return "Missing " + f.name
		case f.field.count > 1:
			return "Several " + f.name
		}
	}
	if len(h.via) == 0 {
		return "Missing Via"
	}
	seq, method, ok := sequence(h.cseq.value)
	_, tagged := parameter(h.from.value, "tag")
	_, inside := parameter(h.to.value, "tag")
	switch {
	case !tagged && (response || !inside):
		return "Missing From Tag" // a far side of RFC 2543 may have none, but we have one in its dialogs
	case !ok:
		return "Bad CSeq"
	case !response && !bytes.Equal(method, h.method):
		return "CSeq Method Mismatch"
	case number(seq, maxSeq) < 0:
		return "Bad CSeq"
	case h.length.count == 1 && number(h.length.value, 1<<31-1) > h.body:
		return "Content-Length Mismatch"
	case string(h.method) == "REGISTER" && !sipScheme(schemeOf(h.to.value)):
		return "Bad To" // RFC 3261 section 10.2: an address of record is a SIP or SIPS URI
	}
	return ""
}
