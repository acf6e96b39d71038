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

	"ringpace/media/record/chain"
)

// DefaultPattern is where recordings go below the directory.
const DefaultPattern = "{date}/{campaign}/{id}.wav"

const (
	// maxValue bounds what one field puts into a path, in octets.
	maxValue = 100
	// minValue is what is left of a field's value where those of one name have to share it.
	minValue = 8
	// maxName bounds a name in a path, in octets: file systems take 255, and the number of
	// a name that is taken, what an encrypted file ends with and what it ends with while it
	// is being sealed come on top.
	maxName = 255 - len("-100") - len(encrypted) - len(sealing)
)

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
	case strings.HasPrefix(rest, chain.Folder+"/"):
		errs = append(errs, fmt.Errorf("record: path pattern %q leads into %s/, where the chain of checksums lies", pattern, chain.Folder))
	case path.Ext(rest) != ".wav":
		errs = append(errs, fmt.Errorf("record: path pattern %q does not end in .wav", pattern))
	}
	for _, name := range strings.Split(pattern, "/") {
		longest := Meta{ID: strings.Repeat("x", maxValue), Campaign: strings.Repeat("x", maxValue)}
		longest.Agent, longest.Number, longest.LeadID = longest.Campaign, longest.Campaign, longest.Campaign
		if n := len(expandName(name, longest, minValue)); n > maxName {
			errs = append(errs, fmt.Errorf("record: %.40q… in the path pattern can be %d octets long, and a name has %d at most", name, n, maxName))
		}
	}
	if !strings.Contains(path.Base(pattern), "{id}") {
		errs = append(errs, fmt.Errorf("record: the file name in path pattern %q lacks {id}, by which recordings are found", pattern))
	}
	return errors.Join(errs...)
}

// expand gives the path of a recording, relative to the directory. Values cannot
// leave their place in it: whatever is not a letter, a digit or one of "+-_." becomes
// an underscore, as do leading dots. Where a name would be longer than maxName, the values
// in it are cut, all to the same length, but for {id}. None leads into the chain's folder.
func expand(pattern string, m Meta) string {
	names := strings.Split(pattern, "/")
	for i, name := range names {
		for limit := maxValue; ; limit-- {
			if names[i] = expandName(name, m, limit); len(names[i]) <= maxName || limit <= minValue {
				break
			}
		}
	}
	if names[0] == chain.Folder { // of a campaign of that name
		names[0] = "_" + names[0]
	}
	return strings.Join(names, "/")
}

// expandName is expand for one name of a path, with at most so many octets of a value.
func expandName(name string, m Meta, limit int) string {
	return field.ReplaceAllStringFunc(name, func(f string) string {
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
			return fit(m.Campaign, limit)
		case "{agent}":
			return fit(m.Agent, limit)
		case "{number}":
			return fit(m.Number, limit)
		case "{lead}":
			return fit(m.LeadID, limit)
		}
		return clean(m.ID)
	})
}

// clean makes a value fit for one element of a path.
func clean(value string) string { return fit(value, maxValue) }

// fit is clean with at most so many octets.
func fit(value string, limit int) string {
	if value == "" {
		return "none"
	}
	var b strings.Builder
	for _, r := range value {
		if r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("+-_.", r) ||
			r == '.' && strings.Trim(b.String(), "_") == "" {
			r = '_'
		}
		if b.Len()+utf8.RuneLen(r) > limit {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
