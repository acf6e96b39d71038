package registrar

import (
	"slices"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"
)

// text returns the value of the first field of that name, or "".
func text(req *sipgo.Request, name string) string {
	if hs := req.GetHeaders(name); len(hs) > 0 {
		return hs[0].Value()
	}
	return ""
}

// texts returns the values of all fields of that name.
func texts(req *sipgo.Request, name string) []string {
	var out []string
	for _, h := range req.GetHeaders(name) {
		out = append(out, h.Value())
	}
	return out
}

// extensions returns the option tags in the fields of that long and compact name; compact may be empty.
func extensions(req *sipgo.Request, name, compact string) []string {
	var out []string
	values := texts(req, name)
	if compact != "" {
		values = append(values, texts(req, compact)...)
	}
	for _, v := range values {
		for tag := range strings.SplitSeq(v, ",") {
			if tag = strings.ToLower(strings.TrimSpace(tag)); tag != "" {
				out = append(out, tag)
			}
		}
	}
	return out
}

// unknownExtensions lists what a REGISTER requires and we do not know (RFC 3261
// section 8.2.2.3).
func unknownExtensions(req *sipgo.Request) string {
	return strings.Join(slices.DeleteFunc(extensions(req, "Require", ""), func(tag string) bool {
		return tag == "path" || tag == "outbound"
	}), ", ")
}

// clip shortens s to n bytes.
func clip(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}
