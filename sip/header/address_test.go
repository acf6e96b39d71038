package header

import (
	"slices"
	"strings"
	"testing"
)

func TestUsers(t *testing.T) {
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
		if got := Users([]string{field}); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
}

// FuzzUsers holds that whatever stands in the header, no user of it can break out of
// one of ours.
func FuzzUsers(f *testing.F) {
	f.Add(`"Bank, London" <sip:+442079460000@carrier.example;user=phone>, <tel:+442079460001>`)
	f.Add(`<sip:a%0d%0ab@host>, sip:`)
	f.Fuzz(func(t *testing.T, field string) {
		for _, u := range Users([]string{field}) {
			if u == "" || strings.ContainsAny(u, "\r\n\x00") {
				t.Errorf("%q gave %q", field, u)
			}
		}
	})
}
