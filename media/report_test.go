package media

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtcp"
)

// TestReportsReadBack holds that the library reads what is written: all kinds of reports,
// with CNAMEs of every length to the next word and the next but one.
func TestReportsReadBack(t *testing.T) {
	block := rtcp.ReceptionReport{
		SSRC: 0x01020304, FractionLost: 200, TotalLost: 1<<23 - 1, LastSequenceNumber: 0xfffe0001,
		Jitter: 7, LastSenderReport: 0xdeadbeef, Delay: 1 << 16,
	}
	for name, r := range map[string]report{
		"nothing yet": {ssrc: 1},
		"received":    {ssrc: 2, received: true, block: block},
		"sent":        {ssrc: 3, sender: true, ntp: 1<<63 | 5, timestamp: 1 << 31, packets: 1<<32 - 1, octets: 9},
		"both":        {ssrc: 1<<32 - 1, sender: true, ntp: 6, timestamp: 7, packets: 8, octets: 9, received: true, block: block},
	} {
		for length := range 9 {
			cname := strings.Repeat("x", length)
			for _, goodbye := range []bool{false, true} {
				var blocks []rtcp.ReceptionReport
				if r.received {
					blocks = []rtcp.ReceptionReport{r.block}
				}
				var first rtcp.Packet = &rtcp.ReceiverReport{SSRC: r.ssrc, Reports: blocks}
				if r.sender {
					first = &rtcp.SenderReport{SSRC: r.ssrc, NTPTime: r.ntp, RTPTime: r.timestamp, PacketCount: r.packets, OctetCount: r.octets, Reports: blocks}
				}
				want := []rtcp.Packet{first, rtcp.NewCNAMESourceDescription(r.ssrc, cname)}
				if goodbye {
					want = append(want, &rtcp.Goodbye{Sources: []uint32{r.ssrc}})
				}
				expected, err := rtcp.Marshal(want)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(expected, r.compound(nil, cname, goodbye)); d != "" {
					t.Errorf("%s, CNAME of %d, goodbye %v (-library +ours):\n%s", name, length, goodbye, d)
				}
			}
		}
	}
}

// TestReportsAllocateNothing holds it of plain and of encrypted ones.
func TestReportsAllocateNothing(t *testing.T) {
	plain, f := bareSession(t, bareEngine(), "8")
	f.drop = true
	secure, f := secureSession(t, bareEngine(), testKey(1))
	f.drop = true
	for name, s := range map[string]*Session{"plain": plain, "encrypted": secure} {
		s.rtcp.announce(partyAddr)
		now := time.Now()
		if n := testing.AllocsPerRun(100, func() { s.sendReport(now) }); n > 0 {
			t.Errorf("%s: %v allocations a report", name, n)
		}
	}
}
