package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string) (*Journal, Left) {
	t.Helper()
	j, left, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return j, left
}

func closeNow(t *testing.T, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// show writes what was left as text: "id=payload", ends then open ids.
func show(left Left) string {
	var ends, open []string
	for _, e := range left.Ended {
		ends = append(ends, e.ID+"="+string(e.Payload))
	}
	for _, e := range left.Open {
		open = append(open, e.ID+"="+string(e.Payload))
	}
	slices.Sort(open)
	return strings.Join(ends, " ") + " | " + strings.Join(open, " ")
}

func TestWhatIsLeft(t *testing.T) {
	dir := t.TempDir()
	j, left := open(t, dir)
	if got := show(left); got != " | " {
		t.Errorf("a new journal holds %s", got)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	must(j.Mark("a", []byte(`{"n":1}`)))
	must(j.Mark("a", []byte(`{"n":2}`)))
	must(j.Mark("b", []byte("b1")))
	must(j.Mark("c", []byte("c1")))
	must(j.End("c", []byte("c2")))
	must(j.End("b", []byte("b2")))
	must(j.End("d", []byte("d with spaces")))
	must(j.Mark("d", []byte("too late")))
	j.Done("b")
	closeNow(t, j)

	want := `c=c2 d=d with spaces | a={"n":2}`
	for range 2 { // the second reads what the first has rewritten
		j, left = open(t, dir)
		if got := show(left); got != want {
			t.Errorf("left %s, want %s", got, want)
		}
		closeNow(t, j)
	}
	if err := j.End("e", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("End after Close: %v", err)
	}
	if err := j.Mark("e", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Mark after Close: %v", err)
	}
}

func TestRefusedPayloads(t *testing.T) {
	j, _ := open(t, t.TempDir())
	defer closeNow(t, j)
	for _, c := range []struct{ id, payload string }{{"", "x"}, {"a b", "x"}, {"a\n", "x"}, {"a", "x\ny"}} {
		if err := j.End(c.id, []byte(c.payload)); err == nil {
			t.Errorf("End(%q, %q) was taken", c.id, c.payload)
		}
		if err := j.Mark(c.id, []byte(c.payload)); err == nil {
			t.Errorf("Mark(%q, %q) was taken", c.id, c.payload)
		}
	}
}

func TestOneProcessOnly(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir)
	if _, _, err := Open(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("second Open: %v, want ErrInUse", err)
	}
	closeNow(t, j)
	j, _ = open(t, dir)
	closeNow(t, j)
}

// However a file is torn or damaged, whole lines survive.
func TestDamage(t *testing.T) {
	var file []byte
	for _, id := range []string{"a", "b", "c"} {
		file = appendLine(file, line{kindEnd, id, []byte("end of " + id)})
	}
	len1 := len(file) / 3
	cases := []struct {
		name    string
		file    []byte
		want    string
		damaged int
	}{
		{"whole", file, "a b c", 0},
		{"torn at the end", file[:len(file)-5], "a b", 1},
		{"only the last line feed is missing", file[:len(file)-1], "a b c", 0},
		{"a bit fell in the middle", flip(file, len1+15), "a c", 1},
		{"torn, then written on after a line feed", slices.Concat(file[:len1-4], []byte{'\n'}, file[len1:]), "b c", 1},
		{"torn, then written on", slices.Concat(file[:len1-4], file[len1:]), "c", 1},
		{"zeros of a disk that lost power", slices.Concat(file, make([]byte, 600)), "a b c", 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, fileName), c.file, 0o644); err != nil {
				t.Fatal(err)
			}
			j, left := open(t, dir)
			defer closeNow(t, j)
			var ids []string
			for _, e := range left.Ended {
				ids = append(ids, e.ID)
			}
			if got := strings.Join(ids, " "); got != c.want || left.Damaged != c.damaged {
				t.Errorf("left %s, %d damaged; want %s, %d", got, left.Damaged, c.want, c.damaged)
			}
		})
	}
}

func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

// The file stays short however many calls go through it.
func TestRewriting(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir)
	if err := j.Mark("live", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	if err := j.End("pending", []byte("kept too")); err != nil {
		t.Fatal(err)
	}
	payload := bytes.Repeat([]byte("x"), 64<<10)
	for i := range 200 { // 12.5 MiB
		id := fmt.Sprint("call", i)
		if err := j.End(id, payload); err != nil {
			t.Fatal(err)
		}
		j.Done(id)
	}
	info, err := os.Stat(filepath.Join(dir, fileName))
	if err != nil || info.Size() > 2*compactAt {
		t.Errorf("the file has %d bytes, %v", info.Size(), err)
	}
	closeNow(t, j)
	j, left := open(t, dir)
	defer closeNow(t, j)
	if got := show(left); got != "pending=kept too | live=kept" {
		t.Errorf("left %.200s", got)
	}
}

func TestManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 25 {
				id := fmt.Sprintf("%d-%d", g, i)
				for _, err := range []error{j.Mark(id, []byte("m")), j.Mark(id, []byte("m2")), j.End(id, []byte("e"))} {
					if err != nil {
						t.Error(err)
					}
				}
				if i%2 == 0 {
					j.Done(id)
				}
			}
		})
	}
	all.Wait()
	closeNow(t, j)
	j, left := open(t, dir)
	defer closeNow(t, j)
	if len(left.Ended) != 8*12 || len(left.Open) != 0 {
		t.Errorf("%d ended, %d open; want 96, 0", len(left.Ended), len(left.Open))
	}
}

// After a write has failed, the next rewrites the file, whole.
func TestFailedWrite(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir)
	if err := j.End("a", []byte("1")); err != nil {
		t.Fatal(err)
	}
	j.file.Close() // the writer is idle: End has returned
	if err := j.End("b", []byte("2")); err == nil {
		t.Error("a write to a closed file succeeded")
	}
	if err := j.End("c", []byte("3")); err != nil {
		t.Errorf("after the disk has come back: %v", err)
	}
	closeNow(t, j)
	j, left := open(t, dir)
	defer closeNow(t, j)
	if got := show(left); got != "a=1 b=2 c=3 | " {
		t.Errorf("left %s", got)
	}
}

func FuzzLine(f *testing.F) {
	f.Add(byte('E'), "01J", []byte(`{"a":1}`))
	f.Add(byte('D'), "x", []byte(nil))
	f.Fuzz(func(t *testing.T, kind byte, id string, payload []byte) {
		if check(id, payload) != nil || !strings.ContainsRune("MED", rune(kind)) {
			return
		}
		text := appendLine(nil, line{kind, id, payload})
		got, err := parseLine(text[:len(text)-1])
		if err != nil || got.kind != kind || got.id != id || !bytes.Equal(got.payload, payload) {
			t.Errorf("%q became %+v, %v", text, got, err)
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add(appendLine(appendLine(nil, line{kindMark, "a", []byte("x")}), line{kindEnd, "a", []byte("y")}))
	f.Add([]byte("00000000 E a b\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		s := newState()
		s.read(file)
		again := newState()
		if damaged := again.read(s.appendTo(nil)); damaged != 0 {
			t.Errorf("what was read was rewritten with %d damaged lines", damaged)
		}
		if len(again.ends) != len(s.ends) || len(again.open) != len(s.open) || again.bytes != s.bytes {
			t.Errorf("rewriting changed the state: %+v, %+v", s, again)
		}
	})
}

func BenchmarkEnd(b *testing.B) {
	j, _, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	payload := bytes.Repeat([]byte("x"), 800)
	b.SetParallelism(50)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if err := j.End("id", payload); err != nil {
				b.Error(err)
			}
		}
	})
}
