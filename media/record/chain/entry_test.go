package chain

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestRef(t *testing.T) {
	hash := strings.Repeat("0f", 32)
	ref, err := ParseRef("42:" + strings.ToUpper(hash))
	if err != nil || ref != (Ref{42, hash}) || ref.String() != "42:"+hash {
		t.Errorf("%v, %v", ref, err)
	}
	for _, bad := range []string{"", "42", "42:", ":" + hash, "0:" + hash, "x:" + hash, "42:zz", "42:" + hash + "00"} {
		if _, err := ParseRef(bad); !errors.Is(err, ErrRef) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParseLine(f *testing.F) {
	line, err := appendLine(nil, Entry{N: 1, Kind: Kept, ID: "a", Path: "b/a.wav", At: time.Unix(0, 0).UTC(), Prev: origin})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Add([]byte(`{"n":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := parseLine(b)
		if err != nil {
			return
		}
		line, err := appendLine(nil, e)
		if err != nil {
			return // a year that JSON cannot say
		}
		again, err := parseLine(line)
		if err != nil || again.N != e.N || again.Path != e.Path || !again.At.Equal(e.At) {
			t.Errorf("%q becomes %+v, %v", b, again, err)
		}
	})
}
