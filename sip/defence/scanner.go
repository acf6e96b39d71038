package defence

import (
	"bytes"
	"slices"
	"strings"
)

// Scanners are words in the User-Agents of tools that look for SIP servers, count
// their extensions and guess passwords. Tools that telephone people use for tests
// as well (sipsak, SIPp) are not among them.
func Scanners() []string {
	return []string{
		"friendly-scanner", "friendly-request", "sipvicious", "sundayddr", "sip-scan", "sipscan", "sivus",
		"sipcli", "iwar", "pplsip", "vaxsipuseragent", "vaxasip", "siparmyknife", "warvox", "sipptk",
	}
}

// A probe is a From or To that no phone sends.
type probe struct {
	what string // which tool sends it
	mark func(user, host []byte) bool
}

var probes = []probe{
	{"sipvicious, by default", func(_, host []byte) bool { return string(host) == "1.1.1.1" }},
	{"nmap", func(user, host []byte) bool {
		return string(user) == "nm2" && string(host) == "nm2" || string(user) == "" && string(host) == "nm"
	}},
	{"SQL injection", func(user, _ []byte) bool { // an apostrophe alone may be O'Brien's
		return indexFold(user, "'or") >= 0 || indexFold(user, "%27") >= 0 || bytes.Contains(user, []byte("'--"))
	}},
	{"log4shell and kin", func(user, host []byte) bool {
		return bytes.Contains(user, []byte("${")) || bytes.Contains(host, []byte("${"))
	}},
}

// scans reports whether a message bears the marks of a scanner. words are in lower
// case.
func scans(m *message, words [][]byte) bool {
	var agent, from [128]byte
	a, f := fold(&agent, m.agent), fold(&from, m.from)
	for _, w := range words {
		if contains(a, w) || len(w) > 8 && contains(f, w) {
			return true
		}
	}
	if m.method == nil {
		return false
	}
	for _, value := range [...][]byte{m.from, m.to} {
		user, host := addressParts(value)
		for _, p := range probes {
			if p.mark(user, host) {
				return true
			}
		}
	}
	_, host := addressParts(m.uri)
	return string(m.method) == "OPTIONS" && string(host) == "nm" // nmap's own probe
}

// fold copies the beginning of b in lower case.
func fold(into *[128]byte, b []byte) []byte {
	b = b[:min(len(b), len(into))]
	for i, c := range b {
		into[i] = lower(c)
	}
	return into[:len(b)]
}

// contains reports whether b has word, and not in the middle of another word.
func contains(b, word []byte) bool {
	for at := 0; ; at++ {
		i := bytes.Index(b[at:], word)
		if i < 0 {
			return false
		}
		if at += i; at == 0 || !alphanumeric(b[at-1]) {
			return true
		}
	}
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

func alphanumeric(c byte) bool {
	c = lower(c)
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
}

func lowered(words []string) [][]byte {
	var out [][]byte
	for _, w := range words {
		out = append(out, []byte(strings.ToLower(strings.TrimSpace(w))))
	}
	slices.SortFunc(out, bytes.Compare)
	return slices.CompactFunc(out, bytes.Equal)
}
