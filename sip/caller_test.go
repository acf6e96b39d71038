package sip

import (
	"slices"
	"strings"
	"testing"
)

func TestURIUsers(t *testing.T) {
	for field, want := range map[string][]string{
		`"Bank, London" <sip:+442079460000@carrier.example;user=phone>, <tel:+442079460001>`: {"+442079460000", "+442079460001"},
		`sip:0201;phone-context=+49@host;x=1`:                                                {"0201"},
		`<sips:a:secret@host>;tag=1`:                                                         {"a"},
		`"a \" <sip:x@y>" <sip:real@host>`:                                                   {"real"},
		`tel:+4930-12345;ext=5`:                                                              {"+4930-12345"},
		`<sip:host>`:                                                                         nil,
		`<mailto:a@b>`:                                                                       nil,
		`<sip:%61bc@host>, <sip:a%0d%0ab@host>`:                                              {"abc"},
		`"unclosed <sip:x@y>`:                                                                {"x"},
		``:                                                                                   nil,
	} {
		if got := uriUsers([]string{field}); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
}

// FuzzURIUsers holds that whatever stands in the header, no user of it can break out of
// one of ours.
func FuzzURIUsers(f *testing.F) {
	f.Add(`"Bank, London" <sip:+442079460000@carrier.example;user=phone>, <tel:+442079460001>`)
	f.Add(`<sip:a%0d%0ab@host>, sip:`)
	f.Fuzz(func(t *testing.T, field string) {
		for _, u := range uriUsers([]string{field}) {
			if u == "" || strings.ContainsAny(u, "\r\n\x00") {
				t.Errorf("%q gave %q", field, u)
			}
		}
	})
}

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
