package media

import (
	"fmt"
	"strconv"
	"strings"
)

// relax rewrites a session description as the field sends it into one that a strict
// parser takes: lines in the order of RFC 8866, a final line end, the lines that we do
// not use (o=, s=, t=, b= …) replaced or left out. The media lines, among which are
// kinds and transports that parsers do not know, are returned beside; in the text each
// has an audio line in its place, with its connection and attributes.
func relax(body string) (text string, lines []mediaLine, err error) {
	type section struct{ connection, attributes []string }
	sections := []section{{}}
	for i, line := range strings.Split(body, "\n") {
		line = strings.TrimRight(line, "\r \t\x00")
		if line == "" {
			continue
		}
		if i == 0 && line != "v=0" {
			return "", nil, fmt.Errorf("%w: it begins with %.20q, not with v=0", ErrSDP, line)
		}
		if len(line) < 2 || line[1] != '=' {
			return "", nil, fmt.Errorf("%w: line %d, %.20q, is no line of it", ErrSDP, i+1, line)
		}
		current := &sections[len(sections)-1]
		switch line[0] {
		case 'm':
			m, ok := splitMediaLine(line[2:])
			if !ok {
				return "", nil, fmt.Errorf("%w: line %d, %.40q", ErrSDP, i+1, line)
			}
			lines = append(lines, m)
			sections = append(sections, section{})
		case 'c':
			current.connection = append(current.connection, line)
		case 'a':
			current.attributes = append(current.attributes, line)
		}
	}
	var b strings.Builder
	b.WriteString("v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\n")
	for i, s := range sections {
		if i > 0 {
			b.WriteString("m=audio 9 RTP/AVP 0\r\n")
		}
		for _, line := range s.connection {
			b.WriteString(line + "\r\n")
		}
		if i == 0 {
			b.WriteString("t=0 0\r\n")
		}
		for _, line := range s.attributes {
			b.WriteString(line + "\r\n")
		}
	}
	return b.String(), lines, nil
}

// splitMediaLine reads the value of a media line: kind port[/number] proto formats.
func splitMediaLine(value string) (m mediaLine, ok bool) {
	f := strings.Fields(value)
	if len(f) < 4 {
		return m, false
	}
	port, _, _ := strings.Cut(f[1], "/")
	p, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return m, false
	}
	m = mediaLine{kind: f[0], port: uint16(p), proto: f[2], formats: f[3:]}
	m.secure = m.proto == "RTP/SAVP" || m.proto == "RTP/SAVPF" // RFC 3711 section 12, RFC 5124
	m.rtp = m.kind == "audio" && (m.secure || m.proto == "RTP/AVP" || m.proto == "RTP/AVPF")
	return m, true
}
