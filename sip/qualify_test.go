package sip

import (
	"context"
	"testing"
	"time"
)

// Phones are asked whether they are there, through NAT; one that does not answer is
// called only where there is no other.
func TestQualify(t *testing.T) {
	t.Parallel()
	r, e, _ := newDesk(t, Config{})
	l, err := NewLocal(e, LocalConfig{Name: "registrar", Registrar: r, Domain: "desk.example", Qualify: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	awake, asleep := newPeer(t, addrOf(t, e, "udp")), newPeer(t, addrOf(t, e, "udp"))
	awake.enrol("<sip:awake@192.0.2.77:5060>;q=0.1")
	asleep.enrol("<sip:asleep@192.0.2.77:5060>")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); l.Run(ctx) }()
	defer func() { cancel(); <-done }()

	first := awake.expect("OPTIONS")
	if first.uri() != "sip:awake@192.0.2.77:5060" {
		t.Errorf("%s", first)
	}
	awake.respond(first, "405 Method Not Allowed", "a", "") // any answer is one
	contacts := r.Contacts("100")
	for !l.Silent(contacts[0]) {
		awake.respond(awake.takeKind("OPTIONS"), "200 OK", "a", "")
	}
	if l.Silent(contacts[1]) {
		t.Error("the one that answers is silent")
	}
	call := ring100(t, l)
	awake.respond(awake.takeKind("INVITE"), "486 Busy Here", "a", "")
	next[Failed](t, call)
	// Back again.
	for l.Silent(contacts[0]) {
		asleep.respond(asleep.takeKind("OPTIONS"), "200 OK", "a", "")
	}
}
