package record

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// DefaultPattern is where recordings go below the directory.
const DefaultPattern = "{date}/{campaign}/{id}.wav"

// maxValue bounds what one field puts into a path, in octets.
const maxValue = 100

var (
	field  = regexp.MustCompile(`\{[^{}]*\}`)
	fields = []string{"date", "time", "year", "month", "day", "hour", "campaign", "id", "agent", "number", "lead"}
)

// checkPattern reports what is wrong with a path pattern, all of it.
func checkPattern(pattern string) error {
	var errs []error
	for _, f := range field.FindAllString(pattern, -1) {
		if !slices.Contains(fields, f[1:len(f)-1]) {
			errs = append(errs, fmt.Errorf("record: no field %s in a path pattern; there are {%s}", f, strings.Join(fields, "}, {")))
		}
	}
	rest := field.ReplaceAllString(pattern, "x")
	switch {
	case strings.ContainsAny(rest, "{}"):
		errs = append(errs, errors.New("record: a brace in the path pattern has no partner"))
	case strings.ContainsAny(rest, "\\\x00"):
		errs = append(errs, errors.New("record: a path pattern has slashes only"))
	case path.Clean(rest) != rest || path.IsAbs(rest) || strings.HasPrefix(rest, "..") || rest == ".":
		errs = append(errs, fmt.Errorf("record: path pattern %q is not a plain relative path", pattern))
	case path.Ext(rest) != ".wav":
		errs = append(errs, fmt.Errorf("record: path pattern %q does not end in .wav", pattern))
	}
	if !strings.Contains(path.Base(pattern), "{id}") {
		errs = append(errs, fmt.Errorf("record: the file name in path pattern %q lacks {id}, by which recordings are found", pattern))
	}
	return errors.Join(errs...)
}

// expand gives the path of a recording, relative to the directory. Values cannot
// leave their place in it: whatever is not a letter, a digit or one of "+-_." becomes
// an underscore, as do leading dots.
func expand(pattern string, m Meta) string {
	return field.ReplaceAllStringFunc(pattern, func(f string) string {
		switch f {
		case "{date}":
			return m.Start.Format("2006-01-02")
		case "{time}":
			return m.Start.Format("150405")
		case "{year}":
			return m.Start.Format("2006")
		case "{month}":
			return m.Start.Format("01")
		case "{day}":
			return m.Start.Format("02")
		case "{hour}":
			return m.Start.Format("15")
		case "{campaign}":
			return clean(m.Campaign)
		case "{agent}":
			return clean(m.Agent)
		case "{number}":
			return clean(m.Number)
		case "{lead}":
			return clean(m.LeadID)
		}
		return clean(m.ID)
	})
}

// clean makes a value fit for one element of a path.
func clean(value string) string {
	if value == "" {
		return "none"
	}
	var b strings.Builder
	for _, r := range value {
		if r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("+-_.", r) ||
			r == '.' && strings.Trim(b.String(), "_") == "" {
			r = '_'
		}
		if b.Len()+utf8.RuneLen(r) > maxValue {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
