package lead

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Options say how a list is read. The zero value reads a list in UTF-8 or
// GB18030 with the usual headings, whose numbers have their country codes.
type Options struct {
	List     string         // its name; the leads keep it
	Region   string         // ISO 3166, of numbers without a country code
	Encoding Encoding       // AnyEncoding finds it from the text
	Columns  Columns        // headings beside the usual ones
	Zone     *time.Location // of times without an offset, where the lead names none; nil: that of its first number
}

// Row is one row of a list: a lead, or the reason why it is none.
type Row struct {
	Line   int      // of the file, on which the row starts; the header is on the first that is not blank
	Cells  []string // as they were read; one, the whole line, where it could not be split; none where it is no text
	Lead   Lead     // if Reason is empty
	Reason string   // why the row was rejected
	Again  bool     // it was rejected because an earlier row has the same person
	Note   string   // the row was taken, but for this (a second number that is none)
}

// Reader reads a list of leads from CSV: any order of columns, named by the first
// line; comma, semicolon, tab or bar between them; line ends of any system;
// quoted cells with line ends in them. A row that is wrong costs that row only.
// Memory does not grow with the list, but for some 30 bytes a row by which
// duplicates are known (see maxKnown).
type Reader struct {
	opts   Options
	rows   *rows
	header *header
	err    error // that of opening
	seed   maphash.Seed
	known  map[uint64]int // hash of an id or a first number: the line that had it
}

// maxKnown bounds the memory of duplicates: in longer lists the rest is only
// compared with the first million of rows (and, by id, in the store).
const maxKnown = 2_000_000

// NewReader returns a reader of the list. It reads the beginning, from which
// encoding and line ends are found; what goes wrong there, Header and Next tell.
func NewReader(r io.Reader, o Options) *Reader {
	rd := &Reader{opts: o, seed: maphash.MakeSeed(), known: make(map[uint64]int)}
	in, err := newLines(r, o.Encoding)
	if err != nil {
		rd.err = fmt.Errorf("lead: %w", err)
		return rd
	}
	rd.rows = &rows{lines: in}
	return rd
}

// Header returns the columns' names. Its errors, those of the underlying reader
// and ErrHeader, are final.
func (r *Reader) Header() ([]string, error) {
	if r.header == nil && r.err == nil {
		r.err = r.readHeader()
	}
	if r.err != nil {
		return nil, r.err
	}
	return r.header.names, nil
}

func (r *Reader) readHeader() error {
	if err := r.opts.Columns.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrHeader, err)
	}
	for {
		first, err := r.rows.lines.next()
		if err == io.EOF {
			return fmt.Errorf("%w: the list is empty", ErrHeader)
		}
		if err != nil {
			return fmt.Errorf("lead: %w", err)
		}
		if strings.TrimSpace(first.text) == "" && first.fault == "" {
			continue
		}
		if d, ok := strings.CutPrefix(strings.ToLower(first.text), "sep="); ok && len(d) == 1 {
			r.rows.delimiter = d[0] // a spreadsheet's way to say it
			continue
		}
		r.rows.lines.back([]line{first})
		if r.rows.delimiter == 0 {
			r.rows.delimiter = sniff(first.text)
		}
		break
	}
	top, err := r.rows.next()
	switch {
	case err == io.EOF:
		return fmt.Errorf("%w: the list is empty", ErrHeader)
	case err != nil:
		return fmt.Errorf("lead: %w", err)
	case top.fault != "":
		return fmt.Errorf("%w: line %d: %s", ErrHeader, top.line, top.fault)
	}
	r.header, err = newHeader(top.cells, r.opts.Columns)
	return err
}

// Bytes is how much of the list was read so far.
func (r *Reader) Bytes() int64 {
	if r.rows == nil {
		return 0
	}
	return r.rows.lines.count.n - int64(r.rows.lines.in.Buffered())
}

// Next returns the next row; io.EOF after the last. Every other error is final.
// A rejected row is no error.
func (r *Reader) Next() (Row, error) {
	if _, err := r.Header(); err != nil {
		return Row{}, err
	}
	in, err := r.rows.next()
	if err == io.EOF {
		return Row{}, io.EOF
	}
	if err != nil {
		r.err = fmt.Errorf("lead: line %d: %w", r.rows.lines.number+1, err)
		return Row{}, r.err
	}
	row := Row{Line: in.line, Cells: in.cells, Reason: in.fault}
	if row.Reason == "" {
		row.Lead, row.Note, err = r.lead(in.cells)
		if err == nil {
			err = r.remember(&row)
			row.Again = err != nil
		}
		if err != nil {
			row.Lead, row.Note, row.Reason = Lead{}, "", err.Error()
		}
	}
	return row, nil
}

// lead makes a lead of a row. Its error is the reason to reject it.
func (r *Reader) lead(cells []string) (l Lead, note string, err error) {
	h := r.header
	for _, extra := range cells[min(len(cells), len(h.names)):] {
		if extra != "" {
			return l, "", fmt.Errorf("the row has %d cells and the header %d; is a comma not quoted?", len(cells), len(h.names))
		}
	}
	cell := func(i int) string {
		if i < 0 || i >= len(cells) {
			return ""
		}
		return cells[i]
	}

	l = Lead{List: r.opts.List, Fields: make(map[string]string)}
	for i, name := range h.names {
		if s := unarm(cell(i)); s != "" && !h.roles[i] {
			l.Fields[name] = s
		}
	}
	if note, err = r.numbers(&l, cell); err != nil {
		return l, "", err
	}
	if l.ID, err = identify(unarm(cell(h.id)), l.Numbers[0]); err != nil {
		return l, "", err
	}
	if s := cell(h.priority); s != "" {
		if l.Priority, err = strconv.Atoi(s); err != nil || l.Priority < -1_000_000 || l.Priority > 1_000_000 {
			return l, "", fmt.Errorf("%s: %q is not a priority; write a whole number, higher is sooner", h.names[h.priority], shorten(s, 40))
		}
	}
	if l.TimeZone = cell(h.inZone); l.TimeZone != "" {
		if _, err := LoadZone(l.TimeZone); err != nil {
			return l, "", fmt.Errorf("%s: %q is not a time zone; write a name such as Asia/Shanghai", h.names[h.inZone], shorten(l.TimeZone, 40))
		}
	}
	if s := cell(h.due); s != "" {
		if l.Due, err = parseTime(s, r.zone(&l), false); err != nil {
			return l, "", fmt.Errorf("%s: %w", h.names[h.due], err)
		}
	}
	if s := cell(h.deadline); s != "" {
		if l.Deadline, err = parseTime(s, r.zone(&l), true); err != nil {
			return l, "", fmt.Errorf("%s: %w", h.names[h.deadline], err)
		}
	}
	return l, note, nil
}

// numbers fills in the lead's numbers. A number that is none is fatal only where
// no other is left, or where what stands there was never meant to be one.
func (r *Reader) numbers(l *Lead, cell func(int) string) (note string, err error) {
	var faults []error
	for _, i := range r.header.phones {
		for _, raw := range numbersIn(unarm(cell(i))) {
			n, extended, err := normalize(raw, r.opts.Region)
			if err != nil {
				err = fmt.Errorf("%s: %w", r.header.names[i], err)
				if foreign(raw) {
					return "", err
				}
				faults = append(faults, err)
				continue
			}
			if extended {
				l.Fields[r.header.names[i]] = raw // the agent asks for the extension
			}
			if !contains(l.Numbers, n) {
				l.Numbers = append(l.Numbers, n)
			}
		}
	}
	switch fault := errors.Join(faults...); {
	case len(l.Numbers) == 0 && fault == nil:
		return "", errors.New("no telephone number")
	case len(l.Numbers) == 0:
		return "", errors.New(oneLine(fault))
	case fault != nil:
		return oneLine(fault), nil
	}
	return "", nil
}

func contains(numbers []string, n string) bool {
	for _, have := range numbers {
		if have == n {
			return true
		}
	}
	return false
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// identify returns a lead's id: its own, or one made from its first number, so
// that importing a list again finds the same leads.
func identify(id, number string) (string, error) {
	switch {
	case id == "":
		return "tel-" + number[1:], nil
	case len(id) > 128 || !utf8.ValidString(id) || strings.ContainsAny(id, "\r\n\t"):
		return "", fmt.Errorf("the id %q cannot be used: at most 128 bytes, on one line", shorten(id, 40))
	}
	return id, nil
}

// zone is where times without an offset are read.
func (r *Reader) zone(l *Lead) *time.Location {
	if z, err := LoadZone(l.TimeZone); err == nil {
		return z
	}
	if r.opts.Zone != nil {
		return r.opts.Zone
	}
	if zones := l.Zones(l.Numbers[0]); len(zones) > 0 {
		return zones[0]
	}
	return time.UTC
}

// remember rejects a row whose id or first number an earlier row had.
func (r *Reader) remember(row *Row) error {
	id, number := r.hash(0, row.Lead.ID), r.hash(1, row.Lead.Numbers[0])
	if line, ok := r.known[id]; ok {
		return fmt.Errorf("the same id (%s) as in line %d", row.Lead.ID, line)
	}
	if line, ok := r.known[number]; ok {
		return fmt.Errorf("the same number (%s) as in line %d", row.Lead.Numbers[0], line)
	}
	if len(r.known) < maxKnown {
		r.known[id], r.known[number] = row.Line, row.Line
	}
	return nil
}

func (r *Reader) hash(kind uint64, s string) uint64 {
	var h maphash.Hash
	h.SetSeed(r.seed)
	_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, kind))
	_, _ = h.WriteString(s)
	return h.Sum64()
}
