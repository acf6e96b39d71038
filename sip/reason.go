package sip

import (
	"strconv"
	"strings"
	"time"
)

// reason is one value of a Reason header (RFC 3326).
type reason struct {
	protocol string // "Q.850" or "SIP", as sent
	cause    int    // 0 when absent or not a number
	text     string
}

// parseReasons reads the value of a Reason header: comma-separated reasons of a
// protocol and parameters. What does not parse is left out.
func parseReasons(value string) []reason {
	var out []reason
	for _, part := range splitQuoted(value, ',') {
		fields := splitQuoted(part, ';')
		r := reason{protocol: strings.TrimSpace(fields[0])}
		if r.protocol == "" {
			continue
		}
		for _, f := range fields[1:] {
			name, val, _ := strings.Cut(f, "=")
			val = unquote(strings.TrimSpace(val))
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "cause":
				if n, err := strconv.Atoi(val); err == nil && n > 0 && n < 1000 {
					r.cause = n
				}
			case "text":
				r.text = clip(val, 256)
			}
		}
		out = append(out, r)
	}
	return out
}

// q850 returns the first Q.850 cause (1 to 127), 0 if there is none.
func q850(reasons []reason) int {
	for _, r := range reasons {
		if strings.EqualFold(r.protocol, "Q.850") && r.cause >= 1 && r.cause <= 127 {
			return r.cause
		}
	}
	return 0
}

// parseRetryAfter reads a Retry-After header: seconds, then perhaps a comment
// and parameters (RFC 3261 section 20.33). Zero if it does not parse; never
// more than a day.
func parseRetryAfter(value string) time.Duration {
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

// splitQuoted splits at separators that stand outside quoted strings. There is
// always at least one part.
func splitQuoted(s string, sep byte) []string {
	var out []string
	quoted, start := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
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

// clip cuts s to at most n bytes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
