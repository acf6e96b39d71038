package sip

import (
	"mime"
	"strings"
	"time"

	sipgo "github.com/emiago/sipgo/sip"
)

// takeInfo answers INFO (RFC 6086, legacy usage) and reports a DTMF digit in it.
func (c *Call) takeInfo(req *sipgo.Request, tx *sipgo.ServerTx) {
	kind, _, err := mime.ParseMediaType(value(req, "Content-Type"))
	if len(req.Body()) > 0 && (err != nil || !strings.HasPrefix(kind, "application/dtmf")) {
		res := c.e.response(req, 415, "Unsupported Media Type", nil)
		res.AppendHeader(sipgo.NewHeader("Accept", "application/dtmf-relay, application/dtmf"))
		c.e.respond(tx, res)
		return
	}
	c.e.respond(tx, c.e.response(req, 200, "OK", nil))
	if digit, ok := parseDTMF(string(req.Body())); ok {
		c.emit(Digit{At: time.Now(), Digit: digit})
	}
}

// parseDTMF reads the digit from an application/dtmf-relay body ("Signal=5" and
// further lines) or an application/dtmf body ("5").
func parseDTMF(body string) (rune, bool) {
	signal := strings.TrimSpace(body)
	for line := range strings.Lines(body) {
		if name, v, ok := strings.Cut(line, "="); ok && strings.EqualFold(strings.TrimSpace(name), "signal") {
			signal = strings.TrimSpace(v)
			break
		}
	}
	switch signal {
	case "10":
		return '*', true
	case "11":
		return '#', true
	}
	if len(signal) != 1 || !strings.Contains("0123456789ABCDabcd*#", signal) {
		return 0, false
	}
	return rune(strings.ToUpper(signal)[0]), true
}
