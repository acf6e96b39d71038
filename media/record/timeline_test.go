package record

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"ringpace/media"
)

// memoryFile is a file in memory that can fail.
type memoryFile struct {
	b      []byte
	failed error
}

func (m *memoryFile) WriteAt(b []byte, at int64) (int, error) {
	if m.failed != nil {
		return 0, m.failed
	}
	if need := at + int64(len(b)) - int64(len(m.b)); need > 0 {
		m.b = append(m.b, make([]byte, need)...)
	}
	return copy(m.b[at:], b), nil
}

func (m *memoryFile) ReadAt(b []byte, at int64) (int, error) {
	if at+int64(len(b)) > int64(len(m.b)) {
		return 0, io.ErrUnexpectedEOF
	}
	return copy(b, m.b[at:]), nil
}

func (m *memoryFile) Close() error { return nil }

func (m *memoryFile) Sync() error { return nil }

func (m *memoryFile) Stat() (os.FileInfo, error) { return nil, errors.ErrUnsupported }

func newTimeline(as kind) (*timeline, *memoryFile) {
	f := &memoryFile{}
	l := &timeline{info: info{id: "x", codec: media.PCMA, start: time.Unix(0, 0), linear: as.linear}, file: f}
	l.dataAt = int64(len(header(l.info, 0, 0)))
	return l, f
}

// channel takes one channel out of the file, as far as the header vouches for it.
func (m *memoryFile) channel(t *testing.T, channel int) []byte {
	t.Helper()
	return octetsOf(t, m.b)[channel]
}

func ramp(from, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(from + i)
	}
	return b
}

func flush(t *testing.T, l *timeline) {
	t.Helper()
	if err := l.flush(); err != nil {
		t.Fatal(err)
	}
}

// TestVeryLatePackets: what was written already is put right in the file.
func TestVeryLatePackets(t *testing.T) { eachKind(t, testVeryLatePackets) }

func testVeryLatePackets(t *testing.T, as kind) {
	l, f := newTimeline(as)
	l.put(left, 0, ramp(0, 160), 160, media.PCMA)
	l.put(left, 320, ramp(320, 8000), 8000, media.PCMA)
	l.put(right, 0, ramp(7, 8320), 8320, media.PCMA)
	flush(t, l)
	if l.base == 0 {
		t.Fatal("the window did not move on")
	}
	l.put(left, 160, ramp(160, 160), 160, media.PCMA)
	// Across the edge between file and window.
	edge := l.base - 80
	l.put(right, edge, ramp(100, 160), 160, media.PCMA)
	flush(t, l)
	equal(t, "left", f.channel(t, left), ramp(0, 8320))
	want := ramp(7, 8320)
	copy(want[edge:], ramp(100, 160))
	equal(t, "right", f.channel(t, right), want)
}

func TestDiskThatFailsForLong(t *testing.T) { eachKind(t, testDiskThatFailsForLong) }

func testDiskThatFailsForLong(t *testing.T, as kind) {
	l, f := newTimeline(as)
	l.put(left, 0, ramp(0, 800), 800, media.PCMA)
	flush(t, l)
	f.failed = errors.New("no space left on device")
	const seconds = 40
	for i := int64(0); i < seconds*50; i++ {
		l.put(left, 800+160*i, ramp(1, 160), 160, media.PCMA)
		if i%25 == 0 && l.flush() == nil {
			t.Fatal("flushed to a file that fails")
		}
	}
	if len(l.window) > (maxWindow+160)*int(l.info.frame()) {
		t.Errorf("%d octets wait", len(l.window))
	}
	l.put(left, 500_000, nil, 160, media.PCMA) // paused: silence, further than the window goes
	f.failed = nil
	l.put(left, 500_160, ramp(3, 160), 160, media.PCMA)
	flush(t, l)
	got := f.channel(t, left)
	equal(t, "left", got[:800], ramp(0, 800))
	equal(t, "left", got[490_000:], silence(10_160), ramp(3, 160))
	if got := duration(l.lost.total()); got < 20*time.Second || got > seconds*time.Second {
		t.Errorf("given up %v of %d s", got, seconds)
	}
	for i, u := range l.lost {
		if i > 0 || u.at != 800 {
			t.Errorf("given up: %v, want one stretch from 800 on", l.lost)
		}
		equal(t, "left", got[u.at:u.end()], silence(int(u.length)))
	}
	// Late for a place that is not in the file: given up, without harm.
	before := l.lost.total()
	l.patch(left, 600_000, ramp(0, 10), media.PCMA)
	if l.lost.total() != before+10 {
		t.Error("what came late for a place that is not in the file is not told")
	}
	// Nor is what the disk does not take.
	f.failed = errors.New("input/output error")
	l.patch(left, 100, ramp(0, 10), media.PCMA)
	if l.lost.total() != before+20 {
		t.Error("what came late and could not be written is not told")
	}
}

// TestLeapKeepsTheOtherChannel: what one channel has in the window stays where the other
// one's next packet, which begins before it ends, makes the window leap.
func TestLeapKeepsTheOtherChannel(t *testing.T) { eachKind(t, testLeapKeepsTheOtherChannel) }

func testLeapKeepsTheOtherChannel(t *testing.T, as kind) {
	l, f := newTimeline(as)
	l.put(left, 0, ramp(0, maxWindow), maxWindow, media.PCMA)
	l.put(right, maxWindow-80, ramp(5, 160), 160, media.PCMA)
	l.put(left, maxWindow, ramp(maxWindow, 160), 160, media.PCMA)
	flush(t, l)
	equal(t, "left", f.channel(t, left), ramp(0, maxWindow+160))
	equal(t, "right", f.channel(t, right), silence(maxWindow-80), ramp(5, 160), silence(80))
}

func TestLongestRecording(t *testing.T) { eachKind(t, testLongestRecording) }

func testLongestRecording(t *testing.T, as kind) {
	l, _ := newTimeline(as)
	l.put(left, l.info.maxFrames()-100, ramp(0, 160), 160, media.PCMA)
	if l.front() != 0 {
		t.Error("samples beyond what a WAV file can hold")
	}
}

func TestStretches(t *testing.T) {
	var s stretches
	for i, step := range []struct {
		with span
		want stretches
	}{
		{span{100, 0}, nil},
		{span{100, 50}, stretches{{100, 50}}},
		{span{300, 50}, stretches{{100, 50}, {300, 50}}},
		{span{350, 10}, stretches{{100, 50}, {300, 60}}},
		{span{200, 10}, stretches{{100, 50}, {200, 10}, {300, 60}}},
		{span{120, 10}, stretches{{100, 50}, {200, 10}, {300, 60}}},
		{span{90, 115}, stretches{{90, 120}, {300, 60}}},
		{span{0, 500}, stretches{{0, 500}}},
	} {
		s = s.with(step.with)
		if !slices.Equal(s, step.want) {
			t.Fatalf("step %d: %v, want %v", i, s, step.want)
		}
	}
	if s.total() != 500 {
		t.Errorf("%d samples in all", s.total())
	}
}

func TestGapList(t *testing.T) {
	var g gapList
	g.add(1000, 800)
	g.add(5000, 160)
	steps := []struct {
		at, length int64
		total      int64
		spans      []span
	}{
		{1320, 160, 800, []span{{1000, 320}, {1480, 320}, {5000, 160}}},
		{1000, 160, 640, []span{{1160, 160}, {1480, 320}, {5000, 160}}},
		{1640, 320, 480, []span{{1160, 160}, {1480, 160}, {5000, 160}}},
		{5000, 160, 320, []span{{1160, 160}, {1480, 160}}},
		{9000, 160, 320, []span{{1160, 160}, {1480, 160}}},
	}
	for i, s := range steps {
		g.fill(s.at, s.length)
		same := len(g.spans) == len(s.spans)
		for k := range min(len(g.spans), len(s.spans)) {
			same = same && g.spans[k] == s.spans[k]
		}
		if g.total != s.total || !same {
			t.Errorf("step %d: %d in %v, want %d in %v", i, g.total, g.spans, s.total, s.spans)
		}
	}
	for i := range int64(2 * maxGaps) {
		g.add(10_000+1000*i, 1)
	}
	if len(g.spans) > maxGaps || g.total != 320+2*maxGaps {
		t.Errorf("%d gaps kept, %d samples counted", len(g.spans), g.total)
	}
}

func TestFindAll(t *testing.T) { eachKind(t, testFindAll) }

func testFindAll(t *testing.T, as kind) {
	r := newTestRecorder(t, Config{Pattern: "{date}/{number}-{id}.wav"})
	for _, id := range []string{"one", "two", "one-more"} {
		rec := start(t, r, Meta{ID: id, Number: "+4930"})
		newSource(rec, rec.Customer(), 1).talk(0, 10)
		closed(t, rec)
	}
	found, err := FindAll(r.cfg.Dir, []string{"one", "two", "three"})
	if err != nil || len(found) != 2 || found["one"].Duration != 200*ms || found["two"].ID != "two" {
		t.Errorf("found %v, %v", found, err)
	}
	empty := start(t, r, Meta{ID: "empty"})
	if sum, _, _ := closed(t, empty); sum.Duration != 0 || !sum.Complete || sum.Left.DBFS != MinLevel {
		t.Errorf("a recording of nothing: %+v", sum)
	}
}

// TestFindLinked: the recording directory, and one in it, are symbolic links to larger disks.
func TestFindLinked(t *testing.T) {
	r := newTestRecorder(t, Config{Pattern: "{campaign}/{id}.wav"})
	for _, id := range []string{"one", "two"} {
		rec := start(t, r, Meta{ID: id, Campaign: "c" + id})
		newSource(rec, rec.Customer(), 1).talk(0, 10)
		closed(t, rec)
	}
	disk, link := t.TempDir()+"/cone", t.TempDir()+"/link"
	err := errors.Join(os.Rename(r.cfg.Dir+"/cone", disk), os.Symlink(disk, r.cfg.Dir+"/cone"), os.Symlink(r.cfg.Dir, link))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"one", "two"} {
		if sum, err := Find(link, id); err != nil || sum.Path != "c"+id+"/"+id+".wav" || sum.Duration != 200*ms {
			t.Errorf("%s: %+v, %v", id, sum, err)
		}
	}
	if report := verified(t, link); report.Kept != 2 {
		t.Errorf("%+v", report)
	}
}

func TestFindDamaged(t *testing.T) {
	dir := t.TempDir()
	if _, err := Find(dir+"/none", "x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("without a directory: %v, want ErrNotFound", err)
	}
	f, err := createFile(dir + "/a/bad.wav")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("RIFF of another kind"), 0); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := Find(dir, "bad"); !errors.Is(err, ErrDamaged) || errors.Is(err, ErrEmpty) {
		t.Errorf("error %v, want ErrDamaged", err)
	}
	for _, name := range []string{"none.wav", "sealed.wav" + encrypted} {
		f, err := createFile(dir + "/a/" + name)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		id, _, _ := strings.Cut(name, ".")
		if _, err := Find(dir, id); !errors.Is(err, ErrEmpty) || !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: error %v, want ErrEmpty", name, err)
		}
	}
}

// TestRepairBeforeTheLastHeader: killed between the marks and the
// header that counts them, a file is as long as its audio.
func TestRepairBeforeTheLastHeader(t *testing.T) {
	dir := t.TempDir()
	i := info{id: "m", codec: media.PCMU, start: time.Unix(0, 0)}
	b := append(header(i, 800, 0), make([]byte, 1600)...)
	b = append(b, cues([]mark{{span{10, 20}, "a"}})...)
	f, err := createFile(dir + "/m.wav")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(b, 0); err != nil {
		t.Fatal(err)
	}
	f.Close()
	sum, err := Find(dir, "m")
	if err != nil || sum.Duration != 100*ms || sum.Codec != media.PCMU {
		t.Errorf("found %+v, %v", sum, err)
	}
}

// FuzzRepair has files of any content be looked for and repaired: what was made of one is
// found again as it is.
func FuzzRepair(f *testing.F) {
	i := info{id: "x", codec: media.PCMU, start: time.Unix(0, 0)}
	f.Add(append(header(i, 100, 0), make([]byte, 321)...))
	f.Add(append(append(header(i, 8, 0), make([]byte, 16)...), cues([]mark{{span{1, 2}, "a"}})...))
	i.complete = true
	f.Add(append(append(header(i, 8, 0), make([]byte, 16)...), cues([]mark{{span{1, 2}, "a"}})...))
	f.Add(header(info{id: "x", codec: media.PCMA}, 1<<30, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(dir+"/x.wav", b, 0o600); err != nil {
			t.Fatal(err)
		}
		sum, err := Find(dir, "x")
		if err != nil {
			return
		}
		again, err := Find(dir, "x")
		if err != nil || again.SHA256 != sum.SHA256 || again.Duration != sum.Duration || again.Bytes != sum.Bytes {
			t.Errorf("found %+v, then %+v, %v", sum, again, err)
		}
	})
}
