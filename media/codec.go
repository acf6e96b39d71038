package media

import (
	"fmt"
	"strings"
	"time"
)

// Codec is what the payload of an RTP packet holds. The RTP clock of all of them runs at
// 8 kHz.
type Codec uint8

// The codecs. PCMA, PCMU and G722 are audio that a leg can be negotiated for; the
// others travel beside it. G722 is on the wire only: within, its packets are PCMA, into
// which they are turned as they come and from which as they go. The zero value is no
// codec.
const (
	PCMA           Codec = iota + 1 // G.711 A-law, RFC 3551 section 4.5.14
	PCMU                            // G.711 mu-law
	TelephoneEvent                  // RFC 4733
	ComfortNoise                    // RFC 3389
	G722                            // RFC 3551 section 4.5.2
)

// ClockRate is the RTP clock and the sampling rate of every codec here, in Hz.
const ClockRate = 8000

// samplesIn is how many samples last for d.
func samplesIn(d time.Duration) int { return int(d / (time.Second / ClockRate)) }

// samples is how long n samples last.
func samples(n float64) time.Duration {
	return time.Duration(n * float64(time.Second) / ClockRate)
}

// String gives the encoding name of RFC 3551 and the IANA registry.
func (c Codec) String() string {
	switch c {
	case PCMA:
		return "PCMA"
	case PCMU:
		return "PCMU"
	case TelephoneEvent:
		return "telephone-event"
	case ComfortNoise:
		return "CN"
	case G722:
		return "G722"
	}
	return "none"
}

// Audio reports whether payloads of c are speech, an octet for each period of the clock.
func (c Codec) Audio() bool { return c == PCMA || c == PCMU || c == G722 }

// law is the law of G.711 in which audio of c is handled within.
func (c Codec) law() Codec {
	if c == G722 {
		return PCMA
	}
	return c
}

// ParseCodec returns the codec with that encoding name, in any case.
func ParseCodec(name string) (Codec, error) {
	for _, c := range []Codec{PCMA, PCMU, TelephoneEvent, ComfortNoise, G722} {
		if strings.EqualFold(name, c.String()) {
			return c, nil
		}
	}
	return 0, fmt.Errorf("media: no codec %q", name)
}

// Payload types. All but the last are static (RFC 3551 section 6); telephone
// events have none, 101 is what the field expects.
const (
	payloadPCMU  = 0
	payloadPCMA  = 8
	payloadG722  = 9
	payloadCN    = 13
	payloadEvent = 101
)

// payloadType returns the payload type under which we announce c.
func (c Codec) payloadType() uint8 {
	switch c {
	case PCMU:
		return payloadPCMU
	case PCMA:
		return payloadPCMA
	case G722:
		return payloadG722
	case ComfortNoise:
		return payloadCN
	}
	return payloadEvent
}
