package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

const framed = "OPTIONS sip:a@b SIP/2.0\r\nVia: x\r\nContent-Length: 4\r\n\r\nbody"

// frames returns what a stream holds, given in pieces of that length.
func frames(data string, piece int) (units []string, partial bool, err error) {
	var f framer
	for len(data) > 0 {
		n := min(piece, len(data))
		f.write([]byte(data[:n]))
		data = data[n:]
		for {
			u, err := f.next()
			if err != nil {
				return units, f.partial(), err
			}
			if u == nil {
				break
			}
			units = append(units, string(u))
		}
	}
	return units, f.partial(), nil
}

func TestMessagesAreFoundInAStream(t *testing.T) {
	compact := "SIP/2.0 200 OK\r\nl :\t0\r\n\r\n"
	bare := "SIP/2.0 200 OK\r\nVia: x\r\n\r\n"
	for _, c := range []struct {
		name, data string
		units      []string
		partial    bool
		err        error
	}{
		{"two messages", framed + compact, []string{framed, compact}, false, nil},
		{"no length means no body", bare + framed, []string{bare, framed}, false, nil},
		{"ping between messages", framed + "\r\n\r\n" + framed, []string{framed, "\r\n\r\n", framed}, false, nil},
		{"half a message", framed + framed[:40], []string{framed}, true, nil},
		{"body missing", framed[:len(framed)-1], nil, true, nil},
		{"same length twice", strings.Replace(framed, "Via: x", "l: 4", 1), []string{strings.Replace(framed, "Via: x", "l: 4", 1)}, false, nil},
		{"two lengths", strings.Replace(framed, "Via: x", "l: 5", 1), nil, true, errNotSIP},
		{"negative length", strings.Replace(framed, ": 4", ": -4", 1), nil, true, errNotSIP},
		{"length beyond all", strings.Replace(framed, ": 4", ": 99999", 1), nil, true, errTooLong},
		{"endless header", "OPTIONS sip:a@b SIP/2.0\r\n" + strings.Repeat("X: y\r\n", 20000), nil, true, errTooLong},
		{"endless line", "OPTIONS sip:" + strings.Repeat("a", 70000), nil, true, errNotSIP},
		{"HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", nil, true, errNotSIP},
		{"TLS to a plain port", "\x16\x03\x01\x02\x00\x01\x00", nil, true, errNotSIP},
	} {
		for _, piece := range []int{1, 7, 1 << 20} {
			units, partial, err := frames(c.data, piece)
			if c.name == "ping between messages" { // how many a read brings is up to TCP
				if strings.Join(units, "") != strings.Join(c.units, "") {
					t.Errorf("%s, by %d: %q", c.name, piece, units)
				}
				continue
			}
			if strings.Join(units, "|") != strings.Join(c.units, "|") || partial != c.partial || !errors.Is(err, c.err) {
				t.Errorf("%s, by %d: %q, partial %v, %v", c.name, piece, units, partial, err)
			}
		}
	}
}

func FuzzFramer(f *testing.F) {
	f.Add([]byte(framed+"\r\n\r\n"+framed), 3)
	f.Add([]byte("\r\r\n\nSIP/2.0 \r\nl:1\r\n\r\nxy"), 1)
	f.Fuzz(func(t *testing.T, data []byte, piece int) {
		piece = max(1, piece)
		var fr framer
		var out []byte
		for rest := data; len(rest) > 0; {
			n := min(piece, len(rest))
			fr.write(rest[:n])
			rest = rest[n:]
			for {
				u, err := fr.next()
				if err != nil {
					return
				}
				if u == nil {
					break
				}
				if len(u) > maxMessage {
					t.Fatal("too long")
				}
				out = append(out, u...)
			}
			if !bytes.HasPrefix(data, out) {
				t.Fatal("what comes out is not what went in")
			}
		}
		if left := fr.buf[fr.taken:]; !bytes.Equal(append(out, left...), data) {
			t.Fatal("bytes were lost")
		}
	})
}
