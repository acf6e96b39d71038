package lead

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Encoding is how a file's text is encoded.
type Encoding string

// The encodings. UTF-16 is found by its byte order mark alone.
const (
	AnyEncoding Encoding = ""        // found from the text
	UTF8        Encoding = "utf-8"   //
	GB18030     Encoding = "gb18030" // and GBK, GB2312, which are parts of it
	utf16       Encoding = "utf-16"
)

// Bounds of what a row may be, so that rubbish costs neither memory nor time.
const (
	maxLine  = 64 << 10 // bytes of one line
	maxRow   = 64 << 10 // bytes of one row with quoted line ends in it
	maxLines = 200      // lines of one row
	sample   = 64 << 10 // bytes that encoding and line ends are found from
)

// line is one physical line of a file, without its end.
type line struct {
	text   string
	number int    // from 1
	fault  string // what is wrong with it as text; text is then unusable
}

// lines splits a file into physical lines and decodes them.
type lines struct {
	count    *counter
	in       *bufio.Reader
	encoding Encoding // AnyEncoding until a line tells
	end      byte     // '\n', or '\r' in files that have no other
	number   int      // of the last line that was read
	buffer   []byte
	pending  []line // given back, to be read again
}

// counter counts the bytes that the caller's reader gave.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func newLines(r io.Reader, e Encoding) (*lines, error) {
	l := &lines{count: &counter{r: r}, encoding: e, end: '\n'}
	l.in = bufio.NewReaderSize(l.count, sample)
	start, err := l.in.Peek(3)
	switch {
	case err != nil && err != io.EOF:
		return nil, err
	case bytes.HasPrefix(start, []byte{0xEF, 0xBB, 0xBF}):
		if _, err := l.in.Discard(3); err != nil {
			return nil, err
		}
		if e == AnyEncoding {
			l.encoding = UTF8
		}
	case bytes.HasPrefix(start, []byte{0xFF, 0xFE}), bytes.HasPrefix(start, []byte{0xFE, 0xFF}):
		decoder := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder()
		l.in = bufio.NewReaderSize(transform.NewReader(l.in, decoder), sample)
		l.encoding = utf16
	}
	head, err := l.in.Peek(sample)
	if err != nil && err != io.EOF && len(head) == 0 {
		return nil, err
	}
	if !bytes.Contains(head, []byte{'\n'}) && bytes.Contains(head, []byte{'\r'}) {
		l.end = '\r'
	}
	if l.encoding == AnyEncoding {
		l.encoding = vote(head)
	}
	return l, nil
}

// vote finds the encoding of a sample by its lines, so that some rubbish in
// between does not decide. A line of Chinese in GB18030 is hardly ever valid
// UTF-8.
func vote(head []byte) Encoding {
	var inUTF8, inGB int
	all := bytes.Split(head, []byte{'\n'})
	if len(all) > 1 {
		all = all[:len(all)-1] // may be cut within a character
	}
	for _, b := range all {
		switch {
		case ascii(b):
		case utf8.Valid(b):
			inUTF8++
		default:
			if _, ok := fromGB(b); ok {
				inGB++
			}
		}
	}
	switch {
	case inUTF8 == 0 && inGB == 0:
		return AnyEncoding
	case inUTF8 >= inGB:
		return UTF8
	}
	return GB18030
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func fromGB(b []byte) (string, bool) {
	out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(b)
	return string(out), err == nil && !bytes.ContainsRune(out, utf8.RuneError)
}

// next returns the next line; io.EOF after the last.
func (l *lines) next() (line, error) {
	if n := len(l.pending); n > 0 {
		first := l.pending[0]
		l.pending = l.pending[1:]
		return first, nil
	}
	raw, long, err := l.read()
	if err != nil {
		return line{}, err
	}
	l.number++
	out := line{number: l.number}
	switch {
	case long:
		out.fault = fmt.Sprintf("the line is longer than %d bytes", maxLine)
	case bytes.ContainsFunc(raw, func(r rune) bool { return r < ' ' && r != '\t' && r != '\r' || r == 0x7f }):
		out.fault = "the line holds binary data"
	default:
		out.text, out.fault = l.decode(raw)
	}
	return out, nil
}

// read returns a line's bytes, valid until the next call. Of one that is too long
// the rest is thrown away.
func (l *lines) read() (raw []byte, long bool, err error) {
	l.buffer = l.buffer[:0]
	for {
		part, err := l.in.ReadSlice(l.end)
		if len(l.buffer)+len(part) > maxLine+2 {
			long = true
		} else {
			l.buffer = append(l.buffer, part...)
		}
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && len(l.buffer) == 0 && !long, err != nil && err != io.EOF:
			return nil, false, err
		}
		raw = bytes.TrimSuffix(l.buffer, []byte{l.end})
		return bytes.TrimSuffix(raw, []byte{'\r'}), long || len(raw) > maxLine, nil
	}
}

func (l *lines) decode(b []byte) (text, fault string) {
	if ascii(b) {
		return string(b), ""
	}
	if l.encoding != GB18030 && utf8.Valid(b) {
		if l.encoding == AnyEncoding {
			l.encoding = UTF8
		}
		return string(b), ""
	}
	if l.encoding == GB18030 || l.encoding == AnyEncoding {
		if s, ok := fromGB(b); ok {
			l.encoding = GB18030
			return s, ""
		}
		return "", "the line is no text in GB18030"
	}
	return "", "the line is no text in UTF-8"
}

// back gives lines back, to be read again.
func (l *lines) back(again []line) { l.pending = append(again, l.pending...) }
