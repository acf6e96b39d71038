package lead

import (
	"errors"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

func TestNormalize(t *testing.T) {
	tests := []struct{ raw, region, want, words string }{ // want "" is an error with the words
		{raw: "+12025550100", want: "+12025550100"},
		{raw: "(202) 555-0100", region: "US", want: "+12025550100"},
		{raw: "1-202-555-0100", region: "US", want: "+12025550100"},
		{raw: "tel:+1-202-555-0100", want: "+12025550100"},
		{raw: "+1 202.555.0100;ext=5", want: "+12025550100"},
		{raw: "(030) 23125-100", region: "DE", want: "+493023125100"},
		{raw: "030/23125100", region: "DE", want: "+493023125100"},
		{raw: "+49 (0)30 23125100", want: "+493023125100"},
		{raw: "0049 30 23125100", region: "CN", want: "+493023125100"},
		{raw: "１３８００１３８０００", region: "CN", want: "+8613800138000"},
		{raw: "86-13800138000", region: "CN", want: "+8613800138000"},
		{raw: "010-12345678转801", region: "CN", want: "+861012345678"},
		{raw: "\u00a0'13800138000\u00a0", region: "CN", want: "+8613800138000"},
		{raw: `="13800138000"`, region: "CN", want: "+8613800138000"},
		{raw: "13800138000.0", region: "CN", want: "+8613800138000"},
		{raw: "13800138000", region: "US", words: "numbering plan of US (+1)"},
		{raw: "13800138000", words: "no country code, and no region is set"},
		{raw: "1.38001E+10", region: "CN", words: "spreadsheet"},
		{raw: "", region: "CN", words: "not a telephone number"},
		{raw: "n/a", region: "CN", words: "not a telephone number"},
		{raw: "1800FLOWERS", region: "US", words: "not a telephone number"},
		{raw: "call after 5 13800138000", region: "CN", words: "not a telephone number"},
		{raw: "=1+1", region: "US", words: "not a telephone number"},
		{raw: "+999 1234567890", words: "not a telephone number"},
		{raw: strings.Repeat("1", 65), region: "US", words: "too long"},
	}
	for _, tt := range tests {
		got, err := Normalize(tt.raw, tt.region)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("Normalize(%q, %q) = %q, %v; want %q", tt.raw, tt.region, got, err, tt.want)
		}
		if err != nil && (!errors.Is(err, ErrNumber) || !strings.Contains(err.Error(), tt.words)) {
			t.Errorf("Normalize(%q, %q): %v; want %q in it", tt.raw, tt.region, err, tt.words)
		}
	}
}

// The quick way must be the library's, for every kind of number of every region.
func TestQuickIsTheLibrarys(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	taken := 0
	for region := range phonenumbers.GetSupportedRegions() {
		for kind := phonenumbers.FIXED_LINE; kind <= phonenumbers.VOICEMAIL; kind++ {
			example := phonenumbers.GetExampleNumberForType(region, kind)
			if example == nil {
				continue
			}
			national := []byte(phonenumbers.GetNationalSignificantNumber(example))
			for range 4 {
				for range rng.IntN(4) {
					national[rng.IntN(len(national))] = byte('0' + rng.IntN(10))
				}
				code := strconv.Itoa(int(example.GetCountryCode()))
				for _, raw := range []string{string(national), "+" + code + string(national), code + string(national), "1" + string(national), "0" + string(national), "00" + string(national), "+" + code + "0" + string(national)} {
					got := quick(raw, region)
					if got == "" {
						continue
					}
					taken++
					n, err := phonenumbers.Parse(raw, region)
					if err != nil || !phonenumbers.IsValidNumber(n) || phonenumbers.Format(n, phonenumbers.E164) != got {
						t.Errorf("%q in %s: %q, and the library says %v, %v", raw, region, got, n, err)
					}
				}
			}
		}
	}
	if taken < 2_000 {
		t.Errorf("only %d numbers went the quick way", taken)
	}
}

func TestRegionOf(t *testing.T) {
	for number, want := range map[string]string{
		"+442079460100": "GB", "+8613800138000": "CN", "+12025550100": "US", "+14165550100": "CA",
		"+447700900123": "GB", // fictional, so in no numbering plan
		"+999123":       "", "x": "",
	} {
		if got := RegionOf(number); got != want {
			t.Errorf("RegionOf(%s) = %q, want %q", number, got, want)
		}
	}
}

func TestKind(t *testing.T) {
	for number, want := range map[string]string{
		"+447400123456": Mobile, "+442079460000": Fixed, "+8613800138000": Mobile, "+4930901820": Fixed,
		"+12125550100": "", // one cannot tell in North America
		"+18005550199": "", "": "", "anna": "",
	} {
		if got := Kind(number); got != want {
			t.Errorf("%s is %q, want %q", number, got, want)
		}
	}
}

func TestZones(t *testing.T) {
	tests := []struct {
		number, zone string
		first        string // "" is none
		count        int
	}{
		{number: "+8613800138000", first: "Asia/Shanghai", count: 1},
		{number: "+19075550100", first: "America/Adak", count: 2},
		{number: "+19075550100", zone: "America/Anchorage", first: "America/Anchorage", count: 1},
		{number: "+442079460100", zone: "Local", first: "Europe/London", count: 1},
		{number: "+870773111632"},
		{number: ""},
		{number: "rubbish"},
	}
	for _, tt := range tests {
		zones := (&Lead{TimeZone: tt.zone}).Zones(tt.number)
		if len(zones) != tt.count || tt.count > 0 && zones[0].String() != tt.first {
			t.Errorf("%+v: %v", tt, zones)
		}
	}
}

func TestNumberTakesTurns(t *testing.T) {
	l := Lead{Numbers: []string{"a", "b", "c"}, Dead: []string{"b"}}
	got := ""
	for l.Attempts = range 6 {
		got += l.Number()
	}
	if got != "accacc" {
		t.Errorf("%s", got)
	}
}

func FuzzNormalize(f *testing.F) {
	f.Add("+49 (0)30 23125100", "DE")
	f.Add("1.38001E+10", "CN")
	f.Add("010-12345678转801", "CN")
	e164 := regexp.MustCompile(`^\+[1-9][0-9]{3,16}$`)
	f.Fuzz(func(t *testing.T, raw, region string) {
		n, err := Normalize(raw, region)
		if err != nil {
			return
		}
		if again, err := Normalize(n, ""); !e164.MatchString(n) || err != nil || again != n {
			t.Errorf("%q in %q is %q, and that is %q, %v", raw, region, n, again, err)
		}
	})
}

func BenchmarkNormalize(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Normalize("0207 946 0100", "GB"); err != nil {
			b.Fatal(err)
		}
	}
}
