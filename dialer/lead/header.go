package lead

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrHeader is wrapped by the error for a list whose first line does not say
// which column holds the telephone number.
var ErrHeader = errors.New("lead: the header cannot be used")

// header is a list's columns and their meaning: indexes, or -1.
type header struct {
	names                               []string // as they stand in the file, made unique
	phones                              []int    // in the order in which they are tried
	id, priority, due, deadline, inZone int
	roles                               map[int]bool // columns that are no fields
}

func newHeader(cells []string, c Columns) (*header, error) {
	h := &header{names: uniqueNames(cells), roles: make(map[int]bool)}
	folded := make([]string, len(cells))
	for i, s := range cells {
		folded[i] = fold(s)
		h.roles[i] = strings.HasPrefix(folded[i], fold(ours))
	}
	known := usual()
	for i, r := range c.roles() {
		columns := h.find(folded, *r.headings, true)
		if len(columns) == 0 {
			columns = h.find(folded, *known.roles()[i].headings, false)
		}
		first := -1
		if len(columns) > 0 {
			first = columns[0]
		}
		switch r.name {
		case "phone":
			h.phones = columns
		case "id":
			h.id = first
		case "priority":
			h.priority = first
		case "due":
			h.due = first
		case "deadline":
			h.deadline = first
		case "time_zone":
			h.inZone = first
		}
		for k, at := range columns {
			if r.name == "phone" || k == 0 {
				h.roles[at] = true
			}
		}
	}
	if len(h.phones) > 0 {
		return h, nil
	}
	wanted := "phone, mobile, tel, 电话 or 手机"
	if len(c.Phone) > 0 {
		wanted = strings.Join(c.Phone, ", ") + " (as configured) or " + wanted
	}
	for _, s := range cells {
		if digits := strings.Trim(s, "+0123456789 -()./"); digits == "" && len(s) >= 7 {
			return nil, fmt.Errorf("%w: the first line must name the columns, and it holds a number (%s); put a line such as "+
				"phone,name before it", ErrHeader, s)
		}
	}
	return nil, fmt.Errorf("%w: no column is named %s; it has: %s", ErrHeader, wanted, shorten(strings.Join(cells, ", "), 200))
}

// find lists the columns with one of the headings that have no role yet, in the
// order of the headings or of the file.
func (h *header) find(folded, headings []string, byHeading bool) []int {
	var columns []int
	for _, name := range headings {
		for i, f := range folded {
			if f == fold(name) && !h.roles[i] && !slices.Contains(columns, i) {
				columns = append(columns, i)
			}
		}
	}
	if !byHeading {
		slices.Sort(columns)
	}
	return columns
}

// uniqueNames gives every column a name of its own.
func uniqueNames(cells []string) []string {
	names := make([]string, len(cells))
	taken := make(map[string]bool)
	for i, s := range cells {
		if s = unarm(s); s == "" {
			s = "column " + strconv.Itoa(i+1)
		}
		name := s
		for n := 2; taken[name]; n++ {
			name = s + " " + strconv.Itoa(n)
		}
		taken[name] = true
		names[i] = name
	}
	return names
}

// shorten cuts s for a message, at a character's border.
func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
