package defence

import (
	"testing"
)

func FuzzSniff(f *testing.F) {
	f.Add([]byte(invite))
	f.Add(with("To:", "t :", "From: \"Ann\" <sip:ann@example.com>", "f:sip:x@1.1.1.1"))
	f.Add([]byte("OPTIONS sip:nm SIP/2.0\r\nTo:;tag"))
	words := lowered(Scanners())
	f.Fuzz(func(t *testing.T, data []byte) {
		before := string(data)
		m := sniff(data)
		scans(&m, words)
		if string(data) != before {
			t.Fatal("looking at a message changed it")
		}
		if m.toTag && m.to == nil {
			t.Fatal("a tag without a To")
		}
	})
}
