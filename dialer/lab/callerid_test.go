package lab

import (
	"strings"
	"testing"
)

func TestUserOf(t *testing.T) {
	for header, want := range map[string]string{
		`<sip:+4930123@example.org>;tag=1`:                 "+4930123",
		`"Bank" <sip:+4930123;x=y@example.org>`:            "+4930123",
		`"<sip:666@evil>" <sip:+4930123@example.org>`:      "+4930123",
		`"a \" <sip:666@evil>" <sips:4930123@example.org>`: "4930123",
		`sip:4930123@example.org;tag=7`:                    "4930123",
		`<tel:+4930123;phone-context=x>`:                   "+4930123",
		`<sip:+4930123@a>, <tel:+4930123>`:                 "+4930123",
		`<sip:anonymous@anonymous.invalid>`:                "anonymous",
		`<sip:example.org>`:                                "",
		`<sip:user:secret@example.org>`:                    "user",
		`"never closed <sip:1@h>`:                          "",
		``:                                                 "",
		`<mailto:a@b>`:                                     "",
	} {
		if got := userOf(header); got != want {
			t.Errorf("userOf(%q) = %q, want %q", header, got, want)
		}
	}
}

func TestOfficial(t *testing.T) {
	numbers := []string{"+15550100", "+15550101"}
	for _, c := range []struct {
		name, from, asserted, shown string
		ok                          bool
	}{
		{"as given", "+15550100", "", "+15550100", true},
		{"without plus", "15550101", "", "15550101", true},
		{"both", "+15550100", "+15550100", "+15550100", true},
		{"a local number", "+15559999", "", "+15559999", false},
		{"false identity behind a true From", "+15550100", "+15559999", "+15559999", false},
		{"false From before a true identity", "+15559999", "+15550100", "+15559999", false},
		{"anonymous with identity", "anonymous", "+15550100", "+15550100", true},
		{"anonymous without", "anonymous", "", "anonymous", false},
		{"none", "", "", "", false},
	} {
		shown, ok := official(numbers, c.from, c.asserted)
		if shown != c.shown || ok != c.ok {
			t.Errorf("%s: official = %q, %v, want %q, %v", c.name, shown, ok, c.shown, c.ok)
		}
	}
	if _, ok := official(nil, "1001", ""); !ok {
		t.Error("a carrier without numbers of its own must allow every caller")
	}
}

func FuzzUserOf(f *testing.F) {
	f.Add(`"Bank" <sip:+4930123;x=y@example.org>;tag=1`)
	f.Add(`"\`)
	f.Add(`<`)
	f.Fuzz(func(t *testing.T, header string) {
		user := userOf(header)
		if !strings.Contains(header, user) || strings.ContainsAny(user, ";@") {
			t.Errorf("userOf(%q) = %q", header, user)
		}
	})
}
