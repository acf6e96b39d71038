package trace

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// The measures of a ladder, in characters.
const (
	timeWidth   = 10 // of the column of times
	leastGap    = 18 // between two parties
	mostGap     = 34
	leastHint   = 36 // what a hint needs at least beside the ladder
	widestLine  = 400
	narrowWidth = 40
)

// Render writes the ladder as text, at most width characters wide as far as that can
// be: in a narrow terminal what does not fit beside the ladder stands below the arrow.
// Where messages is set each message follows its arrow in full.
func (l *Ladder) Render(out io.Writer, width int, messages bool) error {
	w := bufio.NewWriter(out)
	width = min(max(width, narrowWidth), widestLine)
	d := drawing{w: w, l: l, width: width}
	d.measure()
	fmt.Fprintf(w, "Call %s, %s\n\n", printable(l.ID), l.Begin.Format("2006-01-02 15:04:05.000 MST"))
	d.names()
	d.bars("")
	for i := range l.Steps {
		s := &l.Steps[i]
		if i > 0 && s.AfterS >= 0 && l.Steps[i-1].AfterS < 0 {
			d.bars("...")
		}
		d.step(s)
		if messages && s.Text != "" {
			fmt.Fprintln(w)
			for line := range strings.Lines(s.Text) {
				fmt.Fprintf(w, "%*s%s\n", timeWidth, "", printable(strings.TrimRight(line, "\r\n")))
			}
		}
	}
	d.bars("")
	return w.Flush()
}

// drawing is a ladder on its way to the terminal.
type drawing struct {
	w     *bufio.Writer
	l     *Ladder
	width int
	gap   int // between the bars of two parties
	first int // column of the first bar
	right int // width of the ladder
}

// measure finds the distance of the bars: enough for the labels, if there is room for
// them, and for the hints beside them.
func (d *drawing) measure() {
	d.gap = leastGap
	for i := range d.l.Steps {
		if s := &d.l.Steps[i]; !s.Note() {
			d.gap = max(d.gap, utf8.RuneCountInString(s.Label)+8)
		}
	}
	d.gap = min(d.gap, mostGap)
	spaces := len(d.l.Parties) - 1
	d.first = timeWidth + 6
	if spaces > 0 {
		beside := (d.width - d.first - leastHint - 4) / spaces
		if alone := (d.width - d.first - 6) / spaces; beside < leastGap {
			beside = max(alone, leastGap) // hints go below
		}
		d.gap = min(d.gap, beside)
	}
	d.right = d.first + spaces*d.gap + 1
}

func (d *drawing) at(party int) int { return d.first + party*d.gap }

// names writes the heads of the columns, each centred over its bar, and below them
// the addresses, of which we may have several.
func (d *drawing) names() {
	var rows [][]string // each with one text for each party
	put := func(row, party int, text string) {
		for len(rows) <= row {
			rows = append(rows, make([]string, len(d.l.Parties)))
		}
		rows[row][party] = text
	}
	for i, p := range d.l.Parties {
		put(0, i, p.Name)
		put(1, i, "")
		if p.Address != p.Name {
			for j, address := range strings.Split(p.Address, ", ") {
				put(1+j, i, address)
			}
		}
	}
	for _, row := range rows {
		n := newLine(d.width)
		for i, text := range row {
			text = clip(printable(text), 2*(d.gap/2-1))
			n.put(max(0, d.at(i)-utf8.RuneCountInString(text)/2), text)
		}
		fmt.Fprintln(d.w, n)
	}
}

// rails is a line with the bars of all parties.
func (d *drawing) rails(left string) *line {
	n := newLine(d.width)
	n.put(0, left)
	for i := range d.l.Parties {
		n.put(d.at(i), "|")
	}
	return n
}

func (d *drawing) bars(left string) { fmt.Fprintln(d.w, d.rails(left)) }

func (d *drawing) step(s *Step) {
	n := d.rails(fmt.Sprintf("%*.3f", timeWidth-2, s.AfterS))
	if s.Note() {
		n.put(d.first+2, "* "+printable(s.Label)+" ")
		fmt.Fprintln(d.w, n)
		return
	}
	from, to := d.at(min(s.From, s.To)), d.at(max(s.From, s.To))
	inside := to - from - 1
	label := " " + clip(s.Label, inside-6) + " "
	dashes := inside - utf8.RuneCountInString(label)
	arrow := strings.Repeat("-", dashes/2) + label + strings.Repeat("-", dashes-dashes/2)
	if s.To > s.From {
		arrow = arrow[:len(arrow)-1] + ">"
	} else {
		arrow = "<" + arrow[1:]
	}
	n.put(from+1, arrow)
	hint := s.Hint
	if s.Again {
		hint = "sent again"
	}
	number, _, _ := strings.Cut(s.CSeq, " ")
	number = "CSeq " + number
	beside := strings.TrimRight(number+"  "+hint, " ")
	below := ""
	switch room := d.width - d.right - 3; {
	case room >= leastHint || room >= utf8.RuneCountInString(beside):
		beside = clip(beside, room)
	case room >= utf8.RuneCountInString(number):
		beside, below = number, hint
	default:
		beside, below = "", beside
	}
	n.put(d.right+2, beside)
	fmt.Fprintln(d.w, n)
	if below != "" {
		n := d.rails("")
		n.put(d.first+2, clip(below, d.width-d.first-3)+" ")
		fmt.Fprintln(d.w, n)
	}
}

// clip cuts s to n characters.
func clip(s string, n int) string {
	r := []rune(s)
	switch {
	case len(r) <= n:
		return s
	case n < 4:
		return ""
	}
	return string(r[:n-2]) + ".."
}

// line is a row of characters that can be written anywhere.
type line struct{ chars []rune }

func newLine(width int) *line {
	return &line{chars: make([]rune, 0, width)}
}

func (l *line) put(at int, s string) {
	for _, r := range s {
		for len(l.chars) <= at {
			l.chars = append(l.chars, ' ')
		}
		l.chars[at] = r
		at++
	}
}

func (l *line) String() string { return strings.TrimRight(string(l.chars), " ") }
