package header

import (
	"strconv"
	"strings"
)

// SessionExpires is the interval of a session and who refreshes it (RFC 4028
// section 4).
type SessionExpires struct {
	Seconds   uint32
	Refresher string // "uac", "uas", or "" when the field leaves it open
}

// ParseSessionExpires reads the value of a Session-Expires header. A refresher that
// is neither uac nor uas counts as none.
func ParseSessionExpires(value string) (SessionExpires, bool) {
	fields := strings.Split(value, ";")
	seconds, ok := parseSeconds(fields[0])
	if !ok {
		return SessionExpires{}, false
	}
	s := SessionExpires{Seconds: seconds}
	if r := strings.ToLower(parameters(fields[1:])["refresher"]); r == "uac" || r == "uas" {
		s.Refresher = r
	}
	return s, true
}

// String is the value of the header.
func (s SessionExpires) String() string {
	out := strconv.FormatUint(uint64(s.Seconds), 10)
	if s.Refresher != "" {
		out += ";refresher=" + s.Refresher
	}
	return out
}

// ParseMinSE reads the value of a Min-SE header, in seconds (RFC 4028 section 5).
func ParseMinSE(value string) (uint32, bool) {
	seconds, _, _ := strings.Cut(value, ";")
	return parseSeconds(seconds)
}

func parseSeconds(s string) (uint32, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32)
	return uint32(n), err == nil && n > 0
}
