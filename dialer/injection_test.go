package dialer_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ringpace/dialer/api"
)

// breakouts are what a list may hold behind a number, in a name or in a column of its own
// to have it sent: what ends a line or a URI, or begins a part of one.
var breakouts = []string{
	"\r\nX-Evil: 1", "\nX-Evil: 1", "\rX-Evil: 1", ";user=evil@192.0.2.4", "?X-Evil=1", "?Route=%3Csip:evil.example%3E", "%0d%0aX-Evil:%201",
	"@evil.example", ">;x=<sip:evil", "\"<sip:evil@192.0.2.4>", ";maddr=192.0.2.4", ";transport=evil", ";lr;x-evil", "\u2028X-Evil: 1", "\u0085X-Evil: 1",
	"\x00X-Evil", "\x0bX-Evil: 1", "\x7fX-Evil", "&X-Evil", ",<sip:evil@192.0.2.4>",
}

// quoted is a cell of a list.
func quoted(cell string) string { return `"` + strings.ReplaceAll(cell, `"`, `""`) + `"` }

// TestNoListReachesTheWire imports lists that try to break out of the places where a
// SIP message holds what they say, and has the campaign dial all that was taken: a
// carrier sees the numbers, each as it should be, and nothing else of the lists.
func TestNoListReachesTheWire(t *testing.T) {
	t.Parallel()
	carrier := newScriptedCarrier(t, func(m packet) []string {
		if m.method() == "INVITE" {
			return []string{m.reply("486 Busy Here", "")}
		}
		return nil
	})
	h := build(t, plan{
		Agents: 4, AgentSet: "wrap_up: 0s", NoCalls: true, Trunk: carrier.trunk(),
		Campaign: "max_attempts: 1",
	})
	rows, next := []string{}, 0
	// Each row has a number of its own, with or without what is to break out.
	row := func(behind, name, column string) {
		rows = append(rows, quoted(number(next)+behind)+","+quoted(name)+","+quoted(column)+","+quoted("+15550001111"+column))
		next++
	}
	row("", "Ann", "plain")
	for _, evil := range breakouts {
		row(evil, "Ann", "plain")
		row("", "Ann"+evil, "plain")
		row("", "Ann", "plain"+evil)
	}
	rows = append(rows, quoted(strings.Map(func(r rune) rune { // Arabic-Indic digits
		if r >= '0' && r <= '9' {
			return '\u0660' + r - '0'
		}
		return r
	}, number(next)))+",Ann,plain,x")
	next++

	var rejected []api.RejectedRow
	watch := ignore
	watch.Reject = func(r api.RejectedRow) { rejected = append(rejected, r) }
	res, err := h.daemon.ImportLeads(t.Context(), "test", strings.NewReader("phone,name,note,caller_id\n"+strings.Join(rows, "\n")+"\n"), api.ImportOptions{List: "l"}, watch)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rejected {
		if strings.ContainsAny(r.Reason, "\r\n\x00") || r.Reason == "" {
			t.Errorf("row %d is rejected for %q", r.Line, r.Reason)
		}
	}
	// Without a number that can be told from what is behind it a row is not taken.
	if len(rejected) < len(breakouts) {
		t.Errorf("%d rows rejected of %d with rubbish behind the number: %+v", len(rejected), len(breakouts), rejected)
	}
	if _, err := h.daemon.StartCampaign(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	h.awaitRecords(res.Added)

	invites := carrier.requests("INVITE")
	if len(invites) < res.Added || res.Added < 2*len(breakouts)-6 {
		t.Fatalf("%d calls of %d leads", len(invites), res.Added)
	}
	known := []string{
		"Via", "Max-Forwards", "From", "To", "Call-ID", "CSeq", "Contact", "P-Asserted-Identity", "Allow", "Supported",
		"Session-Expires", "Min-SE", "Accept", "User-Agent", "Content-Type", "Content-Length",
	}
	uri := regexp.MustCompile(fmt.Sprintf(`^INVITE sip:\+1202555[0-9]{4}@%s(;user=phone)? SIP/2\.0$`, regexp.QuoteMeta(carrier.conn.LocalAddr().String())))
	for _, m := range invites {
		head, _, _ := strings.Cut(m.text, "\r\n\r\n")
		lines := strings.Split(head, "\r\n")
		if !uri.MatchString(lines[0]) {
			t.Errorf("request line %q", lines[0])
		}
		for _, line := range lines[1:] {
			if name, _, _ := strings.Cut(line, ":"); !slices.Contains(known, name) {
				t.Errorf("a header field of somebody else's: %q", line)
			}
		}
		if low := strings.ToLower(m.text); strings.Contains(low, "evil") || strings.Contains(low, "192.0.2.4") || strings.Contains(m.text, "+1555") {
			t.Errorf("what a list says is on the wire:\n%s", m.text)
		}
		if from := m.all("From"); len(from) != 1 || !strings.Contains(from[0], "<sip:"+official+"@") {
			t.Errorf("From: %q", from)
		}
	}
}
