package wire

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"ringpace/sip/defence"
)

// maxMessage is the longest message that is read from a stream, in bytes.
const maxMessage = 65535

// Why a stream cannot be read on: there is no boundary to go on from.
var (
	errNotSIP  = errors.New("what comes is not SIP")
	errTooLong = errors.New("a message is too long")
)

// framer finds the messages in a stream (RFC 3261 section 18.3). What it returns
// are slices of its buffer, good until the next call of write.
type framer struct {
	buf   []byte
	taken int // bytes at the start of buf that have been returned
}

func (f *framer) write(data []byte) {
	if f.taken > 0 {
		f.buf = append(f.buf[:0], f.buf[f.taken:]...)
		f.taken = 0
	}
	if len(f.buf) == 0 && cap(f.buf) > 2*maxMessage {
		f.buf = nil
	}
	f.buf = append(f.buf, data...)
}

// partial reports whether a message has begun and is not complete.
func (f *framer) partial() bool { return len(f.buf) > f.taken }

// next returns the next message, or a keep-alive of one or two CRLFs (RFC 5626
// section 3.5.1). It returns nil when more must be read.
func (f *framer) next() ([]byte, error) {
	rest := f.buf[f.taken:]
	if n := blank(rest); n > 0 {
		if n == len(rest) && n%2 != 0 {
			return nil, nil // half a CRLF
		}
		n = min(n, 4)
		f.taken += n
		return rest[:n], nil
	}
	if len(rest) == 0 {
		return nil, nil
	}
	if !couldBegin(rest) {
		return nil, errNotSIP
	}
	end := bytes.Index(rest, []byte("\r\n\r\n"))
	if end < 0 {
		if len(rest) > maxMessage {
			return nil, errTooLong
		}
		return nil, nil
	}
	body, ok := contentLength(rest[:end+2])
	if !ok {
		return nil, errNotSIP
	}
	if total := end + 4 + body; total > maxMessage {
		return nil, errTooLong
	} else if total <= len(rest) {
		f.taken += total
		return rest[:total], nil
	}
	return nil, nil
}

// blank returns how many bytes of CR and LF a buffer begins with.
func blank(b []byte) int {
	return len(b) - len(bytes.TrimLeft(b, "\r\n"))
}

// couldBegin reports whether a message can begin so: its first line, as far as it is
// there, holds printable characters and is not too long.
func couldBegin(b []byte) bool {
	line, _, whole := bytes.Cut(b, []byte("\r\n"))
	const longest = 4096
	if len(line) > longest {
		return false
	}
	begin := bytes.TrimSuffix(line[:min(len(line), 16)], []byte("\r")) // its LF may be on the way
	if bytes.IndexFunc(begin, func(r rune) bool { return r < ' ' || r == 0x7f }) >= 0 {
		return false
	}
	return !whole || defence.BeginsLikeSIP(b)
}

// contentLength returns the length that a header names (RFC 3261 section 20.14); 0
// when it names none. ok is false when it is no number, or two that differ.
func contentLength(header []byte) (n int, ok bool) {
	n = -1
	for len(header) > 0 {
		var line []byte
		line, header, _ = bytes.Cut(header, []byte("\r\n"))
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found {
			continue
		}
		if name := strings.TrimRight(string(name), " \t"); !strings.EqualFold(name, "Content-Length") && !strings.EqualFold(name, "l") {
			continue
		}
		v, err := strconv.ParseUint(strings.TrimSpace(string(value)), 10, 31)
		if err != nil || n >= 0 && n != int(v) {
			return 0, false
		}
		n = int(v)
	}
	return max(n, 0), true
}
