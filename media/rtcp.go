package media

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/pion/rtcp"
)

// reportInterval is the mean time between our RTCP reports, the least that RFC 3550
// section 6.2 recommends; each is drawn from half to one and a half of it
// (section 6.3.1).
const reportInterval = 5 * time.Second

// ntpEpoch is how far 1900 lies before 1970, in seconds.
const ntpEpoch = 2208988800

// reports is the RTCP side of a session. mu is held for instants only.
type reports struct {
	mu   sync.Mutex
	to   netip.AddrPort // where ours go
	next time.Time
	seal *cipher // nil: ours go plain

	cname          string          // of our streams (RFC 3550 section 6.5.1)
	packet, sealed [maxReport]byte // the newest of ours

	// From the far side.
	reported     bool      // it has told how it receives us
	lastReport   uint32    // middle 32 bits of its last sender report's NTP time
	lastAt       time.Time // when that came
	remoteLost   uint32
	remoteJitter uint32 // samples
	roundTrip    time.Duration
}

// begin has reports tell of the session of that name on its host.
func (r *reports) begin(session uint64, host netip.Addr, now time.Time) {
	r.cname = strconv.FormatUint(session, 36) + "@" + host.String()
	r.schedule(now)
}

// protect encrypts our further reports; nil leaves them plain. Their numbers go on with
// another key (RFC 3711 section 3.2.1).
func (r *reports) protect(c *cipher, ssrc uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seal != nil && c != nil && r.seal != c {
		if index, known := r.seal.rtcp.Index(ssrc); known {
			c.rtcp.SetIndex(ssrc, index)
		}
	}
	r.seal = c
}

// send writes a report, encrypts it where that was agreed on, and sends it. It does not
// while nobody takes reports.
func (r *reports) send(s socket, report *report, goodbye bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.to.IsValid() {
		return nil
	}
	packet := report.compound(r.packet[:0], r.cname, goodbye)
	if r.seal != nil {
		var err error
		if packet, err = r.seal.rtcp.EncryptRTCP(r.sealed[:0], packet, nil); err != nil {
			return err
		}
	}
	return s.WriteTo(packet, r.to)
}

// announce notes where the far side takes RTCP, as it said or as it showed.
func (r *reports) announce(to netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.to = to
}

func (r *reports) schedule(now time.Time) {
	r.next = now.Add(reportInterval/2 + rand.N(reportInterval))
}

// due reports whether it is time for a report, and when it will be for the next.
func (r *reports) due(now time.Time) (due bool, next time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Before(r.next) {
		return false, r.next
	}
	r.schedule(now)
	return r.to.IsValid(), r.next
}

func (r *reports) fill(stats *SessionStats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	stats.Reported = r.reported
	stats.RemoteLost = uint64(r.remoteLost)
	stats.RemoteJitter = samples(float64(r.remoteJitter))
	stats.RoundTrip = r.roundTrip
}

// sendReport sends a sender report, or a receiver report while nothing has been sent.
// One that is lost is made up for by the next.
func (s *Session) sendReport(now time.Time) {
	r := s.report(now)
	_ = s.rtcp.send(s.pair.rtcp, &r, false)
}

// sendGoodbye tells the far side that our stream ends, if it has begun (RFC 3550
// section 6.6).
func (s *Session) sendGoodbye() {
	if r := s.report(time.Now()); r.sender {
		_ = s.rtcp.send(s.pair.rtcp, &r, true)
	}
}

// report describes what we sent and what we received.
func (s *Session) report(now time.Time) (r report) {
	r.block, r.received = s.receptionReport(now)
	o := s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	r.ssrc = o.ssrc.Load()
	if o.packets == o.packetsBefore {
		return r
	}
	since := uint32(now.Sub(o.sentAt).Microseconds() * (ClockRate / 1000) / 1000)
	r.sender, r.ntp, r.timestamp = true, ntpTime(now), o.timestamp+since
	r.packets, r.octets = uint32(o.packets-o.packetsBefore), uint32(o.octets-o.octetsBefore)
	return r
}

// receptionReport is what is told of the far side's stream, once that has begun.
func (s *Session) receptionReport(now time.Time) (block rtcp.ReceptionReport, begun bool) {
	s.in.mu.Lock()
	r := &s.in.reception
	if !r.started {
		s.in.mu.Unlock()
		return block, false
	}
	block = rtcp.ReceptionReport{
		SSRC: r.ssrc, FractionLost: r.fractionLost(),
		TotalLost:          uint32(min(r.lostNow(), 1<<23-1)),
		LastSequenceNumber: r.highest - 1<<16, Jitter: uint32(r.jitter),
	}
	s.in.mu.Unlock()
	s.rtcp.mu.Lock()
	defer s.rtcp.mu.Unlock()
	if !s.rtcp.lastAt.IsZero() {
		block.LastSenderReport = s.rtcp.lastReport
		block.Delay = ntpShort(now.Sub(s.rtcp.lastAt))
	}
	return block, true
}

// fractionLost is the share lost since the last report, in 1/256
// (RFC 3550 appendix A.3).
func (r *reception) fractionLost() uint8 {
	expected, received := r.expected(), r.current
	due, came := expected-r.reportExpected, received-r.reportReceived
	r.reportExpected, r.reportReceived = expected, received
	if due == 0 || came >= due {
		return 0
	}
	return uint8(min((due-came)*256/due, 255))
}

// receiveRTCP takes one datagram from the RTCP socket. It is believed only if it
// comes from the host that the RTP comes from; ours then go to where it came from
// (RFC 4961).
func (s *Session) receiveRTCP(b []byte, from netip.AddrPort, now time.Time) {
	s.in.mu.Lock()
	party := s.in.guard.source.Addr()
	s.in.mu.Unlock()
	if from.Addr() != party {
		return
	}
	if c := s.cipher.Load(); c != nil {
		var err error
		if b, err = c.openRTCP(b); err != nil {
			return
		}
	}
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		return
	}
	s.rtcp.announce(from)
	s.in.mu.Lock()
	s.in.last = now
	s.in.mu.Unlock()
	for _, p := range packets {
		switch p := p.(type) {
		case *rtcp.SenderReport:
			s.rtcp.senderReport(p, now)
			s.rtcp.receptionReports(p.Reports, s.out.ssrc.Load(), now)
		case *rtcp.ReceiverReport:
			s.rtcp.receptionReports(p.Reports, s.out.ssrc.Load(), now)
		}
	}
}

func (r *reports) senderReport(p *rtcp.SenderReport, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lastReport, r.lastAt = uint32(p.NTPTime>>16), now
}

// receptionReports notes what the far side says of our stream.
func (r *reports) receptionReports(blocks []rtcp.ReceptionReport, ssrc uint32, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range blocks {
		if b.SSRC != ssrc {
			continue
		}
		r.reported = true
		// The count is signed, of 24 bits: repeats can make it negative.
		r.remoteLost = 0
		if b.TotalLost < 1<<23 {
			r.remoteLost = b.TotalLost
		}
		r.remoteJitter = b.Jitter
		if b.LastSenderReport != 0 {
			// Section 6.4.1: all three in 1/65536 s, wrapping.
			trip := uint32(ntpTime(now)>>16) - b.LastSenderReport - b.Delay
			if trip < 1<<31 {
				r.roundTrip = time.Duration(trip) * time.Second >> 16
			}
		}
	}
}

// ntpTime is t in the 32.32 format of NTP.
func ntpTime(t time.Time) uint64 {
	return uint64(t.Unix()+ntpEpoch)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// ntpShort is d in 1/65536 s.
func ntpShort(d time.Duration) uint32 {
	return uint32(uint64(d) << 16 / uint64(time.Second))
}
