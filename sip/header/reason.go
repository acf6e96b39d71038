package header

import (
	"strconv"
	"strings"
	"time"
)

// Reason is one value of a Reason header (RFC 3326).
type Reason struct {
	Protocol string // "Q.850" or "SIP", as sent
	Cause    int    // 0 when absent or not a number
	Text     string // at most 256 bytes
}

// ParseReasons reads the value of a Reason header: comma-separated reasons of a
// protocol and parameters. What does not parse is left out.
func ParseReasons(value string) []Reason {
	var out []Reason
	for _, part := range Split(value, ',') {
		fields := Split(part, ';')
		r := Reason{Protocol: strings.TrimSpace(fields[0])}
		if r.Protocol == "" {
			continue
		}
		for _, f := range fields[1:] {
			name, val, _ := strings.Cut(f, "=")
			val = unquote(strings.TrimSpace(val))
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "cause":
				if n, err := strconv.Atoi(val); err == nil && n > 0 && n < 1000 {
					r.Cause = n
				}
			case "text":
				r.Text = Clip(val, 256)
			}
		}
		out = append(out, r)
	}
	return out
}

// Q850 returns the first Q.850 cause (1 to 127), 0 if there is none.
func Q850(reasons []Reason) int {
	for _, r := range reasons {
		if strings.EqualFold(r.Protocol, "Q.850") && r.Cause >= 1 && r.Cause <= 127 {
			return r.Cause
		}
	}
	return 0
}

// ParseRetryAfter reads a Retry-After header: seconds, then perhaps a comment
// and parameters (RFC 3261 section 20.33). Zero if it does not parse; never
// more than a day.
func ParseRetryAfter(value string) time.Duration {
	digits := strings.TrimSpace(value)
	if i := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		digits = digits[:i]
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return 0
	}
	return min(time.Duration(n)*time.Second, 24*time.Hour)
}

// unquote returns the text of a quoted-string (RFC 3261 section 25.1), or s
// itself when it is none.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// Clip cuts s to at most n bytes.
func Clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
