package record

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"
)

// chunksOf lists the chunks of a part of a RIFF file by their ids.
func chunksOf(t *testing.T, b []byte, each func(id string, body []byte)) {
	t.Helper()
	for len(b) >= 8 {
		id, size := string(b[:4]), int(binary.LittleEndian.Uint32(b[4:]))
		if size > len(b)-8 {
			t.Fatalf("chunk %q of %d octets in %d", id, size, len(b)-8)
		}
		each(id, b[8:8+size])
		b = b[min(8+size+size&1, len(b)):]
	}
	if len(b) > 0 {
		t.Errorf("%d octets are of no chunk", len(b))
	}
}

func TestMarksInTheFile(t *testing.T) { eachKind(t, testMarksInTheFile) }

func testMarksInTheFile(t *testing.T, as kind) {
	rec := start(t, newTestRecorder(t, as.of(Config{})), Meta{Start: time.Now()})
	back := func(d time.Duration) { rec.base = rec.base.Add(-d) } // as if d had passed
	customer, agent := newSource(rec, rec.Customer(), 1), newSource(rec, rec.Agent(), 2)
	back(time.Second)
	at := customer.talk(0, 50)
	agent.talk(0, 50)
	rec.Mark("bridged")
	agent.packet()
	agent.packet()
	agent.talk(at+40*ms, 48)
	customer.talk(at, 50)
	back(time.Second)
	rec.Mark("goodbye")
	sum, _, _ := closed(t, rec)
	marks := marksOf(t, contents(t, rec.recorder.nameOf(sum.Path)))
	want := []found{{"answered", 0, 0}, {"bridged", 8000, 0}, {"nothing came of the agent", 8000, 320}, {"goodbye", 16_000, 0}}
	if len(marks) != len(want) {
		t.Fatalf("%d marks", len(marks))
	}
	const slack = 1600 // the test's own time
	for _, w := range want {
		if !slices.ContainsFunc(marks, func(m found) bool {
			return m.label == w.label && m.length == w.length && m.at >= w.at && m.at <= w.at+slack
		}) {
			t.Errorf("no mark %+v in %v", w, marks)
		}
	}
	checkDigest(t, rec, sum)
}

// found is a mark in a file, in samples.
type found struct {
	label      string
	at, length int64
}

// marksOf reads the marks of a WAV file.
func marksOf(t *testing.T, b []byte) (list []found) {
	t.Helper()
	le := binary.LittleEndian
	marks := map[uint32]*found{}
	chunksOf(t, b[12:], func(id string, body []byte) {
		if id == "cue " {
			for p := body[4:]; len(p) >= 24; p = p[24:] {
				marks[le.Uint32(p)] = &found{at: int64(le.Uint32(p[20:]))}
			}
		}
		if id != "LIST" || string(body[:4]) != "adtl" {
			return
		}
		chunksOf(t, body[4:], func(id string, body []byte) {
			m := marks[le.Uint32(body)]
			switch id {
			case "labl":
				m.label = string(body[4 : len(body)-1])
			case "ltxt":
				m.length = int64(le.Uint32(body[4:]))
			}
		})
	})
	for _, m := range marks {
		list = append(list, *m)
	}
	return list
}
