package lead

import (
	"fmt"
	"time"
)

// layouts of times in lists. There is no 02/01/2006: half of the world reads it
// as January 2nd.
func layouts() []string {
	return []string{
		"2006-1-2 15:04:05", "2006-1-2 15:04", "2006-1-2T15:04:05", "2006-1-2T15:04",
		"2006/1/2 15:04:05", "2006/1/2 15:04", "2.1.2006 15:04:05", "2.1.2006 15:04", "2006年1月2日 15:04",
	}
}

func dayLayouts() []string {
	return []string{"2006-1-2", "2006/1/2", "2.1.2006", "2006年1月2日", "20060102"}
}

// parseTime reads a time; one without an offset is of the zone. A day alone is its
// beginning, or with endOfDay its end.
func parseTime(s string, zone *time.Location, endOfDay bool) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	for _, layout := range layouts() {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t, nil
		}
	}
	for _, layout := range dayLayouts() {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			if endOfDay {
				t = t.AddDate(0, 0, 1)
			}
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time; write 2026-11-30 09:00", shorten(s, 40))
}
