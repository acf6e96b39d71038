package defence

import "bytes"

// Mark is what tells whether a message belongs to a dialog or transaction of ours.
type Mark struct {
	Response bool // of a request of ours, if Branch is
	CallID   string
	FromTag  string
	ToTag    string
	Branch   string // of the topmost Via
}

// Recognise sets what knows the messages of our own dialogs and transactions. They
// are heard when all strangers together send too much: nobody else can make such
// ones. ours is called without any lock, for messages that would be dropped, and
// must be quick.
func (g *Guard) Recognise(ours func(Mark) bool) { g.ours.Store(&ours) }

// recognised reports whether a message is one of ours.
func (g *Guard) recognised(data []byte) bool {
	ours := g.ours.Load()
	if ours == nil || IsKeepAlive(data) {
		return false
	}
	m := sniff(data)
	if len(m.callID) == 0 || m.method != nil && !m.toTag {
		return false
	}
	return (*ours)(Mark{
		Response: m.method == nil, CallID: string(m.callID), FromTag: param(m.from, "tag"), ToTag: param(m.to, "tag"), Branch: m.branch(),
	})
}

// branch is that of the topmost Via, or "".
func (m *message) branch() string {
	top, _, _ := bytes.Cut(m.via, []byte(","))
	return param(top, "branch")
}

// param returns the value of a parameter behind an address or a Via, or "". word is
// in lower case.
func param(value []byte, word string) string {
	if i := bytes.LastIndexByte(value, '>'); i >= 0 {
		value = value[i+1:]
	}
	for {
		_, rest, ok := bytes.Cut(value, []byte(";"))
		if !ok {
			return ""
		}
		value = rest
		text, _, _ := bytes.Cut(value, []byte(";"))
		if name, v, ok := bytes.Cut(text, []byte("=")); ok && equalFold(bytes.TrimSpace(name), word) {
			return string(bytes.TrimSpace(v))
		}
	}
}
