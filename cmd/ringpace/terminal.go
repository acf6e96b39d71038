package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// terminal is what a command has of the world besides its flags.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
	fancy    bool       // err is a terminal: progress may be drawn on it
	fancier  bool       // out is a terminal
	columns  func() int // of out, where it is a terminal; nil: nobody knows
	version  string
}

// usualWidth is how wide out is taken to be where nobody knows: a file or a pipe.
const usualWidth = 120

// width is how many characters fit into a line of out.
func (t *terminal) width() int {
	if n, err := strconv.Atoi(t.getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if t.columns != nil {
		if n := t.columns(); n > 0 {
			return n
		}
	}
	return usualWidth
}

// json writes a value for machines.
func (t *terminal) json(v any) error {
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// grid writes rows for people, in columns. A cell without anything shows as -, but
// for one at the end of its row.
func grid(w io.Writer, rows [][]string) error {
	var b strings.Builder
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = clean(cell)
			if cells[i] == "" && i < len(row)-1 {
				cells[i] = "-"
			}
		}
		fmt.Fprintln(tw, strings.Join(cells, "\t"))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// brief cuts a sentence to n characters, for a cell of a table.
func brief(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return strings.TrimRight(string(r[:n-1]), " ") + "…"
	}
	return s
}

// clean keeps what came over the network, or out of a list of leads, from working
// the terminal: control characters become spaces, but for ends of lines.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return ' '
		}
		return r
	}, s)
}

// ago says how long ago an instant is.
func ago(at, now time.Time) string {
	if at.IsZero() {
		return ""
	}
	return short(now.Sub(at))
}

// short writes a duration as people say it: 45s, 12m, 3h05m, 2d4h.
func short(d time.Duration) string {
	switch d = d.Round(time.Second); {
	case d < 0:
		return "0s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 10*time.Minute:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
}

func seconds(s float64) string { return short(time.Duration(s * float64(time.Second))) }

// local writes an instant in the time zone of the terminal.
func local(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.Local().Format("2006-01-02 15:04:05")
}
