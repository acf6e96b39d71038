package record

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringpace/media"
)

func TestPauseIsSilenceWithMarks(t *testing.T) {
	rec := start(t, newTestRecorder(t, Config{}), Meta{})
	customer, agent := newSource(rec, rec.Customer(), 1), newSource(rec, rec.Agent(), 2)
	rec.base = rec.base.Add(-200 * ms) // what comes now came at 200 ms
	at := customer.talk(0, 10)
	agent.talk(0, 10)
	rec.Pause()
	rec.Pause()
	customer.talk(at, 10)
	agent.talk(at, 10)
	rec.base = rec.base.Add(-200 * ms)
	rec.Resume()
	at += 200 * ms
	customer.next.Marker = true
	customer.talk(at, 10)
	agent.talk(at, 10)
	sum, l, r := closed(t, rec)
	equal(t, "left", l[:1600], customer.octets(0, 1600))
	equal(t, "left", l[1600:3200], silence(1600))
	equal(t, "right", r[:1600], agent.octets(0, 1600))
	equal(t, "right", r[1600:3200], silence(1600))
	if len(sum.Pauses) != 1 || (sum.Pauses[0].At-200*ms).Abs() > 100*ms || (sum.Pauses[0].Length-200*ms).Abs() > 100*ms {
		t.Errorf("pauses %v, want one of about 200 ms at about 200 ms", sum.Pauses)
	}
	b, err := os.ReadFile(filepath.Join(rec.recorder.cfg.Dir, sum.Path))
	if err != nil {
		t.Fatal(err)
	}
	for _, mark := range []string{"cue ", "paused", "resumed"} {
		if !strings.Contains(string(b[len(b)-200:]), mark) {
			t.Errorf("the file's end does not hold %q", mark)
		}
	}
	if riff := int(b[4]) | int(b[5])<<8 | int(b[6])<<16 | int(b[7])<<24; riff+8 != len(b) {
		t.Errorf("RIFF size %d of a file of %d octets", riff, len(b))
	}
	checkDigest(t, sum, b)
}

func checkDigest(t *testing.T, sum Summary, b []byte) {
	t.Helper()
	if hash := sha256.Sum256(b); sum.SHA256 != hex.EncodeToString(hash[:]) || sum.Bytes != int64(len(b)) || !sum.Complete {
		t.Errorf("summary says %d octets, SHA-256 %s, complete %v; the file has %d, %x", sum.Bytes, sum.SHA256, sum.Complete, len(b), hash)
	}
}

func TestSummaryOfASine(t *testing.T) {
	rec := start(t, newTestRecorder(t, Config{}), Meta{ID: "sine"})
	s := newSource(rec, rec.Customer(), 1)
	phase, at := 0.0, time.Duration(0)
	for range 100 {
		p := s.packet()
		for i := range p.Payload {
			p.Payload[i] = media.PCMA.Encode(int16(3276.8 * math.Sin(phase)))
			phase += 2 * math.Pi * 1000 / 8000
		}
		s.arrive(at, p)
		at += 20 * ms
	}
	sum, _, _ := closed(t, rec)
	if math.Abs(sum.Left.DBFS+23.01) > 0.2 { // -20 dB of amplitude, -3 dB for a sine
		t.Errorf("level %v dBFS, want -23", sum.Left.DBFS)
	}
	if sum.Right.DBFS != MinLevel {
		t.Errorf("level of the silent channel %v", sum.Right.DBFS)
	}
	b, err := os.ReadFile(filepath.Join(rec.recorder.cfg.Dir, sum.Path))
	if err != nil {
		t.Fatal(err)
	}
	checkDigest(t, sum, b)
	found, err := Find(rec.recorder.cfg.Dir, "sine")
	if err != nil || found.SHA256 != sum.SHA256 || found.Duration != sum.Duration || found.Left.DBFS != sum.Left.DBFS {
		t.Errorf("found %+v, %v", found, err)
	}
}

func TestPattern(t *testing.T) {
	m := Meta{
		ID: "01J", Campaign: "../../etc", Agent: "..", Number: "+49 30/123", LeadID: "客户.7",
		Start: time.Date(2026, 3, 9, 7, 5, 3, 0, time.UTC),
	}
	cases := []struct{ pattern, want string }{
		{DefaultPattern, "2026-03-09/______etc/01J.wav"},
		{"{year}/{month}/{day}/{hour}/{time}-{id}.wav", "2026/03/09/07/070503-01J.wav"},
		{"{agent}/{number}/{lead}/{id}.wav", "__/+49_30_123/客户.7/01J.wav"},
	}
	for _, c := range cases {
		if err := checkPattern(c.pattern); err != nil {
			t.Errorf("%s: %v", c.pattern, err)
		}
		if got := expand(c.pattern, m); got != c.want {
			t.Errorf("%s becomes %s, want %s", c.pattern, got, c.want)
		}
	}
	for _, bad := range []string{
		"{date}.wav", "/{id}.wav", "../{id}.wav", "a/../../{id}.wav", "{id}/x.wav", "{id}", "{id}.mp3",
		"{nope}/{id}.wav", "{id.wav", "a//{id}.wav", "a\\{id}.wav",
	} {
		if checkPattern(bad) == nil {
			t.Errorf("pattern %q passes", bad)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "..", "../x", "a/b", "\x00", "\xff..", strings.Repeat("ü", 200), ".hidden"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s)
		if got == "" || len(got) > maxValue || strings.ContainsAny(got, "/\\\x00") || strings.HasPrefix(got, ".") {
			t.Errorf("%q becomes %q", s, got)
		}
	})
}

func FuzzParseWave(f *testing.F) {
	i := info{id: "01J", start: time.Unix(0, 0), codec: media.PCMA}
	f.Add(append(header(i, 8, 0), silence(16)...))
	f.Add(header(info{codec: media.PCMU, complete: true}, 0, 0))
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVELIST\xff\xff\xff\xffINFO"))
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := parseWave(b)
		if err == nil && (w.dataAt > int64(len(b)) || !w.codec.Audio()) {
			t.Errorf("parsed as %+v", w)
		}
	})
}

// FuzzTrack places packets whose numbers and times are arbitrary: nothing may panic,
// and the time line must not run away from the clock on the wall.
func FuzzTrack(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 0, 2, 1, 0, 0, 0, 255, 255, 255, 255, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		tr := track{codec: media.PCMA}
		l := &timeline{info: info{codec: media.PCMA}}
		at, sequence, timestamp := int64(0), uint16(0), uint32(0)
		var batch []placed
		for ; len(b) >= 5; b = b[5:] {
			at += int64(b[0]) * 8
			sequence += uint16(int8(b[1]))
			timestamp += uint32(int32(int8(b[2]))<<(b[3]%32)) + 160
			p := placed{at: at, entry: entry{
				sequence: sequence, timestamp: timestamp, codec: media.PCMA, size: 160,
				marker: b[4]&1 != 0, muted: b[4]&2 != 0, ssrc: uint32(b[4] >> 6), segment: uint16(b[4] >> 5 & 1),
			}}
			if b[4]&4 != 0 {
				p.kind = entryOther
			}
			if !p.muted {
				p.payload = make([]byte, 160)
			}
			if batch = append(batch, p); len(batch) == 7 {
				tr.place(batch, l, at)
				batch = append([]placed(nil), tr.pending...)
				tr.pending = nil
			}
		}
		tr.place(batch, l, 1<<62)
		if limit := at + aheadLimit + nudgeLimit + 160; tr.front > limit || l.front() > limit {
			t.Errorf("the track is at %d, the time line at %d, the clock at %d", tr.front, l.front(), at)
		}
		if tr.sequence.lost() < 0 || tr.gaps.total < 0 {
			t.Errorf("lost %d, gaps %d", tr.sequence.lost(), tr.gaps.total)
		}
	})
}
