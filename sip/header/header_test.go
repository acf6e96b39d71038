package header

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRAck(t *testing.T) {
	for value, want := range map[string]RAck{
		"776656 1 INVITE":       {776656, 1, "INVITE"},
		" 1\t4294967295 INVITE": {1, 4294967295, "INVITE"},
		"0 1 INVITE":            {},
		"1 INVITE":              {},
		"1 -1 INVITE":           {},
		"1 1 IN(VITE":           {},
		"4294967296 1 INVITE":   {},
		"":                      {},
	} {
		if got, ok := ParseRAck(value); got != want || ok != (want != RAck{}) {
			t.Errorf("%q: %+v, %t", value, got, ok)
		}
	}
}

func TestSessionExpires(t *testing.T) {
	for value, want := range map[string]SessionExpires{
		"1800":                   {1800, ""},
		"1800;refresher=uac":     {1800, "uac"},
		" 90 ; Refresher = UAS ": {90, "uas"},
		"90;refresher=me;x=y":    {90, ""},
		"0":                      {},
		"-1":                     {},
		"x;refresher=uac":        {},
		"4294967296":             {},
	} {
		if got, ok := ParseSessionExpires(value); got != want || ok != (want != SessionExpires{}) {
			t.Errorf("%q: %+v, %t", value, got, ok)
		}
	}
	if n, ok := ParseMinSE(" 120;x=y"); n != 120 || !ok {
		t.Errorf("Min-SE %d, %t", n, ok)
	}
}

func TestReplaces(t *testing.T) {
	for value, want := range map[string]Replaces{
		"425928@bobster.example.org;to-tag=7743;from-tag=6472":         {"425928@bobster.example.org", "7743", "6472", false},
		"98asjd8@test.com ; From-Tag=a ; TO-TAG = b ; early-only; x=1": {"98asjd8@test.com", "b", "a", true},
		"no tags": {}, "a@b;to-tag=1": {}, "a@b;from-tag=1": {}, ";to-tag=1;from-tag=2": {},
		"a\r\nb;to-tag=1;from-tag=2": {}, "a;to-tag=1\r\nX: y;from-tag=2": {},
	} {
		if got, ok := ParseReplaces(value); got != want || ok != (want != Replaces{}) {
			t.Errorf("%q: %+v, %t", value, got, ok)
		}
	}
}

func TestReferTo(t *testing.T) {
	replaces := &Replaces{CallID: "12345@192.168.118.3", ToTag: "12345", FromTag: "5FFE-3994"}
	for _, c := range []struct {
		value string
		want  ReferTo
		user  string
	}{
		{"<sip:1002@pbx.example>", ReferTo{URI: "sip:1002@pbx.example", Method: "INVITE"}, "1002"},
		{"sip:1002@pbx.example;x=y", ReferTo{URI: "sip:1002@pbx.example", Method: "INVITE"}, "1002"},
		{`"A, \"B\" <c>" <sips:a%2Bb:pw@h:5061;transport=tls>`, ReferTo{URI: "sips:a%2Bb:pw@h:5061;transport=tls", Method: "INVITE"}, "a+b"},
		{"<tel:+49301234;phone-context=x>", ReferTo{URI: "tel:+49301234;phone-context=x", Method: "INVITE"}, "+49301234"},
		{"<sip:+49301;phone-context=x@h>", ReferTo{URI: "sip:+49301;phone-context=x@h", Method: "INVITE"}, "+49301"},
		{"<sip:h>", ReferTo{URI: "sip:h", Method: "INVITE"}, ""},
		{"<sip:a@h;method=bye>", ReferTo{URI: "sip:a@h", Method: "BYE"}, "a"},
		{
			"<sip:dave@denver.example.org?Replaces=12345%40192.168.118.3%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE-3994>",
			ReferTo{URI: "sip:dave@denver.example.org", Method: "INVITE", Replaces: replaces},
			"dave",
		},
		{
			"<sip:d@h?Subject=x&Replaces=12345%40192.168.118.3%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE-3994&From=y>",
			ReferTo{URI: "sip:d@h", Method: "INVITE", Replaces: replaces},
			"d",
		},
		{"<sip:d@h?Replaces=broken>", ReferTo{}, ""},
		{"<sip:d@h?Replaces=%zz>", ReferTo{}, ""},
		{"<sip:a@h>, <sip:b@h>", ReferTo{}, ""},
		{"<http://h>", ReferTo{}, ""},
		{"<sip:>", ReferTo{}, ""},
		{"<sip:a b@h>", ReferTo{}, ""},
		{"<sip:a@h\r\nX: y>", ReferTo{}, ""},
		{">sip:a@h<", ReferTo{}, ""},
		{"", ReferTo{}, ""},
	} {
		got, ok := ParseReferTo(c.value)
		if diff := cmp.Diff(c.want, got); diff != "" || ok != (c.want.URI != "") {
			t.Errorf("%q: %t\n%s", c.value, ok, diff)
		}
		if ok && got.User() != c.user {
			t.Errorf("%q: user %q", c.value, got.User())
		}
	}
}

// Whatever parses is written and read again as the same, and can end no header field.
func FuzzHeader(f *testing.F) {
	for _, seed := range []string{
		"776656 1 INVITE", "1800;refresher=uac", "425928@bobster.example.org;to-tag=7743;from-tag=6472;early-only",
		"<sip:d@h?Replaces=1%40h%3Bto-tag%3D1%3Bfrom-tag%3D2>", `"x\"" <tel:+1>;y`, "<>", ";;;", "a@b;to-tag==;from-tag=%",
	} {
		f.Add(seed)
	}
	safe := func(t *testing.T, s string) {
		for _, r := range s {
			if r < ' ' || r == 0x7f {
				t.Errorf("control character in %q", s)
			}
		}
	}
	f.Fuzz(func(t *testing.T, value string) {
		if r, ok := ParseRAck(value); ok {
			if again, ok := ParseRAck(r.String()); !ok || again != r {
				t.Errorf("RAck %q: %+v, then %+v", value, r, again)
			}
			safe(t, r.String())
		}
		if s, ok := ParseSessionExpires(value); ok {
			if again, ok := ParseSessionExpires(s.String()); !ok || again != s {
				t.Errorf("Session-Expires %q: %+v, then %+v", value, s, again)
			}
			safe(t, s.String())
		}
		if r, ok := ParseReplaces(value); ok {
			if again, ok := ParseReplaces(r.String()); !ok || again != r || !r.Valid() {
				t.Errorf("Replaces %q: %+v, then %+v", value, r, again)
			}
			safe(t, r.String())
		}
		if r, ok := ParseReferTo(value); ok {
			safe(t, r.URI)
			again, ok := ParseReferTo("<" + r.URI + ">")
			if !ok || again.URI != r.URI {
				t.Errorf("Refer-To %q: %+v, then %+v", value, r, again)
			}
			_ = r.User()
		}
	})
}
