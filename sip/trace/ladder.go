package trace

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// us is the name of our own column.
const us = "Ringpace"

// Ladder is a call as a sequence of messages between parties.
type Ladder struct {
	ID      string    `json:"id" doc:"The attempt's id, or the Call-ID"`
	Begin   time.Time `json:"begin" doc:"When the call's first message was on the wire"`
	Parties []Column  `json:"parties" doc:"The columns, from left to right"`
	Steps   []Step    `json:"steps" doc:"What happened, in order"`
}

// Column is one party of a call.
type Column struct {
	Name    string `json:"name" doc:"The trunk's or peer's name, or whose leg it is"`
	Address string `json:"address,omitempty" doc:"Where its messages come from; of Ringpace, which of its sockets were used, with commas between"`
}

// Step is one message, or a note.
type Step struct {
	At        time.Time `json:"at"`
	AfterS    float64   `json:"after_s" doc:"Seconds after begin; below 0: of a leg that was set up before"`
	From      int       `json:"from" doc:"Index of the sending party"`
	To        int       `json:"to" doc:"Index of the receiving party; the same as from: a note"`
	Label     string    `json:"label" doc:"The method, or status and phrase; or the note"`
	CSeq      string    `json:"cseq,omitempty"`
	Hint      string    `json:"hint,omitempty" doc:"What matters in it: the audio that is offered or answered, reasons, credentials"`
	Again     bool      `json:"again,omitempty" doc:"The same message was sent before: a retransmission"`
	Transport string    `json:"transport,omitempty"`
	Local     string    `json:"local,omitempty" doc:"The address of Ringpace's socket"`
	CallID    string    `json:"call_id,omitempty"`
	Text      string    `json:"text,omitempty" doc:"The message, with secrets masked"`
}

// Note reports whether the step is a remark and no message.
func (s *Step) Note() bool { return s.From == s.To }

// Ladder returns what is kept of a call; see Messages. name tells who is at an
// address, "" where nobody knows.
func (r *Recorder) Ladder(id string, name func(netip.AddrPort) string) (*Ladder, bool) {
	c := r.call(id)
	if len(c.messages) == 0 {
		return nil, false
	}
	l := &Ladder{ID: id}
	var left, right, here []Column // as they are told apart; those of linked legs are on the right
	side := func(m *Message) (list *[]Column, p Column) {
		if party, linked := c.parties[m.CallID]; linked {
			return &right, Column{Name: party, Address: m.Remote.String()}
		}
		return &left, Column{Name: cmp.Or(name(m.Remote), m.Remote.String()), Address: m.Remote.String()}
	}
	for i := range c.messages {
		m := &c.messages[i]
		list, p := side(m)
		if !slices.Contains(*list, p) {
			*list = append(*list, p)
		}
		if p := (Column{Name: us, Address: m.Local.String()}); !slices.Contains(here, p) {
			here = append(here, p)
		}
		if list == &left && l.Begin.IsZero() {
			l.Begin = m.At
		}
	}
	if l.Begin.IsZero() { // only linked legs are left
		l.Begin = c.messages[0].At
	}
	own := len(left)
	addresses := make([]string, len(here))
	for i, p := range here {
		addresses[i] = p.Address
	}
	l.Parties = slices.Concat(distinguish(left), []Column{{Name: us, Address: strings.Join(addresses, ", ")}}, distinguish(right))
	for i := range c.messages {
		m := &c.messages[i]
		list, p := side(m)
		party := slices.Index(*list, p)
		if list == &right {
			party += own + 1
		}
		s := Step{
			At: m.At, AfterS: m.At.Sub(l.Begin).Seconds(), From: party, To: own, Label: label(m.Data), CSeq: printable(string(cseq(m.Data))),
			Hint: hint(m.Data), Transport: m.Transport, Local: m.Local.String(), CallID: m.CallID, Text: string(m.Data),
			Again: slices.ContainsFunc(c.messages[:i], func(other Message) bool {
				return other.Out == m.Out && other.Remote == m.Remote && bytes.Equal(other.Data, m.Data)
			}),
		}
		if m.Out {
			s.From, s.To = s.To, s.From
		}
		l.Steps = append(l.Steps, s)
	}
	for _, n := range c.notes {
		l.Steps = append(l.Steps, Step{At: n.at, AfterS: n.at.Sub(l.Begin).Seconds(), From: own, To: own, Label: n.text})
	}
	slices.SortStableFunc(l.Steps, func(a, b Step) int { return a.At.Compare(b.At) })
	return l, true
}

// distinguish returns the parties with the address in the names of those that share one.
func distinguish(list []Column) []Column {
	list = slices.Clone(list)
	shared := map[string]int{}
	for _, p := range list {
		shared[p.Name]++
	}
	for i, p := range list {
		if shared[p.Name] > 1 && p.Name != p.Address {
			list[i].Name = fmt.Sprintf("%s %s", p.Name, p.Address)
		}
	}
	return list
}

// label is the method of a request, status and phrase of a response.
func label(data []byte) string {
	line, _, _ := bytes.Cut(data, []byte("\r\n"))
	if rest, ok := bytes.CutPrefix(line, []byte("SIP/2.0 ")); ok {
		return printable(string(rest))
	}
	method, _, _ := bytes.Cut(line, []byte(" "))
	return printable(string(method))
}

// hint says in a few words what matters in a message besides its first line.
func hint(data []byte) string {
	var words []string
	header, body, _ := bytes.Cut(data, []byte("\r\n\r\n"))
	repeats := bytes.HasPrefix(data, []byte("ACK ")) || bytes.HasPrefix(data, []byte("CANCEL ")) // the credentials of the INVITE
	if !repeats && (field(data, "authorization", "") != nil || field(data, "proxy-authorization", "") != nil) {
		words = append(words, "with credentials")
	}
	for _, name := range [...]string{"Reason", "Refer-To", "Replaces", "Retry-After", "Warning"} {
		if v := field(data, strings.ToLower(name), ""); v != nil {
			words = append(words, name+": "+printable(string(v)))
		}
	}
	if len(body) > 0 {
		if audio := describeAudio(body); audio != "" {
			words = append(words, audio)
		} else if kind := field(header, "content-type", "c"); kind != nil {
			words = append(words, printable(string(kind)))
		}
	}
	return strings.Join(words, "; ")
}

// staticNames are the payload types that need no rtpmap (RFC 3551 section 6).
var staticNames = map[string]string{"0": "PCMU", "3": "GSM", "8": "PCMA", "9": "G722", "18": "G729"}

// describeAudio says of a session description which codecs it names, where audio
// goes to, and in which direction, if not in both; "" where it has no audio.
func describeAudio(sdp []byte) string {
	var host, port, way string
	var types []string
	names := map[string]string{}
	inAudio := false
	for line := range strings.Lines(string(sdp)) {
		line = strings.TrimRight(line, "\r\n")
		kind, v, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		switch kind {
		case "m":
			words := strings.Fields(v)
			inAudio = port == "" && len(words) > 3 && words[0] == "audio"
			if inAudio {
				port, types = words[1], words[3:]
			}
		case "c":
			if words := strings.Fields(v); len(words) == 3 && (host == "" || inAudio) {
				host = words[2]
			}
		case "a":
			if !inAudio && port != "" {
				continue
			}
			switch v {
			case "sendonly", "recvonly", "inactive":
				way = v
			}
			if m, ok := strings.CutPrefix(v, "rtpmap:"); ok {
				payload, name, _ := strings.Cut(m, " ")
				name, _, _ = strings.Cut(name, "/")
				names[payload] = name
			}
		}
	}
	if port == "" {
		return ""
	}
	var codecs []string
	for _, t := range types {
		if name := cmp.Or(names[t], staticNames[t]); name != "" && !strings.EqualFold(name, "telephone-event") {
			codecs = append(codecs, name)
		}
	}
	text := strings.Join(codecs, " ") + " at " + host + ":" + port
	if strings.Contains(host, ":") {
		text = strings.Join(codecs, " ") + " at [" + host + "]:" + port
	}
	if way != "" {
		text += " " + way
	}
	return printable(strings.TrimSpace(text))
}

// printable takes control characters out of what a stranger may have sent: it goes
// to a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			return -1
		}
		return r
	}, s)
}
