package chain

import (
	"errors"
	"testing"
)

func TestLegalHold(t *testing.T) {
	a := newArchive(t)
	a.append(Entry{Kind: Held, ID: "two", By: "counsel", Why: "case 7"})
	gone := Entry{Kind: Deleted, ID: "two", Path: "two.wav", Why: "older than 90 days"}
	if err := a.log.Remove(gone); !errors.Is(err, ErrHeld) {
		t.Errorf("Remove of what is held: %v", err)
	}
	a.open() // another process knows it too
	if err := a.log.Remove(gone); !errors.Is(err, ErrHeld) {
		t.Errorf("Remove by another process: %v", err)
	}
	if r := a.verify(Options{}); !r.OK() || r.Held != 1 || r.Gone != 0 {
		t.Errorf("%+v", r)
	}
	a.append(Entry{Kind: Released, ID: "two", By: "counsel"})
	if err := a.log.Remove(gone); err != nil {
		t.Error(err)
	}
	if r := a.verify(Options{}); !r.OK() || r.Held != 0 || r.Gone != 1 || r.Kept != 5 {
		t.Errorf("%+v", r)
	}
}

// TestForgedRemovalOfWhatIsHeld: a line that says of a recording under legal hold that it
// was removed by rule, or lost, does not pass for one that may be there.
func TestForgedRemovalOfWhatIsHeld(t *testing.T) {
	for _, kind := range []Kind{Deleted, Discarded, Cleared, Lost} {
		for _, held := range []bool{true, false} {
			a := newArchive(t)
			x, err := Load(a.root)
			if err != nil {
				t.Fatal(err)
			}
			two, _ := x.ID("two")
			a.append(Entry{Kind: Uploaded, ID: "two", Path: "two.wav", SHA256: two.SHA256, Object: "s3://b/two.wav"})
			a.append(Entry{Kind: Held, ID: "two", By: "counsel", Why: "case 7"})
			if !held {
				a.append(Entry{Kind: Released, ID: "two", By: "counsel"})
			}
			a.append(Entry{Kind: kind, ID: "two", Path: "two.wav", Why: "older than 90 days"})
			a.remove("two.wav")
			r := a.verify(Options{})
			if found := len(r.Findings) == 1 && r.Findings[0].Kind == Removed && r.Findings[0].Path == "two.wav"; found != held || r.OK() == held {
				t.Errorf("%s while held %v: %+v", kind, held, r.Findings)
			}
		}
	}
	a := newArchive(t)
	a.append(Entry{Kind: Began, ID: "seven", Path: "seven.wav"})
	a.append(Entry{Kind: Held, ID: "seven", By: "counsel"})
	a.append(Entry{Kind: Lost, ID: "seven", Path: "seven.wav", Why: "the disk broke"})
	if r := a.verify(Options{}); !r.OK() {
		t.Errorf("one that was lost while it was recorded: %+v", r.Findings)
	}
}

// TestHoldOfWhatGoes: a recording that retention removes while it is put under hold is not
// said to be under hold, and no other that was named with it is.
func TestHoldOfWhatGoes(t *testing.T) {
	a := newArchive(t)
	x, err := Load(a.root)
	if err != nil {
		t.Fatal(err)
	}
	a.now = a.now.AddDate(0, 0, 1) // the line is in a file that was not there
	if err := a.log.Remove(Entry{Kind: Deleted, ID: "two", Path: "two.wav"}); err != nil {
		t.Fatal(err)
	}
	before := a.log.Last()
	counsel, err := Open(a.root)
	if err != nil {
		t.Fatal(err)
	}
	defer counsel.Close()
	counsel.now = a.log.now
	if n, err := counsel.change(x, []string{"one", "two"}, Entry{Kind: Held}); n != 0 || !errors.Is(err, ErrNotFound) {
		t.Errorf("%d were put under hold, %v", n, err)
	}
	if last := counsel.Last(); last != before {
		t.Errorf("line %d follows", last.N)
	}
	if n, err := counsel.change(x, []string{"one", "three"}, Entry{Kind: Held}); n != 2 || err != nil {
		t.Errorf("%d of two that are there were put under hold, %v", n, err)
	}
	if err := a.log.Remove(Entry{Kind: Deleted, ID: "one", Path: "one.wav"}); !errors.Is(err, ErrHeld) {
		t.Errorf("Remove of what is held: %v", err)
	}
	if r := a.verify(Options{}); !r.OK() || r.Held != 2 || r.Gone != 1 {
		t.Errorf("%+v", r)
	}
}
