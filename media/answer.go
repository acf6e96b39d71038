package media

import (
	"net/netip"
	"strconv"
	"time"

	"github.com/pion/sdp/v3"
)

// localDescription is what we say of ourselves in an offer or answer.
type localDescription struct {
	id, version uint64
	local       netip.AddrPort
	ptime       time.Duration
	formats     []format
	direction   direction
	proto       string // RTP/AVP, RTP/SAVP, or what the offer had
	crypto      []cryptoOffer
	// lines are those of the offer that this answers, accepted the index of ours;
	// an offer of our own has none.
	lines    []mediaLine
	accepted int
}

// marshal writes the description (RFC 8866; for answers RFC 3264 section 6: as many
// media lines as the offer, in its order, those refused with port 0).
func (d *localDescription) marshal() []byte {
	family := "IP6"
	if d.local.Addr().Is4() {
		family = "IP4"
	}
	addr := d.local.Addr().String()
	sd := sdp.SessionDescription{
		Origin: sdp.Origin{
			Username: "-", SessionID: d.id, SessionVersion: d.version,
			NetworkType: "IN", AddressType: family, UnicastAddress: addr,
		},
		SessionName: "-",
		ConnectionInformation: &sdp.ConnectionInformation{
			NetworkType: "IN", AddressType: family, Address: &sdp.Address{Address: addr},
		},
		TimeDescriptions: []sdp.TimeDescription{{}},
	}
	if d.lines == nil {
		sd.MediaDescriptions = []*sdp.MediaDescription{d.audio()}
	}
	for i, line := range d.lines {
		m := d.audio()
		if i != d.accepted {
			m = line.refusal()
		}
		sd.MediaDescriptions = append(sd.MediaDescriptions, m)
	}
	body, err := sd.Marshal()
	if err != nil {
		panic("media: own session description does not marshal: " + err.Error()) // it writes to memory
	}
	return body
}

func (d *localDescription) audio() *sdp.MediaDescription {
	m := &sdp.MediaDescription{MediaName: sdp.MediaName{
		Media: "audio", Port: sdp.RangedPort{Value: int(d.local.Port())}, Protos: []string{d.proto},
	}}
	for _, f := range d.formats {
		m = m.WithCodec(f.payloadType, f.codec.String(), ClockRate, 0, f.parameters())
	}
	for _, c := range d.crypto {
		m.WithValueAttribute("crypto", c.attribute())
	}
	m.WithValueAttribute("ptime", strconv.FormatInt(d.ptime.Milliseconds(), 10))
	m.WithValueAttribute("maxptime", strconv.FormatInt(maxPTime.Milliseconds(), 10))
	m.WithPropertyAttribute(string(d.direction))
	return m
}

// parameters is the fmtp of a format; telephone events name those we take.
func (f format) parameters() string {
	if f.codec == TelephoneEvent {
		return "0-" + strconv.Itoa(len(eventDigits)-1)
	}
	return ""
}

// refusal is the line with port 0.
func (l mediaLine) refusal() *sdp.MediaDescription {
	formats := l.formats
	if len(formats) == 0 {
		formats = []string{"0"}
	}
	return &sdp.MediaDescription{MediaName: sdp.MediaName{
		Media: l.kind, Protos: []string{l.proto}, Formats: formats,
	}}
}
