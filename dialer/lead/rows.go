package lead

import (
	"fmt"
	"io"
	"strings"
)

// rows splits lines into rows of cells (RFC 4180, section 2), and, unlike
// encoding/csv, is itself again at the next line whatever stands in one.
type rows struct {
	lines     *lines
	delimiter byte
}

// row is one row of a file.
type row struct {
	line  int // on which it starts
	cells []string
	fault string // why it is not one; cells then holds the text of the line, if it is any
}

// next returns the next row that is not blank; io.EOF after the last.
func (r *rows) next() (row, error) {
	for {
		first, err := r.lines.next()
		if err != nil {
			return row{}, err
		}
		out := row{line: first.number}
		if first.fault != "" {
			out.fault = first.fault
			return out, nil
		}
		if strings.TrimSpace(first.text) == "" {
			continue
		}
		if out.cells, out.fault, err = r.assemble(first); err != nil {
			return row{}, err
		}
		if out.fault != "" {
			out.cells = []string{first.text}
			return out, nil
		}
		for _, c := range out.cells {
			if c != "" {
				return out, nil
			}
		}
	}
}

// assemble splits a line, and takes in the following ones while a quote is open.
// A quote that is never closed costs its own line only: the others are given back.
func (r *rows) assemble(first line) (cells []string, fault string, err error) {
	text := first.text
	var more []line
	for {
		cells, open, fault := r.split(text)
		if !open {
			if fault != "" {
				r.lines.back(more)
			}
			return cells, fault, nil
		}
		if len(more) >= maxLines || len(text) >= maxRow {
			break
		}
		next, err := r.lines.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, "", err
		}
		more = append(more, next)
		if next.fault != "" {
			break
		}
		text += "\n" + next.text
	}
	r.lines.back(more)
	return nil, "a quote (\") is opened and not closed", nil
}

// split cuts a row into cells. open: the text ends inside of quotes.
func (r *rows) split(text string) (cells []string, open bool, fault string) {
	for {
		quoted := strings.TrimLeft(text, " ")
		if !strings.HasPrefix(quoted, `"`) {
			cell, rest, more := strings.Cut(text, string(r.delimiter))
			cells = append(cells, strings.TrimSpace(cell))
			if !more {
				return cells, false, ""
			}
			text = rest
			continue
		}
		var cell strings.Builder
		text = quoted[1:]
		for {
			before, after, closed := strings.Cut(text, `"`)
			cell.WriteString(before)
			if !closed {
				return nil, true, ""
			}
			text = after
			if !strings.HasPrefix(text, `"`) {
				break
			}
			cell.WriteByte('"')
			text = text[1:]
		}
		cells = append(cells, strings.TrimSpace(cell.String()))
		text = strings.TrimLeft(text, " ")
		switch {
		case text == "":
			return cells, false, ""
		case text[0] != r.delimiter:
			return nil, false, fmt.Sprintf("cell %d goes on after its closing quote (\")", len(cells))
		}
		text = text[1:]
	}
}

// sniff finds the delimiter: what a header has most of outside of quotes.
func sniff(header string) byte {
	best, most := byte(','), 0
	for _, d := range []byte{',', ';', '\t', '|'} {
		n, quoted := 0, false
		for i := range len(header) {
			switch header[i] {
			case '"':
				quoted = !quoted
			case d:
				if !quoted {
					n++
				}
			}
		}
		if n > most {
			best, most = d, n
		}
	}
	return best
}
