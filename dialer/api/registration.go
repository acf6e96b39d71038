package api

import (
	"cmp"
	"time"
)

// Registration is a telephone that is registered at Ringpace's own registrar.
type Registration struct {
	User      string    `json:"user" doc:"The agent's extension"`
	Node      string    `json:"node" doc:"The node where it registered, which alone can call it"`
	Contact   string    `json:"contact" doc:"Where it says that it can be reached"`
	Source    string    `json:"source" doc:"Where its REGISTER came from: calls go there"`
	Transport string    `json:"transport" doc:"udp, tcp, tls, ws or wss"`
	Path      []string  `json:"path,omitempty" doc:"Proxies on the way to it (RFC 3327)"`
	UserAgent string    `json:"user_agent,omitempty" doc:"What it calls itself"`
	Q         float64   `json:"q" doc:"Of several, the highest rings first"`
	Expires   time.Time `json:"expires"`
	Silent    bool      `json:"silent,omitempty" doc:"It does not answer OPTIONS: it rings only where there is no other"`

	Disconnected bool `json:"disconnected,omitempty" doc:"Its connection has ended: the next call opens one to its contact"`
}

// ByUser orders registrations by user, then by node.
func ByUser(a, b Registration) int {
	return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Node, b.Node))
}
