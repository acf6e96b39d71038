package lead

import (
	"encoding/csv"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ours begins the headings of columns that tell of a lead and are not of it.
// Reader passes them over, so that what was written can be read again.
const ours = "ringpace_"

// Writer writes leads as CSV in UTF-8 that Reader reads again to the same leads,
// and that a spreadsheet opens without running what a field says: a cell that
// would be a formula begins with an apostrophe, which Reader takes off.
type Writer struct {
	csv    *csv.Writer
	fields []string
	phones int
}

// NewWriter writes the header. phones is how many number columns there are, at
// least one; further numbers share the last. fields are the columns for
// Lead.Fields, other fields are left out.
func NewWriter(w io.Writer, phones int, fields []string) (*Writer, error) {
	out := &Writer{csv: csv.NewWriter(w), fields: fields, phones: max(1, phones)}
	header := []string{"id"}
	for i := range out.phones {
		header = append(header, "phone"+strings.Repeat(" "+strconv.Itoa(i+1), min(i, 1)))
	}
	header = append(header, "priority", "due", "deadline", "time_zone", ours+"list", ours+"state", ours+"attempts", ours+"last_try")
	for _, f := range fields {
		header = append(header, arm(f))
	}
	return out, out.csv.Write(header)
}

// Write writes one lead and where it stands, which is for people to read: a list that
// is imported begins anew. Call Flush at the end.
func (w *Writer) Write(l *Lead, state string) error {
	cells := []string{arm(l.ID)}
	for i := range w.phones {
		switch {
		case i >= len(l.Numbers):
			cells = append(cells, "")
		case i == w.phones-1:
			cells = append(cells, strings.Join(l.Numbers[i:], ";"))
		default:
			cells = append(cells, l.Numbers[i])
		}
	}
	cells = append(cells, strconv.Itoa(l.Priority), stamp(l.Due), stamp(l.Deadline), l.TimeZone, arm(l.List), state,
		strconv.Itoa(l.Attempts), stamp(l.LastTry))
	for _, f := range w.fields {
		cells = append(cells, arm(l.Fields[f]))
	}
	return w.csv.Write(cells)
}

// Flush writes what is buffered.
func (w *Writer) Flush() error {
	w.csv.Flush()
	return w.csv.Error()
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// RejectWriter writes the rows of a list that were not taken: the line, the
// reason, and the row as it was, to be mended and imported again.
type RejectWriter struct{ csv *csv.Writer }

// NewRejectWriter writes the header: two columns of its own, and the list's.
func NewRejectWriter(w io.Writer, header []string) (*RejectWriter, error) {
	out := &RejectWriter{csv.NewWriter(w)}
	return out, out.csv.Write(append([]string{ours + "line", ours + "reason"}, armAll(header)...))
}

// Write writes one row. Call Flush at the end.
func (w *RejectWriter) Write(line int, reason string, cells []string) error {
	return w.csv.Write(append([]string{strconv.Itoa(line), arm(reason)}, armAll(cells)...))
}

// Flush writes what is buffered.
func (w *RejectWriter) Flush() error {
	w.csv.Flush()
	return w.csv.Error()
}

var numeric = regexp.MustCompile(`^[+-]?[0-9][0-9 ./-]*$`)

// arm keeps a spreadsheet from running a cell: what begins like a formula gets an
// apostrophe. Numbers, those of telephones too, are no formulas.
func arm(s string) string {
	if begins(s) && !numeric.MatchString(s) {
		return "'" + s
	}
	return s
}

// unarm takes the apostrophe off again.
func unarm(s string) string {
	if rest, ok := strings.CutPrefix(s, "'"); ok && begins(rest) {
		return rest
	}
	return s
}

// begins reports whether s begins like a formula, after apostrophes that are its
// own.
func begins(s string) bool {
	s = strings.TrimLeft(s, "'")
	return s != "" && strings.ContainsRune("=+-@\t\r＝＋－＠", []rune(s)[0])
}

func armAll(cells []string) []string {
	out := slices.Clone(cells)
	for i := range out {
		out[i] = arm(out[i])
	}
	return out
}
