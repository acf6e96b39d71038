package lead

import (
	"fmt"
	"strings"
	"unicode"
)

// Columns maps the columns of a list to what they mean: for each, the headings
// that stand for it, first match first. Headings are compared without regard to
// case, spaces and punctuation. The usual English and Chinese headings are known
// without being named (see known); a column that stands for nothing becomes a
// field of the lead under its own heading.
type Columns struct {
	Phone    []string `yaml:"phone"` // every column that matches is a number of the person, in the file's order
	ID       []string `yaml:"id"`
	Priority []string `yaml:"priority"`
	Due      []string `yaml:"due"`
	Deadline []string `yaml:"deadline"`
	TimeZone []string `yaml:"time_zone"`
}

// Check reports a heading that is given two meanings.
func (c Columns) Check() error {
	seen := make(map[string]string)
	for _, r := range c.roles() {
		for _, h := range r.headings {
			n := fold(h)
			if n == "" {
				return fmt.Errorf("%s: %q is no heading; write the text of the column's first line", r.name, h)
			}
			if other, ok := seen[n]; ok && other != r.name {
				return fmt.Errorf("the heading %q stands for %s and for %s; keep one", h, other, r.name)
			}
			seen[n] = r.name
		}
	}
	return nil
}

type role struct {
	name     string
	headings []string
}

func (c Columns) roles() []role {
	return []role{
		{"phone", c.Phone},
		{"id", c.ID},
		{"priority", c.Priority},
		{"due", c.Due},
		{"deadline", c.Deadline},
		{"time_zone", c.TimeZone},
	}
}

// fold makes headings comparable: "Phone-No." is "phoneno".
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '#' {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}
