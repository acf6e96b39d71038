// Package duration reads and writes spans of time as people do in files: 20ms, 90s, 8h, 3d.
package duration

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Parse reads Go's notation, and days ("3d", "1d12h").
func Parse(s string) (time.Duration, error) {
	var days time.Duration
	rest := s
	if n, after, ok := strings.Cut(s, "d"); ok {
		count, err := strconv.ParseUint(n, 10, 16)
		if err != nil {
			return 0, bad(s)
		}
		days, rest = time.Duration(count)*24*time.Hour, after
	}
	if rest == "" && days > 0 {
		return days, nil
	}
	if rest == "0" && s == rest {
		return 0, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		if _, err := strconv.ParseFloat(s, 64); err == nil {
			return 0, fmt.Errorf("%s has no unit; write %ss for seconds (units: ms, s, m, h, d)", s, s)
		}
		return 0, bad(s)
	}
	if d < 0 || days+d < 0 {
		return 0, fmt.Errorf("%q is negative or too long; write a duration such as 2s, 10m or 3d", s)
	}
	return days + d, nil
}

func bad(s string) error {
	return fmt.Errorf("%q is not a duration; write a number with a unit, such as 500ms, 2s, 10m, 4h or 3d", s)
}

// Format writes d as short as it is read: 72h0m0s is 3d.
func Format(d time.Duration) string {
	if d >= 24*time.Hour && d%(24*time.Hour) == 0 {
		return strconv.FormatInt(int64(d/(24*time.Hour)), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
