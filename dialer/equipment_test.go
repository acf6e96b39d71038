package dialer

import (
	"testing"

	"ringpace/dialer/cdr"
	"ringpace/media/record/chain"
)

// TestClearedRecordingOfACrash: the record of a call that a crash cut short names its
// recording also where that has been uploaded, and its file removed, meanwhile.
func TestClearedRecordingOfACrash(t *testing.T) {
	e := &equipment{recordings: t.TempDir()}
	l, err := chain.Open(e.recordings)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const object = "s3://calls/test/01A.wav.age"
	for _, line := range []chain.Entry{
		{Kind: chain.Salvaged, ID: "01A", Path: "01A.wav.age", DurationMS: 61_000, Bytes: 7, SHA256: "ab"},
		{Kind: chain.Uploaded, ID: "01A", Path: "01A.wav.age", SHA256: "ab", Object: object},
		{Kind: chain.Cleared, ID: "01A", Path: "01A.wav.age", Object: object},
		{Kind: chain.Kept, ID: "01B", Path: "01B.wav"},
		{Kind: chain.Deleted, ID: "01B", Path: "01B.wav"},
	} {
		if _, err := l.Append(line); err != nil {
			t.Fatal(err)
		}
	}
	got, err := e.salvageRecording(cdr.Record{ID: "01A"})
	want := cdr.Recording{Path: "01A.wav.age", Encrypted: true, Object: object, DurationMS: 61_000, Bytes: 7, SHA256: "ab"}
	if err != nil || got == nil || *got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for _, id := range []string{"01B", "01C"} {
		if got, err := e.salvageRecording(cdr.Record{ID: id}); err != nil || got != nil {
			t.Errorf("%s: %+v, %v", id, got, err)
		}
	}
}
