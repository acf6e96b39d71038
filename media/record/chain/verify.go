package chain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// What Verify finds.
const (
	Removed   = "removed"   // the chain has it, the directory does not; or a line says that it went while it was held
	Added     = "added"     // the directory has it, the chain does not
	Renamed   = "renamed"   // it lies under another name
	Altered   = "altered"   // its file is not what it was when it was kept
	CutOff    = "cut off"   // a crash ended it, and no daemon has seen to it since
	Unlinked  = "unlinked"  // a line does not follow from the one before: lines were altered, removed, added or moved
	Unread    = "unread"    // a line or file cannot be read
	Rewritten = "rewritten" // a line is not the one that a Ref names, or is not there any more
)

// Finding is one thing that is not as it should be.
type Finding struct {
	Kind string `json:"kind"`
	Path string `json:"path"` // relative to the recording directory
	Text string `json:"text"`
}

// Options say how much is looked at.
type Options struct {
	// Refs are lines that were noted elsewhere: up to them the chain must be as it was.
	Refs []Ref
	// ChainOnly leaves the recordings' contents unread; whether they are there is looked at.
	ChainOnly bool
}

// Report is what Verify found.
type Report struct {
	Days     int       `json:"days"`
	Lines    int64     `json:"lines"`
	Kept     int       `json:"kept"`     // recordings that are to be there
	Bytes    int64     `json:"bytes"`    // of those that were read
	Open     int       `json:"open"`     // being recorded now
	Gone     int       `json:"gone"`     // removed by rule, with a line that says so
	Uploaded int       `json:"uploaded"` // that an object storage has; of these:
	Cleared  int       `json:"cleared"`  // that have no file here any more
	Held     int       `json:"held"`
	Lost     int       `json:"lost"` // that could not be kept, with a line that says why
	Last     string    `json:"last"` // Ref of the last line, to be noted elsewhere
	Findings []Finding `json:"findings"`
}

// OK reports that nothing was found.
func (r *Report) OK() bool { return len(r.Findings) == 0 }

// verifier does the work of one Verify.
type verifier struct {
	*Report
	root   string
	o      Options
	wanted map[int64]string // hashes of lines that were noted elsewhere, by number
	last   Ref
	index  *Index
	block  []byte

	strangers []string          // files of which the chain has nothing, or that they are gone
	linked    map[string]bool   // real names of files that the chain has by other names, through links
	holds     map[string]string // what they hold: paths by SHA-256
}

// Verify holds the recordings of a directory against their chain, and the chain against
// itself. It changes nothing, and may be done while recordings are made. The error says
// that it could not be done.
func Verify(ctx context.Context, root string, o Options) (*Report, error) {
	v := &verifier{
		Report: &Report{Findings: []Finding{}}, root: root, o: o, wanted: map[int64]string{},
		last: Ref{Hash: origin}, index: newIndex(), block: make([]byte, 256<<10), holds: map[string]string{}, linked: map[string]bool{},
	}
	for _, ref := range o.Refs {
		v.wanted[ref.N] = ref.Hash
	}
	// First the files and then the chain, which has a line of each before it has content.
	files, err := v.walk(ctx)
	if err != nil {
		return nil, fmt.Errorf("chain: %w", err)
	}
	if err := v.chain(); err != nil {
		return nil, fmt.Errorf("chain: %w", err)
	}
	seen := map[*Item]bool{}
	for _, rel := range files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		it := v.index.path[rel]
		seen[it] = true
		v.file(rel, it)
	}
	for _, it := range v.index.Items {
		v.count(it)
		if !seen[it] && v.index.path[it.Path] == it {
			v.missing(it)
		}
	}
	v.added()
	if err := v.reconsider(); err != nil {
		return nil, fmt.Errorf("chain: %w", err)
	}
	v.Report.Last = v.last.String()
	slices.SortStableFunc(v.Findings, func(a, b Finding) int { return strings.Compare(a.Path, b.Path) })
	return v.Report, nil
}

func (v *verifier) find(kind, path, format string, args ...any) {
	v.Findings = append(v.Findings, Finding{kind, path, fmt.Sprintf(format, args...)})
}

// walk lists the recordings that have content.
func (v *verifier) walk(ctx context.Context) (files []string, err error) {
	return files, Walk(v.root, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && name != v.root {
			return nil // it went while we walked
		}
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if d.IsDir() || !isRecording(name) {
			return nil
		}
		stat, err := d.Info()
		if err != nil || stat.Mode().IsRegular() && stat.Size() == 0 {
			return nil // gone, or just made: its line comes before its content
		}
		rel, err := filepath.Rel(v.root, name)
		files = append(files, filepath.ToSlash(rel))
		return err
	})
}

// chain goes through all lines.
func (v *verifier) chain() error {
	days, err := dayNames(v.root)
	if err != nil {
		return err
	}
	v.Days = len(days)
	for k, day := range days {
		number, path := 0, Folder+"/"+day+extension
		err := eachLine(filepath.Join(v.root, Folder, day+extension), func(line []byte, whole bool) error {
			number++
			switch {
			case whole:
				v.line(path, day, number, line)
			case k < len(days)-1: // at the end of all it is being written, or was torn by a crash
				v.find(Unread, path, "line %d is cut off", number)
			}
			return nil
		})
		if err != nil {
			v.find(Unread, path, "%v", err)
		}
	}
	for n := range v.wanted {
		v.find(Rewritten, Folder, "line %d, which was noted elsewhere, is not there: the chain was cut off or rewritten", n)
	}
	return nil
}

// line looks at one line, number of the file of a day.
func (v *verifier) line(path, day string, number int, line []byte) {
	v.Lines++
	before := v.last
	v.last = Ref{numberOf(line, before.N+1), hashOf(line)}
	e, err := parseLine(line)
	if err != nil {
		v.find(Unread, path, "line %d: %v", number, err)
		return
	}
	switch {
	case e.N != before.N+1 && before.N == 0:
		v.find(Unlinked, path, "the chain begins with number %d: earlier lines were removed", e.N)
	case e.N != before.N+1:
		v.find(Unlinked, path, "line %d has number %d behind %d: lines were removed, added or moved", number, e.N, before.N)
	case e.Prev != before.Hash:
		v.find(Unlinked, path, "line %d (number %d) does not follow from the one before: one of them was altered", number, e.N)
	case (number == 1) != (e.Kind == Day) || number == 1 && e.Path != day:
		v.find(Unlinked, path, "line %d is not what the file of %s has there: lines were moved", number, day)
	}
	if hash, ok := v.wanted[e.N]; ok {
		if hash != v.last.Hash {
			v.find(Rewritten, path, "line %d (number %d) is not the one that was noted elsewhere", number, e.N)
		}
		delete(v.wanted, e.N)
	}
	if v.removesHeld(e) {
		v.find(Removed, e.Path, "line %d of %s (number %d) says that it was %s, though it was under legal hold", number, day, e.N, e.Kind)
	}
	v.index.add(e)
}

// removesHeld reports whether a line explains away the file of a recording that is under
// legal hold there: no Log writes such a line.
func (v *verifier) removesHeld(e Entry) bool {
	it := v.index.path[e.Path]
	if it == nil {
		return false
	}
	if named := v.index.id[e.ID]; !it.Held && (named == nil || !named.Held) {
		return false
	}
	switch e.Kind {
	case Discarded, Deleted, Cleared:
		return true
	case Lost: // one that is being recorded may be
		return it.Kind == Kept || it.Kind == Salvaged
	}
	return false
}

// isRecording reports whether a file name is of a recording, encrypted or not.
func isRecording(name string) bool {
	return strings.HasSuffix(name, ".wav") || strings.HasSuffix(name, ".wav.age")
}

// file looks at one file, of which the chain has it, or nothing where that is nil.
func (v *verifier) file(rel string, it *Item) {
	name := filepath.Join(v.root, filepath.FromSlash(rel))
	stat, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if it != nil {
			v.missing(it)
		}
	case err != nil:
		v.find(Unread, rel, "%v", err)
	case !stat.Mode().IsRegular():
		v.find(Altered, rel, "it is no regular file")
	case it == nil || it.Gone != "" && it.Gone != Cleared || it.Kind == Lost && it.SHA256 == "":
		v.strangers = append(v.strangers, rel)
		if hash, err := v.digest(name); err == nil {
			v.holds[hash] = rel
		}
	case it.Kind == Began && locked(name):
		v.Open++
	case it.Kind == Began:
		v.find(CutOff, rel, "it was begun at %s and not finished; a daemon that starts on this directory repairs it", it.Start.Format(timeLayout))
	case stat.Size() != it.Bytes:
		v.find(Altered, rel, "it has %d octets and had %d", stat.Size(), it.Bytes)
	case !v.o.ChainOnly:
		v.contents(rel, name, it)
	}
}

// contents holds a file against its SHA-256.
func (v *verifier) contents(rel, name string, it *Item) {
	hash, err := v.digest(name)
	if err != nil {
		v.find(Unread, rel, "%v", err)
		return
	}
	if hash == it.SHA256 {
		return
	}
	for _, other := range v.index.Items {
		if other.SHA256 == hash {
			v.find(Altered, rel, "it holds what %s held", other.Path)
			return
		}
	}
	v.find(Altered, rel, "its SHA-256 is %s and was %s", hash, it.SHA256)
}

const timeLayout = "2006-01-02 15:04:05 MST"

// digest is the SHA-256 of a file, in hex.
func (v *verifier) digest(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	n, err := io.CopyBuffer(hash, struct{ io.Reader }{f}, v.block)
	v.Bytes += n
	return hex.EncodeToString(hash.Sum(nil)), err
}

// locked reports whether a recorder has the file open, which it locks.
func locked(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

func (v *verifier) count(it *Item) {
	if it.Held {
		v.Held++
	}
	if it.Uploaded.N > 0 {
		v.Uploaded++
	}
	switch {
	case it.Gone == Cleared:
		v.Cleared++
	case it.Gone != "":
		v.Gone++
	case it.Kind == Lost:
		v.Lost++
	case it.Kind != Began:
		v.Kept++
	}
}

// missing tells of a recording without a file, if it is to have one. A file that was
// just made is not among those listed, and has it; nor is one under a second name of its
// directory, which symbolic links give it.
func (v *verifier) missing(it *Item) {
	switch {
	case it.Gone == Cleared && it.Uploaded.N == 0:
		v.find(Removed, it.Path, "the chain says that it was cleared, and not that it had been uploaded")
		return
	case it.Gone != "" || it.Kind == Lost && it.SHA256 == "":
		return
	}
	name := filepath.Join(v.root, filepath.FromSlash(it.Path))
	if stat, err := os.Lstat(name); err == nil && stat.Mode().IsRegular() {
		if to, err := filepath.EvalSymlinks(name); err == nil {
			v.linked[to] = true
		}
		v.file(it.Path, it)
		return
	}
	if rel, ok := v.holds[it.SHA256]; ok && it.SHA256 != "" {
		v.strangers = slices.DeleteFunc(v.strangers, func(s string) bool { return s == rel })
		v.find(Renamed, it.Path, "it lies at %s", rel)
		return
	}
	v.find(Removed, it.Path, "the recording %s of %s is not there, and no line says that it was to be removed", it.ID, it.Start.Format(timeLayout))
}

// added tells of files that are not to be there.
func (v *verifier) added() {
	for _, rel := range v.strangers {
		to, err := filepath.EvalSymlinks(filepath.Join(v.root, filepath.FromSlash(rel)))
		switch it := v.index.path[rel]; {
		case it == nil && err == nil && v.linked[to]:
		case it == nil:
			v.find(Added, rel, "the chain knows nothing of it")
		case it.Gone != "":
			v.find(Added, rel, "the chain says that it was %s", it.Gone)
		default:
			v.find(Added, rel, "the chain says that it was lost: %s", it.Why)
		}
	}
}

// reconsider takes back what has changed by rule since the chain was read: recordings
// that ended, or were removed.
func (v *verifier) reconsider() error {
	if v.OK() {
		return nil
	}
	now, err := Load(v.root)
	if err != nil {
		return err
	}
	v.Findings = slices.DeleteFunc(v.Findings, func(f Finding) bool {
		was, is := v.index.path[f.Path], now.path[f.Path]
		if was != nil && is != nil && (is.N > v.last.N || is.Ended.N > v.last.N) {
			return true
		}
		_, err := os.Lstat(filepath.Join(v.root, filepath.FromSlash(f.Path)))
		return f.Kind == Added && errors.Is(err, fs.ErrNotExist)
	})
	return nil
}
