package media

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/pion/sdp/v3"
)

const (
	defaultPTime = 20 * time.Millisecond
	minPTime     = 10 * time.Millisecond
	maxPTime     = 60 * time.Millisecond
	// maxSDP bounds what is parsed, in octets.
	maxSDP = 64 << 10
)

// direction of a stream, as the side that wrote the description sees it
// (RFC 8866 section 6.7).
type direction string

const (
	sendRecv direction = "sendrecv"
	sendOnly direction = "sendonly"
	recvOnly direction = "recvonly"
	inactive direction = "inactive"
)

// takes reports whether the side that wrote d wants packets.
func (d direction) takes() bool { return d == sendRecv || d == recvOnly }

// answer is the direction that answers d when nothing holds us back
// (RFC 3264 section 6.1).
func (d direction) answer() direction {
	switch d {
	case sendOnly:
		return recvOnly
	case recvOnly:
		return sendOnly
	}
	return d
}

// format is one payload type of a media line that we know how to use.
type format struct {
	codec       Codec
	payloadType uint8
}

// mediaLine is one media line of a session description.
type mediaLine struct {
	kind    string   // audio, video …
	proto   string   // RTP/AVP …
	formats []string // as written, for answers that reject the line
	rtp     bool     // audio over RTP
	secure  bool     // of a profile that is SRTP
	port    uint16   // 0: rejected or switched off

	// For lines with rtp and a port.
	addr      netip.AddrPort // not valid: none was given that can be used
	rtcp      netip.AddrPort
	direction direction
	usable    []format // in the order of preference of the side that wrote it
	ptime     time.Duration
	crypto    []cryptoOffer // those that we can use, in the order of the side that wrote it
}

// description is what we read from a session description.
type description struct {
	lines []mediaLine
}

// parseDescription reads a session description (RFC 8866). Its errors wrap ErrSDP.
// A description without a line that suits us is no error here.
func parseDescription(body []byte) (*description, error) {
	if len(body) == 0 {
		return nil, fmt.Errorf("%w: empty", ErrSDP)
	}
	if len(body) > maxSDP {
		return nil, fmt.Errorf("%w: %d octets", ErrSDP, len(body))
	}
	text, lines, err := relax(string(body))
	if err != nil {
		return nil, err
	}
	var sd sdp.SessionDescription
	if err := sd.UnmarshalString(text); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSDP, err)
	}
	if len(sd.MediaDescriptions) != len(lines) { // the parser takes what follows an address for a line of its own
		return nil, fmt.Errorf("%w: a media line within another line", ErrSDP)
	}
	d := &description{}
	for i, m := range sd.MediaDescriptions {
		d.lines = append(d.lines, completeMediaLine(lines[i], &sd, m))
	}
	return d, nil
}

// AddressOf is where the one who wrote a session description takes audio. It is not
// valid where that cannot be told.
func AddressOf(description []byte) netip.Addr {
	d, err := parseDescription(description)
	if err != nil {
		return netip.Addr{}
	}
	for _, l := range d.lines {
		if l.rtp && l.addr.IsValid() {
			return l.addr.Addr()
		}
	}
	return netip.Addr{}
}

// completeMediaLine adds what stands in the lines below a media line.
func completeMediaLine(line mediaLine, sd *sdp.SessionDescription, m *sdp.MediaDescription) mediaLine {
	if !line.rtp || line.port == 0 {
		return line
	}
	line.direction = parseDirection(sd.Attributes, m.Attributes)
	connection := m.ConnectionInformation
	if connection == nil {
		connection = sd.ConnectionInformation
	}
	if addr, ok := parseConnection(connection); ok {
		line.addr = netip.AddrPortFrom(addr, line.port)
		line.rtcp = parseRTCPAddr(m, line.addr)
	}
	line.usable = parseFormats(line.formats, m.Attributes)
	line.ptime = parsePTime(m)
	for _, a := range m.Attributes {
		if a.Key == "crypto" {
			if c, ok := parseCrypto(a.Value); ok {
				line.crypto = append(line.crypto, c)
			}
		}
	}
	return line
}

// parseDirection gives the direction of a stream: the media level's, else the
// session level's, else sendrecv.
func parseDirection(session, media []sdp.Attribute) direction {
	for _, attributes := range [][]sdp.Attribute{media, session} {
		for _, a := range attributes {
			switch d := direction(a.Key); d {
			case sendRecv, sendOnly, recvOnly, inactive:
				return d
			}
		}
	}
	return sendRecv
}

func parseConnection(c *sdp.ConnectionInformation) (netip.Addr, bool) {
	if c == nil || c.Address == nil || c.NetworkType != "IN" {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(c.Address.Address)
	if err != nil || addr.IsMulticast() || addr.Zone() != "" {
		return netip.Addr{}, false
	}
	return addr.Unmap(), true
}

// parseRTCPAddr is where the far side takes RTCP: a=rtcp (RFC 3605), else the port
// above.
func parseRTCPAddr(m *sdp.MediaDescription, rtp netip.AddrPort) netip.AddrPort {
	addr, port := rtp.Addr(), rtp.Port()+1
	if value, ok := m.Attribute("rtcp"); ok {
		fields := strings.Fields(value)
		if len(fields) > 0 {
			if p, err := strconv.ParseUint(fields[0], 10, 16); err == nil && p > 0 {
				port = uint16(p)
			}
		}
		if len(fields) == 4 {
			if a, err := netip.ParseAddr(fields[3]); err == nil && a.Zone() == "" {
				addr = a.Unmap()
			}
		}
	}
	return netip.AddrPortFrom(addr, port)
}

// parseFormats gives the payload types of a line that we can use, in its order.
func parseFormats(formats []string, attributes []sdp.Attribute) []format {
	names := make(map[uint64]string)
	for _, a := range attributes {
		if a.Key != "rtpmap" {
			continue
		}
		number, name, _ := strings.Cut(a.Value, " ")
		if pt, err := strconv.ParseUint(number, 10, 7); err == nil {
			names[pt] = strings.TrimSpace(name)
		}
	}
	var usable []format
	for _, text := range formats {
		pt, err := strconv.ParseUint(text, 10, 7)
		if err != nil {
			continue
		}
		if codec := codecOf(pt, names[pt]); codec != 0 {
			usable = append(usable, format{codec: codec, payloadType: uint8(pt)})
		}
	}
	return usable
}

// codecOf tells the codec of a payload type from its rtpmap, name/rate[/channels],
// or from RFC 3551 where there is none.
func codecOf(payloadType uint64, rtpmap string) Codec {
	if rtpmap == "" {
		switch payloadType {
		case payloadPCMU:
			return PCMU
		case payloadPCMA:
			return PCMA
		case payloadG722:
			return G722
		case payloadCN:
			return ComfortNoise
		}
		return 0
	}
	fields := strings.Split(rtpmap, "/")
	if len(fields) < 2 || fields[1] != strconv.Itoa(ClockRate) || len(fields) > 2 && fields[2] != "1" {
		return 0
	}
	codec, err := ParseCodec(fields[0])
	if err != nil {
		return 0
	}
	return codec
}

// parsePTime gives the packet time that the far side asks for; 0 if it does not.
func parsePTime(m *sdp.MediaDescription) time.Duration {
	read := func(key string) time.Duration {
		value, _ := m.Attribute(key)
		ms, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(ms > 0 && ms < 10_000) {
			return 0
		}
		return time.Duration(ms * float64(time.Millisecond))
	}
	ptime, longest := read("ptime"), read("maxptime")
	if ptime == 0 && longest != 0 && longest < defaultPTime {
		ptime = longest
	}
	if longest != 0 && ptime > longest {
		ptime = longest
	}
	if ptime == 0 {
		return 0
	}
	return clampPTime(ptime)
}

// clampPTime brings a packet time to 10, 20, … 60 ms.
func clampPTime(d time.Duration) time.Duration {
	return min(max(d/minPTime*minPTime, minPTime), maxPTime)
}
