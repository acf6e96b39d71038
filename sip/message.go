package sip

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"

	"ringpace/sip/header"
)

// allow is what we take part in (RFC 3261 section 20.5).
const allow = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY"

// values returns the values of all fields of that name, in its long or compact
// form. compact may be empty.
func values(msg sipgo.Message, name, compact string) []string {
	var out []string
	for _, h := range msg.GetHeaders(name) {
		out = append(out, h.Value())
	}
	if compact != "" {
		for _, h := range msg.GetHeaders(compact) {
			out = append(out, h.Value())
		}
	}
	return out
}

// value returns the value of the first field of that name, or "".
func value(msg sipgo.Message, name string) string {
	if hs := msg.GetHeaders(name); len(hs) > 0 {
		return hs[0].Value()
	}
	return ""
}

// tokens returns the comma-separated tokens of all fields of that name.
func tokens(msg sipgo.Message, name, compact string) []string {
	var out []string
	for _, v := range values(msg, name, compact) {
		for t := range strings.SplitSeq(v, ",") {
			if t = strings.TrimSpace(t); t != "" {
				out = append(out, t)
			}
		}
	}
	return out
}

// reasons returns what the Reason headers of a message say.
func reasons(msg sipgo.Message) []header.Reason {
	var out []header.Reason
	for _, v := range values(msg, "Reason", "") {
		out = append(out, header.ParseReasons(v)...)
	}
	return out
}

func fromTag(msg sipgo.Message) string {
	if h := msg.From(); h != nil {
		return h.Params.GetOr("tag", "")
	}
	return ""
}

func toTag(msg sipgo.Message) string {
	if h := msg.To(); h != nil {
		return h.Params.GetOr("tag", "")
	}
	return ""
}

func branchOf(msg sipgo.Message) string {
	if h := msg.Via(); h != nil {
		return h.Params.GetOr("branch", "")
	}
	return ""
}

// trimParams takes the white space that RFC 3261 allows around ; and = out of
// parameters, which sipgo's parser leaves in, together with empty ones.
func trimParams(params sipgo.HeaderParams) sipgo.HeaderParams {
	clean := true
	for _, p := range params {
		if p.K != strings.TrimSpace(p.K) || p.V != strings.TrimSpace(p.V) || p.K == "" {
			clean = false
		}
	}
	if clean {
		return params
	}
	out := params[:0]
	for _, p := range params {
		if p.K = strings.TrimSpace(p.K); p.K != "" {
			p.V = strings.TrimSpace(p.V)
			out = append(out, p)
		}
	}
	return out
}

const sdpType = "application/sdp"

// session returns the session description in a message: its body, or the SDP
// part of a multipart body (RFC 5621). nil when there is none; ok is false when
// the body is something else.
func session(msg sipgo.Message) (sdp []byte, ok bool) {
	body := msg.Body()
	if len(body) == 0 {
		return nil, true
	}
	contentType := value(msg, "Content-Type")
	if contentType == "" {
		contentType = sdpType // RFC 3261 section 20.15 demands it; be lenient
	}
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, false
	}
	switch {
	case kind == sdpType:
		return body, true
	case strings.HasPrefix(kind, "multipart/"):
		parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
		for range 8 {
			part, err := parts.NextPart()
			if err != nil {
				break
			}
			if k, _, err := mime.ParseMediaType(part.Header.Get("Content-Type")); err == nil && k == sdpType {
				sdp, err := io.ReadAll(part)
				if err != nil || len(sdp) == 0 {
					return nil, false
				}
				return sdp, true
			}
		}
	}
	return nil, false
}
