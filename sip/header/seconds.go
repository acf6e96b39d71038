package header

import (
	"strconv"
	"strings"
	"time"
)

// ParseSeconds reads delta-seconds (RFC 3261 section 25.1). ok is false when there are
// none.
func ParseSeconds(s string) (d time.Duration, ok bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32)
	if err != nil {
		return 0, false
	}
	return time.Duration(n) * time.Second, true
}

// Seconds writes a duration as delta-seconds, rounded up.
func Seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
