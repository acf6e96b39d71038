package config

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"ringpace/configs/duration"
	"ringpace/sip/defence"
)

// Defence is who is heard at the sockets of SIP, and how much of them.
type Defence struct {
	Allow       []netip.Prefix `yaml:"allow"`
	Deny        []netip.Prefix `yaml:"deny"`
	Rate        float64        `yaml:"rate"`  // messages a second of one source
	Burst       int            `yaml:"burst"` // messages of one source at once
	Total       float64        `yaml:"total"` // messages a second of all strangers
	Scanners    []string       `yaml:"scanners"`
	Failures    int            `yaml:"failures"`    // wrong passwords before a ban
	Ban         time.Duration  `yaml:"ban"`         // the first
	LongestBan  time.Duration  `yaml:"longest_ban"` // they double
	Connections int            `yaml:"connections"` // of one source
}

// DefaultDefence returns the limits of an empty file.
func DefaultDefence() Defence {
	d := defence.Default()
	return Defence{
		Rate: d.Rate, Burst: d.Burst, Total: d.Total, Scanners: d.Scanners, Failures: d.Failures,
		Ban: d.Ban, LongestBan: d.LongBan, Connections: d.Connections,
	}
}

// Trace is what is kept of the messages on the wire.
type Trace struct {
	Bytes    Size `yaml:"bytes"` // 0 keeps none
	Messages int  `yaml:"messages"`
	HEP      HEP  `yaml:"hep"`
}

// HEP is the collector that gets copies of all messages.
type HEP struct {
	Address   string `yaml:"address"` // host:port; empty: none
	Transport string `yaml:"transport" enum:"udp,tcp"`
	NodeID    int    `yaml:"node_id"`
	Password  Secret `yaml:"password"`
}

// DefaultTrace returns what an empty file keeps.
func DefaultTrace() Trace {
	return Trace{Bytes: 32 << 20, Messages: 65536, HEP: HEP{Transport: UDP, NodeID: 2001}}
}

// Bounds of the trace: it lies in memory.
const (
	leastTrace = Size(64 << 10) // one message of the greatest length
	mostTrace  = Size(4 << 30)
)

func (v *validator) defence() {
	d := &v.config.SIP.Defence
	for _, list := range []struct {
		key      string
		prefixes []netip.Prefix
	}{{"allow", d.Allow}, {"deny", d.Deny}} {
		for i, p := range list.prefixes {
			if p.IsValid() && p.Bits() == 0 {
				v.bad(fmt.Sprintf("sip.defence.%s[%d]", list.key, i), "%s is every address; name networks", p)
			}
		}
	}
	if !(d.Rate >= 1 && d.Rate <= 100_000) {
		v.bad("sip.defence.rate", "%v; write how many messages a second one address may send, 1 to 100000, such as 50", d.Rate)
	}
	if d.Burst < 10 || d.Burst > 1_000_000 {
		v.bad("sip.defence.burst", "%d; write how many messages one address may send at once, 10 to 1000000, such as 400", d.Burst)
	}
	if !(d.Total >= 1 && d.Total <= 1_000_000) {
		v.bad("sip.defence.total", "%v; write how many messages a second all strangers together may send, 1 to 1000000, such as 1000", d.Total)
	}
	for i, w := range d.Scanners {
		if len(w) < 3 {
			v.bad(fmt.Sprintf("sip.defence.scanners[%d]", i), "%q is too short a word: it would be found in honest names", w)
		}
	}
	if d.Failures < 1 {
		v.bad("sip.defence.failures", "%d; write how many wrong passwords lead to a ban, such as 10", d.Failures)
	}
	if d.Ban < time.Second {
		v.bad("sip.defence.ban", "%s; write how long the first ban lasts, at least 1s, such as 5m", duration.Format(d.Ban))
	} else if d.LongestBan < d.Ban {
		v.bad("sip.defence.longest_ban", "%s is less than sip.defence.ban; write for example 1d", duration.Format(d.LongestBan))
	}
	if d.Connections < 1 {
		v.bad("sip.defence.connections", "%d; write how many connections one address may have open, such as 200", d.Connections)
	}
}

func (v *validator) trace() {
	t := &v.config.Trace
	switch {
	case t.Bytes == 0:
		if t.HEP.Address != "" {
			v.bad("trace.bytes", "0 keeps no messages, and trace.hep needs them; write for example 1MiB")
		}
	case t.Bytes < leastTrace || t.Bytes > mostTrace:
		v.bad("trace.bytes", "%s; write how much memory messages may take, %s to %s, or 0B to keep none", t.Bytes, leastTrace, mostTrace)
	}
	if t.Messages < 100 || t.Messages > 10_000_000 {
		v.bad("trace.messages", "%d; write how many messages are kept, 100 to 10000000, such as 65536", t.Messages)
	}
	h := &t.HEP
	if h.Address != "" {
		if _, _, err := net.SplitHostPort(h.Address); err != nil {
			v.bad("trace.hep.address", "%q is not host:port; write for example homer.example.com:9060", h.Address)
		} else {
			v.hostPort("trace.hep.address", h.Address, true)
		}
	}
	if h.NodeID < 1 {
		v.bad("trace.hep.node_id", "%d; write a number of its own for every node, above 0", h.NodeID)
	}
	if len(h.Password.Reveal()) > 256 {
		v.bad("trace.hep.password", "is longer than 256 letters")
	}
}
