package lead

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// ErrNumber is wrapped by the errors of Normalize.
var ErrNumber = errors.New("not a telephone number")

// KnownRegion reports whether numbers of that region (ISO 3166, two capital
// letters) are known.
func KnownRegion(region string) bool { return phonenumbers.GetCountryCodeForRegion(region) != 0 }

// RegionOf returns the region that a number in E.164 belongs to, "" where that
// cannot be told.
func RegionOf(number string) string {
	n, err := phonenumbers.Parse(number, "")
	if err != nil {
		return ""
	}
	if region := phonenumbers.GetRegionCodeForNumber(n); region != "" {
		return region
	}
	if region := phonenumbers.GetRegionCodeForCountryCode(int(n.GetCountryCode())); KnownRegion(region) {
		return region
	}
	return ""
}

// The kinds of numbers that Kind tells apart.
const (
	Mobile = "mobile"
	Fixed  = "fixed"
)

// Kind returns whether a number in E.164 is a mobile or a fixed one, "" where its
// country's numbering plan does not tell.
func Kind(number string) string {
	n, err := phonenumbers.Parse(number, "")
	if err != nil {
		return ""
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.MOBILE:
		return Mobile
	case phonenumbers.FIXED_LINE:
		return Fixed
	}
	return ""
}

// Normalize writes a number as people write it in E.164 (+ and digits). One
// without a country code is taken to be of the region; "" refuses such numbers.
// A number that the region's numbering plan does not have is an error, so that a
// slip does not ring at a stranger's.
func Normalize(raw, region string) (string, error) {
	n, _, err := normalize(raw, region)
	return n, err
}

var (
	scientific  = regexp.MustCompile(`^\+?[0-9][.,][0-9]+[eE]\+?[0-9]+$`)
	madeDecimal = regexp.MustCompile(`^(\+?[0-9]{7,})[.,]0+$`)
	extension   = regexp.MustCompile(`(?i)(;ext=|e?xt(ensi[oó]n)?\.?|x|#|转|分机|доб\.?)\s*[:.]?\s*[0-9]{1,7}#?\s*$`)
)

// normalize also reports whether the number had an extension, which cannot be
// dialed and was left out.
func normalize(raw, region string) (e164 string, extended bool, err error) {
	s := strings.TrimSpace(raw)
	if inner, ok := strings.CutPrefix(s, `="`); ok { // how a spreadsheet is made to keep leading zeros
		s = strings.TrimSuffix(inner, `"`)
	}
	s = strings.TrimPrefix(s, "'")
	switch {
	case len(s) > 64:
		return "", false, fmt.Errorf("%w: %q is too long", ErrNumber, shorten(s, 40))
	case scientific.MatchString(s):
		return "", false, fmt.Errorf("%w: %q lost its last digits in a spreadsheet; format the column as text and export again", ErrNumber, s)
	}
	if m := madeDecimal.FindStringSubmatch(s); m != nil {
		s = m[1]
	}
	if len(s) > 4 && strings.EqualFold(s[:4], "tel:") {
		s = s[4:]
	}
	if n := quick(s, region); n != "" {
		return n, false, nil
	}
	plain := s
	if strings.ContainsFunc(s, strange) {
		if at := extension.FindStringIndex(s); at != nil {
			plain, extended = s[:at[0]], true
		}
		if strings.ContainsFunc(plain, strange) {
			return "", false, fmt.Errorf("%w: %q", ErrNumber, shorten(s, 40))
		}
	}
	n, err := phonenumbers.Parse(plain, region)
	switch {
	case errors.Is(err, phonenumbers.ErrInvalidCountryCode) && region == "":
		return "", false, fmt.Errorf("%w: %q has no country code, and no region is set", ErrNumber, s)
	case err != nil:
		return "", false, fmt.Errorf("%w: %q", ErrNumber, shorten(s, 40))
	case !valid(n):
		return "", false, fmt.Errorf("%w: %q is not in the numbering plan of %s", ErrNumber, s, planOf(n))
	}
	return phonenumbers.Format(n, phonenumbers.E164), extended, nil
}

// strange reports whether r is neither a digit nor what people put between them.
func strange(r rune) bool {
	return !unicode.IsDigit(r) && !unicode.IsSpace(r) && !strings.ContainsRune("+-().,/·•*_~—–−‐‑－＋（）．／", r)
}

// quick does what Parse would for the usual case, at a third of its cost: digits
// alone that are a valid number of the main region of their country code, either
// after + and that code, or as they stand, or after the national prefix 0. It
// returns "" for all else: other prefixes, and what could be read in two ways.
func quick(s, region string) string {
	digits, international := strings.CutPrefix(s, "+")
	if len(digits) < 7 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	code := phonenumbers.GetCountryCodeForRegion(region)
	if international {
		code, digits = splitCode(digits)
	}
	main := phonenumbers.GetRegionCodeForCountryCode(code)
	if !international && main != region || !KnownRegion(main) {
		return ""
	}
	trunk := phonenumbers.GetNddPrefixForRegion(main, true)
	// Colombia's 0 is a prefix before some digits only, and Israel's international
	// prefixes begin with the national one.
	if trunk == "0" && !international && main != "CO" && main != "IL" {
		digits = strings.TrimPrefix(digits, trunk)
	}
	if digits == "" || digits[0] == '0' || trunk != "" && strings.HasPrefix(digits, trunk) {
		return ""
	}
	national, err := strconv.ParseUint(digits, 10, 64)
	code32 := int32(code)
	if err != nil || !phonenumbers.IsValidNumberForRegion(&phonenumbers.PhoneNumber{CountryCode: &code32, NationalNumber: &national}, main) {
		return ""
	}
	return "+" + strconv.Itoa(code) + digits
}

// splitCode splits a country code (ITU-T E.164: none is the beginning of another)
// from the digits that follow it.
func splitCode(digits string) (code int, rest string) {
	for i := 1; i <= 3; i++ {
		code, _ = strconv.Atoi(digits[:i])
		if KnownRegion(phonenumbers.GetRegionCodeForCountryCode(code)) {
			return code, digits[i:]
		}
	}
	return 0, digits
}

// valid asks the country code's main region first, which most numbers are of, and
// which halves the work.
func valid(n *phonenumbers.PhoneNumber) bool {
	main := phonenumbers.GetRegionCodeForCountryCode(int(n.GetCountryCode()))
	return phonenumbers.IsValidNumberForRegion(n, main) || phonenumbers.IsValidNumber(n)
}

// planOf names the numbering plan for people.
func planOf(n *phonenumbers.PhoneNumber) string {
	code := int(n.GetCountryCode())
	if region := phonenumbers.GetRegionCodeForCountryCode(code); KnownRegion(region) {
		return fmt.Sprintf("%s (+%d)", region, code)
	}
	return fmt.Sprintf("+%d", code)
}

// numbersIn splits a cell that holds several numbers. A slash splits only where
// both sides are long enough to be numbers: 030/23125100 is one.
func numbersIn(cell string) []string {
	parts := strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(";；、，|\n\r", r) })
	var all []string
	for _, p := range parts {
		halves := strings.Split(p, "/")
		for _, h := range halves {
			if countDigits(h) < 7 {
				halves = []string{p}
				break
			}
		}
		for _, h := range halves {
			if h = strings.TrimSpace(h); h != "" {
				all = append(all, h)
			}
		}
	}
	return all
}

// foreign reports whether a part of a cell, which is no number, is a piece of a URI or
// a header field instead: whoever wrote it tries to have it sent.
func foreign(part string) bool {
	if extension.MatchString(";" + part) {
		return false
	}
	return strings.ContainsAny(part, "@=<>") || strings.Contains(part, ":") && countDigits(part) < 7
}

func countDigits(s string) int {
	n := 0
	for _, r := range s {
		if unicode.IsDigit(r) {
			n++
		}
	}
	return n
}
