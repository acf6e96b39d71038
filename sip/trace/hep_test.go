package trace

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// hepPacket is a packet as a collector reads it.
type hepPacket struct {
	family, protocol, kind byte
	source, target         netip.AddrPort
	at                     time.Time
	node                   uint32
	nodeName, key          string
	payload, correlation   string
}

// decodeHEP is written from the protocol's document, not from the encoder.
func decodeHEP(b []byte) (p hepPacket, err error) {
	if len(b) < 6 || string(b[:4]) != "HEP3" || int(binary.BigEndian.Uint16(b[4:])) != len(b) {
		return p, errors.New("no HEP3 packet of that length")
	}
	var sourceIP, targetIP netip.Addr
	var sourcePort, targetPort uint16
	var sec, usec uint32
	for b = b[6:]; len(b) > 0; {
		if len(b) < 6 {
			return p, errors.New("half a chunk")
		}
		vendor, kind, n := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), int(binary.BigEndian.Uint16(b[4:]))
		if n < 6 || n > len(b) || vendor != 0 {
			return p, fmt.Errorf("chunk %d of vendor %d has length %d", kind, vendor, n)
		}
		v := b[6:n]
		b = b[n:]
		width := map[uint16]int{1: 1, 2: 1, 3: 4, 4: 4, 5: 16, 6: 16, 7: 2, 8: 2, 9: 4, 10: 4, 11: 1, 12: 4}[kind]
		if width > 0 && len(v) != width {
			return p, fmt.Errorf("chunk %d has %d bytes", kind, len(v))
		}
		switch kind {
		case 1:
			p.family = v[0]
		case 2:
			p.protocol = v[0]
		case 3, 5:
			sourceIP, _ = netip.AddrFromSlice(v)
		case 4, 6:
			targetIP, _ = netip.AddrFromSlice(v)
		case 7:
			sourcePort = binary.BigEndian.Uint16(v)
		case 8:
			targetPort = binary.BigEndian.Uint16(v)
		case 9:
			sec = binary.BigEndian.Uint32(v)
		case 10:
			usec = binary.BigEndian.Uint32(v)
		case 11:
			p.kind = v[0]
		case 12:
			p.node = binary.BigEndian.Uint32(v)
		case 14:
			p.key = string(v)
		case 15:
			p.payload = string(v)
		case 17:
			p.correlation = string(v)
		case 19:
			p.nodeName = string(v)
		default:
			return p, fmt.Errorf("chunk %d is not known", kind)
		}
	}
	p.source, p.target = netip.AddrPortFrom(sourceIP, sourcePort), netip.AddrPortFrom(targetIP, targetPort)
	p.at = time.Unix(int64(sec), int64(usec)*1000)
	return p, nil
}

func running(t *testing.T, cfg HEPConfig) (*Recorder, *Exporter) {
	t.Helper()
	x, err := NewExporter(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := New(Config{Bytes: 1 << 20, Messages: 100})
	r.Export(x)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- x.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return r, x
}

func TestCollectorGetsEveryMessage(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	r, _ := running(t, HEPConfig{Address: c.LocalAddr().String(), NodeID: 77, NodeName: "dialer-1", Password: "s3cret"})
	read := func() hepPacket {
		t.Helper()
		b := make([]byte, 1<<16)
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, _, err := c.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		p, err := decodeHEP(b[:n])
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	before := time.Now().Add(-time.Second)
	sent := message("01A@192.0.2.10", "a=crypto:1 X inline:KEY\r\n")
	r.Record(true, "udp", ours, carrier, sent)
	p := read()
	if p.family != 2 || p.protocol != 17 || p.kind != 1 || p.source != ours || p.target != carrier || p.node != 77 ||
		p.nodeName != "dialer-1" || p.key != "s3cret" || p.correlation != "01A" || p.at.Before(before) || time.Until(p.at) > 0 {
		t.Errorf("%+v", p)
	}
	if want := strings.Replace(string(sent), "KEY", "***", 1); p.payload != want {
		t.Errorf("payload %q, want %q", p.payload, want)
	}
	six := netip.MustParseAddrPort("[2001:db8::1]:5061")
	r.Link("01A", "leg@h", "agent")
	r.Record(false, "tls", netip.MustParseAddrPort("[2001:db8::2]:5061"), six, message("leg@h", ""))
	if p := read(); p.family != 10 || p.protocol != 6 || p.source != six || p.target.Port() != 5061 || p.correlation != "01A" {
		t.Errorf("%+v", p)
	}
	r.Link("01B", "leg@h", "agent") // the leg goes from call to call
	r.Record(false, "tls", netip.MustParseAddrPort("[2001:db8::2]:5061"), six, message("leg@h", ""))
	if p := read(); p.correlation != "01B" {
		t.Errorf("%+v", p)
	}
}

func TestCollectorOverTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	r, x := running(t, HEPConfig{Address: l.Addr().String(), Transport: "tcp"})
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	for i := range 3 {
		r.Record(true, "tcp", ours, carrier, message(fmt.Sprint(i), ""))
	}
	for i := range 3 {
		head := make([]byte, 6)
		if _, err := io.ReadFull(c, head); err != nil {
			t.Fatal(err)
		}
		rest := make([]byte, int(binary.BigEndian.Uint16(head[4:]))-6)
		if _, err := io.ReadFull(c, rest); err != nil {
			t.Fatal(err)
		}
		p, err := decodeHEP(append(head, rest...))
		if err != nil || p.correlation != fmt.Sprint(i) || p.node == 0 || p.node != x.cfg.NodeID {
			t.Errorf("%+v, %v", p, err)
		}
	}
}

// A collector that takes nothing costs messages, never time.
func TestCollectorThatIsAwayHoldsUpNothing(t *testing.T) {
	x, err := NewExporter(HEPConfig{Address: "127.0.0.1:9", Transport: "tcp"}) // Run is not called: nothing is taken
	if err != nil {
		t.Fatal(err)
	}
	r := New(Config{})
	r.Export(x)
	for range queueLength + 100 {
		r.Record(true, "udp", ours, carrier, message("a", ""))
	}
	if s := r.Stats(); s.Dropped != 100 || s.Exported != 0 || s.Recorded != queueLength+100 {
		t.Errorf("%+v", s)
	}
	m := message("a", "")
	if n := testing.AllocsPerRun(100, func() { r.Record(true, "udp", ours, carrier, m) }); n > 0 {
		t.Errorf("%v allocations for a message that is dropped", n)
	}
}

func TestWrongCollectorsAreRefused(t *testing.T) {
	for _, cfg := range []HEPConfig{{}, {Address: "homer"}, {Address: "homer:9060", Transport: "sctp"}} {
		if _, err := NewExporter(cfg); err == nil {
			t.Errorf("taken: %+v", cfg)
		}
	}
}

func FuzzHEP(f *testing.F) {
	f.Add([]byte("INVITE sip:a@b SIP/2.0\r\n\r\n"), "key", "name", "id", true)
	f.Add(make([]byte, 70_000), "", "", strings.Repeat("x", 70_000), false)
	f.Fuzz(func(t *testing.T, data []byte, key, name, id string, six bool) {
		key, name = key[:min(len(key), 300)], name[:min(len(name), 300)] // the configuration bounds them
		e := &entry{at: time.UnixMicro(1_700_000_000_123_456), transport: "udp", local: ours, remote: carrier}
		if six {
			e.local, e.remote = netip.MustParseAddrPort("[::1]:1"), netip.MustParseAddrPort("[::2]:2")
		}
		p, err := decodeHEP(encodeHEP(nil, &HEPConfig{NodeID: 1, NodeName: name, Password: key}, e, data, []byte(id)))
		if err != nil {
			t.Fatal(err)
		}
		if p.key != key || p.nodeName != name || p.correlation != id[:min(len(id), maxCorrelation)] || p.source != e.remote || p.target != e.local ||
			!strings.HasPrefix(string(data), p.payload) || len(data) < 60_000 && p.payload != string(data) || !p.at.Equal(e.at) {
			t.Fatalf("%+v", p)
		}
	})
}

func FuzzDecodeHEP(f *testing.F) {
	f.Add(encodeHEP(nil, &HEPConfig{NodeID: 1}, &entry{local: ours, remote: carrier}, []byte("x"), []byte("id")))
	f.Add([]byte("HEP3\x00\x0c\x00\x00\x00\x01\x00\x06"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = decodeHEP(data)
	})
}
