package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ringpace/media/record"
)

// Of recordings that are not exact the first are told of one by one, and of all what they
// know of it.
func TestFlawsAreToldOf(t *testing.T) {
	if lines := tell(nil); lines != nil {
		t.Errorf("of no flaw: %q", lines)
	}
	aware := keptAs("a.wav", record.Summary{
		Left:    record.Channel{Received: 100, Lost: 2, GapTotal: 40 * time.Millisecond, Gaps: make([]record.Span, 1)},
		Right:   record.Channel{Received: 90, Lost: 1, GapTotal: 20 * time.Millisecond, CutTotal: 10 * time.Millisecond, Gaps: make([]record.Span, 1)},
		Dropped: 3, Unwritten: []record.Span{{Length: time.Second}, {Length: time.Second}},
	})
	unaware := keptAs("b.wav", record.Summary{Left: record.Channel{Received: 7}})
	lines := tell([]flaw{{errors.New("flaw 1"), aware}, {errors.New("flaw 2"), unaware}, {errors.New("flaw 3"), aware}, {errors.New("flaw 4"), unaware}})
	want := []string{
		"flaw 1; the recording says: 190 packets received, 3 lost, 2 gaps of 60ms, 10ms cut, 3 dropped, 2s unwritten",
		"flaw 2; the recording says: 7 packets received, 0 lost, 0 gaps of 0s, 0s cut, 0 dropped, 0s unwritten",
		"flaw 3; the recording says: 190 packets received, 3 lost, 2 gaps of 60ms, 10ms cut, 3 dropped, 2s unwritten",
		"4 recordings are not exact, 2 of which know of nothing; all together say: 394 packets received, 6 lost, 4 gaps of 120ms, 20ms cut, 6 dropped, 4s unwritten",
	}
	if got := strings.Join(lines, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("told\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}
