package sip

import (
	"slices"
	"testing"
)

// TestCallerAndCalled holds who is taken to call whom.
func TestCallerAndCalled(t *testing.T) {
	t.Parallel()
	_, p, incoming := callee(t)
	for i, c := range []struct {
		uri     string
		headers []string
		caller  string
		called  []string
	}{
		{"sip:+442079460000@127.0.0.1", nil, "caller", []string{"+442079460000", "callee"}},
		{"sip:bank@127.0.0.1", []string{"P-Asserted-Identity: <sip:+4930123@c.example>, <tel:+4930123>", "P-Called-Party-ID: <sip:+442079460001@c.example>"}, "+4930123", []string{"bank", "+442079460001", "callee"}},
		{"sip:bank@127.0.0.1", []string{"P-Asserted-Identity: <sip:+4930123@c.example>", "Privacy: id"}, "", []string{"bank", "callee"}},
		{"sip:bank@127.0.0.1", []string{"Privacy: none", "P-Preferred-Identity: <tel:+4930124>"}, "+4930124", []string{"bank", "callee"}},
	} {
		parts := append(slices.Clone(c.headers), testOffer)
		p.send(p.newRequest("INVITE", c.uri, "c"+string(rune('a'+i)), "f", "", 1, parts...))
		in := receive(t, incoming, "INVITE")
		if in.Caller() != c.caller || !slices.Equal(in.Called(), c.called) {
			t.Errorf("%s %q: %q calls %q, want %q and %q", c.uri, c.headers, in.Caller(), in.Called(), c.caller, c.called)
		}
		in.Reject(486, "")
	}
}
