package record

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ringpace/media"
)

func TestPauseIsSilenceWithMarks(t *testing.T) { eachKind(t, testPauseIsSilenceWithMarks) }

func testPauseIsSilenceWithMarks(t *testing.T, as kind) {
	rec := start(t, newTestRecorder(t, as.of(Config{})), Meta{})
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
	b := contents(t, rec.recorder.nameOf(sum.Path))
	for _, mark := range []string{"cue ", "paused", "resumed"} {
		if !strings.Contains(string(b[len(b)-200:]), mark) {
			t.Errorf("the file's end does not hold %q", mark)
		}
	}
	if riff := int(b[4]) | int(b[5])<<8 | int(b[6])<<16 | int(b[7])<<24; riff+8 != len(b) {
		t.Errorf("RIFF size %d of a file of %d octets", riff, len(b))
	}
	checkDigest(t, rec, sum)
}

// TestHush holds that what is said in a pause and arrives behind its end is kept out, and
// what arrives behind the tail is not.
func TestHush(t *testing.T) {
	rec := start(t, newTestRecorder(t, Config{}), Meta{})
	customer := newSource(rec, rec.Customer(), 1)
	at := customer.talk(0, 10)
	rec.base = rec.base.Add(-400 * ms) // it is 400 ms now
	rec.Pause()
	rec.Hush(200 * ms)
	rec.Resume()
	at = customer.talk(at, 20)
	at = customer.talk(at, 10)
	_, l, _ := closed(t, rec)
	from, to := int(600*ms/(125*time.Microsecond)), int(at/(125*time.Microsecond))
	equal(t, "before", l[:1600], customer.octets(0, 1600))
	equal(t, "tail", l[1600:from-160], silence(from-160-1600))
	equal(t, "behind", l[from+160:to], customer.octets(from+160, to-from-160))
}

// checkDigest holds a summary against the file as it lies.
func checkDigest(t *testing.T, rec *Recording, sum Summary) {
	t.Helper()
	b, err := os.ReadFile(rec.recorder.nameOf(sum.Path))
	if err != nil {
		t.Fatal(err)
	}
	if hash := sha256.Sum256(b); sum.SHA256 != hex.EncodeToString(hash[:]) || sum.Bytes != int64(len(b)) || !sum.Complete {
		t.Errorf("summary says %d octets, SHA-256 %s, complete %v; the file has %d, %x", sum.Bytes, sum.SHA256, sum.Complete, len(b), hash)
	}
}

func TestSummaryOfASine(t *testing.T) { eachKind(t, testSummaryOfASine) }

func testSummaryOfASine(t *testing.T, as kind) {
	rec := start(t, newTestRecorder(t, as.of(Config{})), Meta{ID: "sine"})
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
	checkDigest(t, rec, sum)
	found, err := Find(rec.recorder.cfg.Dir, "sine")
	if err != nil || found.SHA256 != sum.SHA256 || found.Duration != sum.Duration || found.Measured == as.encrypted ||
		found.Measured && found.Left.DBFS != sum.Left.DBFS {
		t.Errorf("found %+v, %v", found, err)
	}
}

// hum is one packet of a sine, arriving now.
func (s *source) hum(hz, dBov float64) {
	p := s.packet()
	for i := range p.Payload {
		x := float64(s.made-len(p.Payload)+i) / media.ClockRate
		p.Payload[i] = media.PCMA.Encode(int16(math.Sqrt2 * math.Pow(10, dBov/20) * (1 << 15) * math.Sin(2*math.Pi*hz*x)))
	}
	s.arrive(time.Since(s.rec.base), p)
}

// The customer hums from 0 to 20 s, but for 4 to 12 s; the agent, quieter, from 2 to
// 4 s. What is measured while the file is written is what the file has.
func TestQualityOfWhatWasWritten(t *testing.T) { eachKind(t, testQualityOfWhatWasWritten) }

func testQualityOfWhatWasWritten(t *testing.T, as kind) {
	synctest.Test(t, func(t *testing.T) {
		rec := start(t, newTestRecorder(t, as.of(Config{})), Meta{ID: "hum", Start: time.Now()})
		customer, agent := newSource(rec, rec.Customer(), 1), newSource(rec, rec.Agent(), 2)
		for at := time.Duration(0); at < 20*time.Second; at += 20 * ms {
			switch {
			case at < 4*time.Second || at >= 12*time.Second:
				customer.hum(700, -20)
				customer.next.Marker = false
			default:
				customer.next.Timestamp += 160
				customer.next.Marker = true
			}
			if at >= 2*time.Second && at < 4*time.Second {
				agent.hum(500, -30)
			}
			time.Sleep(20 * ms)
		}
		sum, _, _ := closed(t, rec)
		q := sum.Quality
		for _, c := range []struct {
			what                 string
			got, want, tolerance float64
		}{
			{"customer's level", q.Left.Active, -20, 0.3},
			{"agent's level", q.Right.Active, -30, 0.7}, // the hangover of one spurt of 2 s
			{"customer talks", q.Left.Talk, 0.6, 0.01},
			{"agent talks", q.Right.Talk, 0.1, 0.01},
			{"silence", q.Silence, 0.4, 0.01},
			{"talk-over", q.TalkOver, 0.1, 0.01},
			{"agent's first word", q.Right.FirstWord.Seconds(), 2, 0.05},
		} {
			if math.Abs(c.got-c.want) > c.tolerance {
				t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
			}
		}
		found, err := Find(rec.recorder.cfg.Dir, "hum")
		if err != nil || found.Quality != q && !as.encrypted {
			t.Errorf("the file has %+v (%v), the recorder measured %+v", found.Quality, err, q)
		}
	})
}

func TestPausesAreNoSilenceOfTheirs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := start(t, newTestRecorder(t, Config{}), Meta{})
		s := newSource(rec, rec.Customer(), 1)
		for at := time.Duration(0); at < 10*time.Second; at += 20 * ms {
			switch at {
			case 2 * time.Second:
				rec.Pause()
			case 8 * time.Second:
				rec.Resume()
			}
			s.hum(700, -20)
			time.Sleep(20 * ms)
		}
		sum, _, _ := closed(t, rec)
		if q := sum.Quality; q.Left.Talk < 0.98 || q.Silence > 0.02 || sum.Duration < 9900*ms {
			t.Errorf("%+v of %v", q, sum.Duration)
		}
	})
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
		{"chains/chain/{id}.wav", "chains/chain/01J.wav"},
	}
	for _, c := range cases {
		if err := checkPattern(c.pattern); err != nil {
			t.Errorf("%s: %v", c.pattern, err)
		}
		if got := expand(c.pattern, m); got != c.want {
			t.Errorf("%s becomes %s, want %s", c.pattern, got, c.want)
		}
	}
	m.Campaign = "chain" // as the folder of the chain
	if got := expand("{campaign}/{campaign}/{id}.wav", m); got != "_chain/chain/01J.wav" {
		t.Errorf("a recording of the campaign %s goes to %s", m.Campaign, got)
	}
	for _, bad := range []string{
		"{date}.wav", "/{id}.wav", "../{id}.wav", "a/../../{id}.wav", "{id}/x.wav", "{id}", "{id}.mp3",
		strings.Repeat("x", maxName-maxValue-3) + "{id}.wav", strings.Repeat("客", 82) + "/{id}.wav",
		"{nope}/{id}.wav", "{id.wav", "a//{id}.wav", "a\\{id}.wav", "chain/{id}.wav", "chain/{date}/{id}.wav",
	} {
		if checkPattern(bad) == nil {
			t.Errorf("pattern %q passes", bad)
		}
	}
}

// TestLongNames: a recording has its file, however long what its path is made of is.
func TestLongNames(t *testing.T) { eachKind(t, testLongNames) }

func testLongNames(t *testing.T, as kind) {
	const pattern = "{campaign}-{agent}-{lead}-{number}/{campaign}-{lead}-{agent}-{date}-{id}.wav"
	r := newTestRecorder(t, as.of(Config{Pattern: pattern}))
	m := Meta{
		ID: strings.Repeat("i", maxValue), Campaign: strings.Repeat("客", 60), LeadID: strings.Repeat("l", 60), Agent: "anna",
		Number: strings.Repeat("1", maxValue), Start: time.Now(),
	}
	for range 2 { // the second one's name is taken
		rec := start(t, r, m)
		newSource(rec, rec.Customer(), 1).talk(0, 10)
		sum, _, _ := closed(t, rec)
		names := strings.Split(sum.Path, "/")
		if len(names) != 2 || !strings.Contains(names[1], m.ID+"-2.wav") && !strings.Contains(names[1], m.ID+".wav") ||
			!strings.HasPrefix(names[0], "客客") || !strings.Contains(names[0], "-anna-lll") {
			t.Errorf("the path is %s", sum.Path)
		}
	}
	verified(t, r.cfg.Dir)
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
		for b = b[:min(len(b), 5000)]; len(b) >= 5; b = b[5:] {
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
		if limit := at + aheadLimit + 2*160; tr.front > limit || l.front() > limit {
			t.Errorf("the track is at %d, the time line at %d, the clock at %d", tr.front, l.front(), at)
		}
		if tr.sequence.lost() < 0 || tr.gaps.total < 0 || tr.gaps.total > tr.front {
			t.Errorf("lost %d, gaps %d", tr.sequence.lost(), tr.gaps.total)
		}
		if len(l.window) > (maxWindow+160)*channels || len(tr.gaps.spans) > maxGaps {
			t.Errorf("%d octets and %d gaps are kept in memory", len(l.window), len(tr.gaps.spans))
		}
	})
}
